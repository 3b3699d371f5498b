//! Memory of the CPU executor: words from the begin of a cache line on, so that no vector of a buffer's first row straddles two.
//!
//! Where several buffers begin also differs within a page. A processor takes a load for one of what was just stored if the last
//! twelve bits of their addresses agree, and large buffers would all begin at the same: a loop over weights and their moments, which
//! stores one and loads the next, would wait for itself.

use std::ops::{Deref, DerefMut};

/// Bytes of a page, of whose addresses processors compare the last bits.
const PAGE: usize = 4096;

/// Bytes from one buffer's place in a page to the next one's: an odd number of cache lines, so that 64 buffers have 64 places.
const STEP: usize = 5 * 64;

/// Zeroed words.
#[derive(Debug)]
pub struct Words {
    storage: Vec<u32>,
    first: usize,
    count: usize,
}

impl Words {
    /// `count` zeros, the `index`-th buffer of a program. A system's pages are taken as they are first used.
    pub fn zeroed(count: usize, index: usize) -> Words {
        let storage = vec![0u32; count + PAGE / size_of::<u32>()];
        let skip = (index * STEP).wrapping_sub(storage.as_ptr().addr()) % PAGE;
        Words { storage, first: skip / size_of::<u32>(), count }
    }
}

impl Deref for Words {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.storage[self.first..][..self.count]
    }
}

impl DerefMut for Words {
    fn deref_mut(&mut self) -> &mut [u32] {
        &mut self.storage[self.first..][..self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_begin_with_lines_and_in_places_of_their_own() {
        for count in [0, 1, 37, 5_000, 200_000] {
            let buffers: Vec<Words> = (0..64).map(|index| Words::zeroed(count, index)).collect();
            let mut places: Vec<usize> = buffers.iter().map(|words| words.as_ptr().addr() % PAGE).collect();
            places.sort_unstable();
            assert!(places.iter().copied().eq((0..PAGE).step_by(64)), "{count} words: {places:?}");
            for mut words in buffers {
                assert!(words.len() == count && words.iter().all(|word| *word == 0));
                words.fill(7);
            }
        }
    }
}
