//! Twin of `shaders/shared/permutation.wgsl`: a permutation of `0..length` without a table.

/// Most repetitions of the bijection: as many places as the next power of two has beyond `length`, and one.
pub fn most_repeats(length: u32) -> u64 {
    u64::from(length).next_power_of_two() - u64::from(length) + 1
}

/// Place `index` of the permutation of `0..length` under `key`; `length` is at most 2^31.
pub fn permuted(index: u32, length: u32, key: u32) -> u32 {
    let w = length.next_power_of_two() - 1;
    let mut i = index;
    loop {
        i ^= key;
        i = i.wrapping_mul(0xe170_893d);
        i ^= key >> 16;
        i ^= (i & w) >> 4;
        i ^= key >> 8;
        i = i.wrapping_mul(0x0929_eb3f);
        i ^= key >> 23;
        i ^= (i & w) >> 1;
        i = i.wrapping_mul(1 | (key >> 27));
        i = i.wrapping_mul(0x6935_fa69);
        i ^= (i & w) >> 11;
        i = i.wrapping_mul(0x74dc_b303);
        i ^= (i & w) >> 2;
        i = i.wrapping_mul(0x9e50_1cc3);
        i ^= (i & w) >> 2;
        i = i.wrapping_mul(0xc860_a3df);
        i &= w;
        i ^= i >> 5;
        if i < length {
            return i.wrapping_add(key) % length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rng::pcg4d;

    #[test]
    fn every_place_is_taken_once() {
        for length in [1, 2, 3, 5, 31, 32, 33, 100, 511, 512, 513, 4096, 5000] {
            for k in 0..20 {
                let key = pcg4d([k, length, 1, 2])[0];
                let mut places: Vec<u32> = (0..length).map(|i| permuted(i, length, key)).collect();
                places.sort_unstable();
                assert!(places.iter().copied().eq(0..length), "{length} {key}");
            }
        }
    }

    #[test]
    fn every_place_is_equally_likely_and_pairs_are_torn_apart() {
        let (length, keys) = (32, 20_000);
        let mut counts = vec![0u32; (length * length) as usize];
        let mut neighbours = 0;
        for k in 0..keys {
            let key = pcg4d([k, 9, 9, 9])[0];
            let places: Vec<u32> = (0..length).map(|i| permuted(i, length, key)).collect();
            neighbours += places.windows(2).filter(|pair| pair[1] == pair[0] + 1).count();
            for (i, place) in (0..length).zip(places) {
                counts[(i * length + place) as usize] += 1;
            }
        }
        let expected = f64::from(keys) / f64::from(length);
        let worst =
            counts.iter().map(|n| (f64::from(*n) - expected).abs() / expected.sqrt()).fold(0.0, f64::max);
        assert!(worst < 6.0, "{worst} standard deviations");
        // A perfect shuffle of n has (n - 1) / n steps from a number to the next one; this one tears more of them apart.
        let mean = neighbours as f64 / f64::from(keys);
        assert!((0.5..1.1).contains(&mean), "{mean}");
    }
}
