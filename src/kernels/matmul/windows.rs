//! The windows of a convolution where they lie: channels-last, so every line of a window is one run of numbers of its input.
//! Where there is padding it is written out first, so that no window asks where it ends.

use pulp::{Simd, WithSimd};

use super::marks::{BLOCK, word};
use crate::engine::simd::Arch;
use crate::kernels::conv2d_forward::Params;

/// Inputs of a batch, their windows' places and, as words of bits, which of their numbers are not 0.
#[derive(Default)]
pub struct Scratch {
    padded: Vec<f32>,
    starts: Vec<usize>,
    words: Vec<u64>,
}

/// Inputs with their padding, whose windows are read.
#[derive(Clone, Copy)]
pub struct Windows<'a> {
    /// Inputs side by side.
    pub x: &'a [f32],
    /// Where each window of one input starts.
    starts: &'a [usize],
    words: &'a [u64],
    /// Numbers of one input.
    size: usize,
    /// Numbers of a window's line.
    pub line: usize,
    /// Lines of a window.
    pub lines: usize,
    /// Numbers from one line of a window to the next.
    pub pitch: usize,
    /// Numbers that are not 0, in all inputs.
    nonzeros: usize,
}

impl<'a> Windows<'a> {
    /// Those of whole inputs `x`.
    pub fn new(p: &Params, x: &'a [f32], scratch: &'a mut Scratch) -> Windows<'a> {
        let [height, width, channels] = [p.height, p.width, p.channels].map(|d| d as usize);
        let [pad_y, pad_x] = [p.pad_y, p.pad_x].map(|d| d as usize);
        let pitch = (width + 2 * pad_x) * channels;
        let size = (height + 2 * pad_y) * pitch;
        let Scratch { padded, starts, words } = scratch;
        starts.clear();
        for place in 0..p.positions() as u32 {
            let [y, x] = [place / p.out_width * p.stride_y, place % p.out_width * p.stride_x];
            starts.push(y as usize * pitch + x as usize * channels);
        }
        let x = if pad_y + pad_x == 0 {
            x
        } else {
            padded.clear();
            padded.resize(x.len() / p.input() * size, 0.0);
            for (to, from) in padded.chunks_exact_mut(size).zip(x.chunks_exact(p.input())) {
                let lines = to[pad_y * pitch..].chunks_exact_mut(pitch);
                for (to, from) in lines.zip(from.chunks_exact(width * channels)) {
                    to[pad_x * channels..][..width * channels].copy_from_slice(from);
                }
            }
            &*padded
        };
        let nonzeros = Arch::new().dispatch(Mark { x, words });
        let line = p.kernel_width as usize * channels;
        Windows { x, starts, words, size, line, lines: p.kernel_height as usize, pitch, nonzeros }
    }

    /// Where the windows of `first`, `first + step`, ... start, counted over the inputs.
    #[inline(always)]
    pub fn starts(self, first: usize, step: usize) -> impl Iterator<Item = usize> {
        let positions = self.starts.len();
        let (mut input, mut place) = (first / positions * self.size, first % positions);
        let (inputs, places) = (step / positions * self.size, step % positions);
        std::iter::from_fn(move || {
            let start = input + self.starts[place];
            (input, place) = (input + inputs, place + places);
            if place >= positions {
                (input, place) = (input + self.size, place - positions);
            }
            Some(start)
        })
    }

    /// Which of the `length` numbers from `start` on are not 0; at most 64.
    #[inline(always)]
    pub fn word(self, start: usize, length: usize) -> u64 {
        let (at, shift) = (start / BLOCK, start % BLOCK);
        // The word behind may be needed for its lowest bits: shifted in two steps, since 64 is too many for one.
        let both = self.words[at] >> shift | self.words[at + 1] << 1 << (BLOCK - 1 - shift);
        both & (u64::MAX >> (BLOCK - length))
    }

    /// Whether vector operations, `vectors` for each number of a window, are fewer where zeros are skipped: `least` for every
    /// number that is not, and some for every word that is asked for it.
    #[inline(always)]
    pub fn are_sparse(self, vectors: usize, least: usize) -> bool {
        /// What a word costs: mostly a branch that is guessed wrong.
        const WORD: usize = 12;
        let depth = self.line * self.lines;
        let asking = self.lines * self.line.div_ceil(BLOCK) * WORD;
        let most = (depth * vectors).saturating_sub(asking) / least;
        self.nonzeros * depth < most * self.x.len()
    }
}

/// Marks what is not 0 of `x`, and counts it.
struct Mark<'a> {
    x: &'a [f32],
    words: &'a mut Vec<u64>,
}

impl WithSimd for Mark<'_> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        let Mark { x, words } = self;
        // One more, for whoever asks behind the last.
        words.resize(x.len().div_ceil(BLOCK) + 1, 0);
        let mut nonzeros = 0;
        for (to, values) in words.iter_mut().zip(x.chunks(BLOCK)) {
            *to = word::<S>(values);
            nonzeros += to.count_ones() as usize;
        }
        nonzeros
    }
}
