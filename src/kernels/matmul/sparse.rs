//! Products that skip the zeros of A: 0 times a finite number adds nothing to a sum that started at `+0`, so leaving the
//! term out leaves the bits alone. A's nonzeros are marked in words of 64 bits; B is taken 64 rows at a time, which stay in the
//! first cache while every row of A picks those that its word names.

use pulp::Simd;

use super::dense::{add, load, store};
use super::panels::{cut, pack_block};
use super::{Dims, Left, Output, Right, Scratch};

/// Rows of B that are taken at a time: the bits of a word.
pub const BLOCK: usize = 64;

/// Most vectors of a row of sums.
const MOST: usize = 8;

/// Bit `i` is set where `values[i]`, of at most 64, is not 0.
#[inline(always)]
pub fn word(values: &[f32]) -> u64 {
    let mut word = 0;
    if let Some(values) = values.first_chunk::<BLOCK>() {
        for i in 0..BLOCK {
            word |= u64::from(values[i] != 0.0) << i;
        }
    } else {
        for i in 0..values.len() {
            word |= u64::from(values[i] != 0.0) << i;
        }
    }
    word
}

/// Marks the nonzeros of A, `words[block * rows + row]`, and returns the vector operations that remain when the others are
/// skipped. Without bound where that is impossible, because elements of A lie side by side along neither axis, or where there
/// are too few columns to spread the cost of a row's words over.
#[inline(always)]
pub fn mark<S: Simd>(a: Left<'_>, dims: Dims, words: &mut Vec<u64>) -> usize {
    let Dims { rows, columns, depth } = dims;
    if columns < 16 || rows < 4 || depth < 16 || (a.k_stride != 1 && a.row_stride != 1) {
        return usize::MAX;
    }
    words.clear();
    words.resize(rows * depth.div_ceil(BLOCK), 0);
    let mut nonzeros = 0;
    for (first, words) in (0..depth).step_by(BLOCK).zip(words.chunks_exact_mut(rows)) {
        let length = (depth - first).min(BLOCK);
        if a.k_stride == 1 {
            for (row, to) in words.iter_mut().enumerate() {
                *to = word(&a.values[row * a.row_stride + first..][..length]);
            }
        } else {
            for k in 0..length {
                let bit = 1u64 << k;
                let values = &a.values[(first + k) * a.k_stride..][..rows];
                for (to, value) in words.iter_mut().zip(values) {
                    *to |= if *value != 0.0 { bit } else { 0 };
                }
            }
        }
        nonzeros += words.iter().map(|word| word.count_ones() as usize).sum::<usize>();
    }
    nonzeros * columns.div_ceil(S::F32_LANES)
}

/// The product without the terms whose left factor is 0 and right factor finite, by the words of [`mark`].
#[inline(always)]
pub fn product<S: Simd>(
    simd: S,
    a: Left<'_>,
    b: Right<'_>,
    c: &mut Output<'_>,
    dims: Dims,
    scratch: &mut Scratch,
    finish: &mut impl FnMut(usize, &mut [f32]),
) {
    let Dims { rows, columns, depth } = dims;
    let Scratch { panels: lines, words, .. } = scratch;
    for (first, words) in (0..depth).step_by(BLOCK).zip(words.chunks_exact(rows)) {
        let length = (depth - first).min(BLOCK);
        for panel in cut(columns, S::F32_LANES, MOST) {
            let used = (panel.vectors * S::F32_LANES).min(columns - panel.column);
            let (packed, finite) = pack_block(lines, b, (first, length), panel, used, S::F32_LANES);
            // 0 times anything that is not finite is NaN and stays in the sum.
            let all = if finite { 0 } else { u64::MAX >> (BLOCK - length) };
            for (row, word) in words.iter().enumerate() {
                let at = Row {
                    a: &a.values[row * a.row_stride + first * a.k_stride..],
                    k_stride: a.k_stride,
                    packed,
                    word: word | all,
                    begins: first == 0,
                };
                let c = &mut c.values[row * c.stride + panel.column..][..used];
                match panel.vectors {
                    1 => at.evaluate::<S, 1>(simd, c),
                    2 => at.evaluate::<S, 2>(simd, c),
                    3 => at.evaluate::<S, 3>(simd, c),
                    4 => at.evaluate::<S, 4>(simd, c),
                    5 => at.evaluate::<S, 5>(simd, c),
                    6 => at.evaluate::<S, 6>(simd, c),
                    7 => at.evaluate::<S, 7>(simd, c),
                    _ => at.evaluate::<S, MOST>(simd, c),
                }
            }
        }
    }
    for row in 0..rows {
        finish(row, &mut c.values[row * c.stride..][..columns]);
    }
}

struct Row<'a> {
    a: &'a [f32],
    k_stride: usize,
    packed: &'a [f32],
    word: u64,
    /// Whether the sums begin here.
    begins: bool,
}

impl Row<'_> {
    #[inline(always)]
    fn evaluate<S: Simd, const V: usize>(&self, simd: S, c: &mut [f32]) {
        let (vectors, _) = S::as_simd_f32s(self.packed);
        let (b, _) = vectors.as_chunks::<V>();
        let mut sums = [simd.splat_f32s(0.0); V];
        if !self.begins {
            load(simd, c, &mut sums);
        }
        let mut word = self.word;
        while word != 0 {
            let k = word.trailing_zeros() as usize;
            word &= word - 1;
            add(simd, &mut sums, self.a[k * self.k_stride], &b[k]);
        }
        store(simd, c, &sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mark_what_is_not_zero() {
        let mut state = 1u32;
        let values: Vec<f32> = (0..BLOCK)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                [0.0, -0.0, 1.5, f32::NAN][(state >> 30) as usize]
            })
            .collect();
        for length in [0, 1, 63, 64] {
            let got = word(&values[..length]);
            let want = |i: usize| i < length && (values[i] != 0.0);
            assert!((0..BLOCK).all(|i| (got >> i & 1 == 1) == want(i)), "{length}: {got:b}");
        }
    }
}
