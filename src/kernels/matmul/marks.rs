//! Which terms of a product count: a bit for every number of A that is not 0, in words of 64 along the terms.

#![expect(clippy::needless_range_loop, reason = "rows of bits that are numbered alike")]

use pulp::Simd;
use wide::f32x4;

use super::{Dims, Left};

/// Terms that a word marks.
pub const BLOCK: usize = 64;

/// Depth below which to look for zeros takes as long as the product.
const SHALLOW: usize = 16;

/// Bit `i` is set where `values[i]`, of the first 64, is not 0.
#[inline(always)]
pub fn word<S: Simd>(values: &[f32]) -> u64 {
    let Some(values) = values.first_chunk::<BLOCK>() else {
        let mut word = 0;
        for i in 0..values.len() {
            word |= u64::from(values[i] != 0.0) << i;
        }
        return word;
    };
    #[cfg(target_arch = "x86_64")]
    if let Some(word) = compared::<S>(values) {
        return word;
    }
    let (fours, _) = values.as_chunks::<4>();
    let mut word = 0;
    for i in 0..BLOCK / 4 {
        word |= u64::from(f32x4::new(fours[i]).simd_ne(f32x4::ZERO).to_bitmask()) << (4 * i);
    }
    word
}

/// The word by the comparisons of long vectors, which know to leave bits.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn compared<S: Simd>(values: &[f32; BLOCK]) -> Option<u64> {
    use std::arch::x86_64::_CMP_NEQ_UQ as NOT_EQUAL;

    use pulp::x86::{V3, V4};

    let mut word = 0;
    if S::F32_LANES == 16 {
        let v4 = V4::try_new()?.avx512f;
        let zero = v4._mm512_setzero_ps();
        for (i, x) in values.as_chunks::<16>().0.iter().enumerate() {
            word |= u64::from(v4._mm512_cmp_ps_mask::<NOT_EQUAL>(pulp::cast(*x), zero)) << (16 * i);
        }
        return Some(word);
    }
    if S::F32_LANES == 8 {
        let v3 = V3::try_new()?.avx;
        let zero = v3._mm256_setzero_ps();
        for (i, x) in values.as_chunks::<8>().0.iter().enumerate() {
            let bits = v3._mm256_movemask_ps(v3._mm256_cmp_ps::<NOT_EQUAL>(pulp::cast(*x), zero));
            word |= u64::from(bits as u32) << (8 * i);
        }
        return Some(word);
    }
    None
}

/// Turns a square of bits: bit `j` of word `i` becomes bit `i` of word `j`.
#[inline(always)]
fn turn(bits: &mut [u64; BLOCK]) {
    let (mut half, mut low) = (BLOCK / 2, u64::from(u32::MAX));
    while half > 0 {
        for pair in bits.chunks_exact_mut(2 * half) {
            let (upper, lower) = pair.split_at_mut(half);
            for i in 0..half {
                let swapped = ((upper[i] >> half) ^ lower[i]) & low;
                upper[i] ^= swapped << half;
                lower[i] ^= swapped;
            }
        }
        half /= 2;
        low ^= low << half;
    }
}

/// The first `count` bits.
fn all(count: usize) -> u64 {
    u64::MAX >> (BLOCK - count.min(BLOCK))
}

/// How A's numbers lie.
enum Lines {
    Rows,
    Columns,
    Apart,
}

fn lines(a: Left<'_>) -> Lines {
    match (a.row_stride, a.k_stride) {
        (_, 1) => Lines::Rows,
        (1, _) => Lines::Columns,
        _ => Lines::Apart,
    }
}

/// About how many vector operations a product takes without its zeros, by every fourth line.
#[inline(always)]
pub fn operations<S: Simd>(a: Left<'_>, dims: Dims) -> usize {
    const SAMPLED: usize = 4;
    let Dims { rows, columns, depth } = dims;
    let (count, length, stride) = match lines(a) {
        Lines::Rows if depth >= SHALLOW => (rows, depth, a.row_stride),
        Lines::Columns if depth >= SHALLOW => (depth, rows, a.k_stride),
        _ => return rows * depth * columns.div_ceil(S::F32_LANES),
    };
    let mut terms = 0;
    for line in (0..count).step_by(SAMPLED) {
        for first in (0..length).step_by(BLOCK) {
            let word = word::<S>(&a.values[line * stride + first..]) & all(length - first);
            terms += word.count_ones() as usize;
        }
    }
    SAMPLED * terms * columns.div_ceil(S::F32_LANES)
}

/// Marks what counts of A, `words[block * rows + row]`: its nonzeros, or everything where elements lie side by side along neither
/// axis. A shallow product has no words: all of it counts.
#[inline(always)]
pub fn mark<S: Simd>(a: Left<'_>, dims: Dims, words: &mut Vec<u64>) {
    let Dims { rows, depth, .. } = dims;
    words.clear();
    if depth < SHALLOW {
        return;
    }
    words.resize(rows * depth.div_ceil(BLOCK), 0);
    for (first, words) in (0..depth).step_by(BLOCK).zip(words.chunks_exact_mut(rows)) {
        let all = all(depth - first);
        match lines(a) {
            Lines::Apart => words.fill(all),
            Lines::Rows => {
                for (row, to) in words.iter_mut().enumerate() {
                    *to = word::<S>(&a.values[row * a.row_stride + first..]) & all;
                }
            }
            Lines::Columns => {
                for (block, to) in words.chunks_mut(BLOCK).enumerate() {
                    let mut bits = [0; BLOCK];
                    for k in 0..BLOCK.min(depth - first) {
                        bits[k] = word::<S>(&a.values[(first + k) * a.k_stride + block * BLOCK..]);
                    }
                    turn(&mut bits);
                    to.copy_from_slice(&bits[..to.len()]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::engine::simd::Arch;

    struct Words<'a>(Left<'a>, Dims);

    impl WithSimd for Words<'_> {
        type Output = (Vec<u64>, usize);

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> (Vec<u64>, usize) {
            let mut words = Vec::new();
            mark::<S>(self.0, self.1, &mut words);
            (words, operations::<S>(self.0, self.1))
        }
    }

    #[test]
    fn words_mark_what_is_not_zero() {
        let mut state = 1u32;
        let mut value = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            [0.0, -0.0, 1.5, f32::NAN][(state >> 30) as usize]
        };
        for (rows, depth) in [(1, 16), (3, 63), (5, 64), (70, 65), (64, 130), (129, 200)] {
            let values: Vec<f32> = (0..rows * depth).map(|_| value()).collect();
            for (row_stride, k_stride) in [(depth, 1), (1, rows)] {
                let a = Left { values: &values, row_stride, k_stride };
                let dims = Dims { rows, columns: 1, depth };
                let counts = |row: usize, k: usize| values[row * row_stride + k * k_stride] != 0.0;
                let want = |at: usize| {
                    let (block, row) = (at / rows, at % rows);
                    let terms = (0..BLOCK).filter(|bit| block * BLOCK + bit < depth);
                    terms.filter(|bit| counts(row, block * BLOCK + bit)).map(|bit| 1 << bit).sum::<u64>()
                };
                let by_vectors = Arch::new().dispatch(Words(a, dims));
                let plainly = Words(a, dims).with_simd(pulp::Scalar);
                for (words, operations) in [by_vectors, plainly] {
                    assert_eq!(words, (0..words.len()).map(want).collect::<Vec<_>>(), "{rows} x {depth}");
                    assert_eq!(words.len(), rows * depth.div_ceil(BLOCK));
                    // Two of the four numbers are not 0; of a few lines that is a guess.
                    assert!(operations <= 4 * rows * depth, "{operations}");
                    assert!(rows * depth < 4096 || operations.abs_diff(rows * depth / 2) < rows * depth / 8);
                }
            }
        }
    }
}
