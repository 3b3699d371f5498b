//! Products row by row, without the zeros of A: 0 times a finite number adds nothing to a sum that started at `+0`, so leaving the
//! term out leaves the bits alone. A's nonzeros are marked in words of 64 bits; B is taken 64 rows at a time, which stay in the
//! first cache while every row of A picks those that its word names. Since multiplications and additions are apart, they
//! outnumber what is read of B, and tiles of several rows would bring nothing, even where no number is 0.

#![expect(clippy::manual_memcpy, reason = "a copy of a whole array of vectors becomes a call")]

use pulp::Simd;
use wide::f32x4;

use super::panels::{BLOCK, Line, Part, add, cut, rows};
use super::{Dims, Finish, Left, Output, Right};

/// Most vectors of a row of sums: they fit into the registers, and a block of B into the first cache.
const fn most<S: Simd>() -> usize {
    if S::F32_LANES == 1 {
        return 4;
    }
    if S::REGISTER_COUNT >= 32 { 8 } else { 12 }
}

/// Bit `i` is set where `values[i]`, of the first 64, is not 0.
#[inline(always)]
pub fn word(values: &[f32]) -> u64 {
    let mut word = 0;
    if let Some(values) = values.first_chunk::<BLOCK>() {
        let (fours, _) = values.as_chunks::<4>();
        for i in 0..BLOCK / 4 {
            word |= u64::from(f32x4::new(fours[i]).simd_ne(f32x4::ZERO).to_bitmask()) << (4 * i);
        }
    } else {
        for i in 0..values.len() {
            word |= u64::from(values[i] != 0.0) << i;
        }
    }
    word
}

/// Depth below which to look for zeros takes as long as the product.
const SHALLOW: usize = 16;

/// Marks what counts of A, `words[block * rows + row]`: its nonzeros, or everything where elements lie side by side along neither
/// axis. A shallow product has no words: all of it counts. Returns the vector operations that this takes.
#[inline(always)]
pub fn mark<S: Simd>(a: Left<'_>, dims: Dims, words: &mut Vec<u64>) -> usize {
    let Dims { rows, columns, depth } = dims;
    words.clear();
    if depth < SHALLOW {
        return rows * depth * columns.div_ceil(S::F32_LANES);
    }
    words.resize(rows * depth.div_ceil(BLOCK), 0);
    let mut count = 0;
    for (first, words) in (0..depth).step_by(BLOCK).zip(words.chunks_exact_mut(rows)) {
        let length = (depth - first).min(BLOCK);
        let all = u64::MAX >> (BLOCK - length);
        if a.k_stride != 1 && a.row_stride != 1 {
            words.fill(all);
        } else if a.k_stride == 1 {
            for (row, to) in words.iter_mut().enumerate() {
                *to = word(&a.values[row * a.row_stride + first..]) & all;
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
        count += words.iter().map(|word| word.count_ones() as usize).sum::<usize>();
    }
    count * columns.div_ceil(S::F32_LANES)
}

/// Room of a product.
#[derive(Default)]
pub struct Room {
    lines: Vec<Line>,
    sums: Vec<Line>,
}

/// The product without the terms whose left factor is 0 and right factor finite, by the words of [`mark`].
#[inline(always)]
pub fn product<S: Simd>(
    simd: S,
    a: Left<'_>,
    b: Right<'_>,
    mut c: Output<'_>,
    dims: Dims,
    finish: Finish<'_>,
    words: &[u64],
    room: &mut Room,
) {
    for panel in cut(dims.columns, S::F32_LANES, most::<S>()) {
        let (part, c) = (Part { a, b, dims, panel, finish }, &mut c);
        match panel.vectors {
            1 => evaluate::<S, 1>(simd, part, c, words, room),
            2 => evaluate::<S, 2>(simd, part, c, words, room),
            3 => evaluate::<S, 3>(simd, part, c, words, room),
            4 => evaluate::<S, 4>(simd, part, c, words, room),
            5 if most::<S>() >= 5 => evaluate::<S, 5>(simd, part, c, words, room),
            6 if most::<S>() >= 6 => evaluate::<S, 6>(simd, part, c, words, room),
            7 if most::<S>() >= 7 => evaluate::<S, 7>(simd, part, c, words, room),
            8 if most::<S>() >= 8 => evaluate::<S, 8>(simd, part, c, words, room),
            9 if most::<S>() >= 9 => evaluate::<S, 9>(simd, part, c, words, room),
            10 if most::<S>() >= 10 => evaluate::<S, 10>(simd, part, c, words, room),
            11 if most::<S>() >= 11 => evaluate::<S, 11>(simd, part, c, words, room),
            _ => evaluate::<S, 12>(simd, part, c, words, room),
        }
    }
}

/// One panel, a block of B after the other.
#[inline(always)]
fn evaluate<S: Simd, const V: usize>(
    simd: S,
    part: Part<'_>,
    c: &mut Output<'_>,
    words: &[u64],
    room: &mut Room,
) {
    let Part { a, dims: Dims { rows: count, depth, .. }, .. } = part;
    let (packed, finite) = part.pack::<S, V>(simd, &mut room.lines);
    if words.is_empty() {
        return every_term(simd, part, c, &packed[..depth]);
    }
    let sums = rows::<S, V>(&mut room.sums, count);
    let (blocks, _) = packed.as_chunks::<BLOCK>();
    for ((words, b), first) in words.chunks_exact(count).zip(blocks).zip((0..depth).step_by(BLOCK)) {
        // 0 times anything that is not finite is NaN and stays in the sum.
        let all = if finite { 0 } else { u64::MAX >> (BLOCK - (depth - first).min(BLOCK)) };
        for (row, (word, sums)) in words.iter().zip(sums.iter_mut()).enumerate() {
            let a_row = &a.values[row * a.row_stride + first * a.k_stride..];
            let mut sum = [simd.splat_f32s(0.0); V];
            if first > 0 {
                for v in 0..V {
                    sum[v] = sums[v];
                }
            }
            let mut word = word | all;
            while word != 0 {
                let k = word.trailing_zeros() as usize;
                word &= word - 1;
                add(simd, &mut sum, a_row[k * a.k_stride], &b[k]);
            }
            if first + BLOCK >= depth {
                part.store(simd, c, row, &sum);
            } else {
                for v in 0..V {
                    sums[v] = sum[v];
                }
            }
        }
    }
}

/// One panel of a shallow product, whose last step would take longer than its sums if it went through memory.
#[inline(always)]
fn every_term<S: Simd, const V: usize>(simd: S, part: Part<'_>, c: &mut Output<'_>, packed: &[[S::f32s; V]]) {
    let Part { a, dims, .. } = part;
    for row in 0..dims.rows {
        let a_row = &a.values[row * a.row_stride..];
        let mut sum = [simd.splat_f32s(0.0); V];
        for (k, b) in packed.iter().enumerate() {
            add(simd, &mut sum, a_row[k * a.k_stride], b);
        }
        part.finish_and_store(simd, c, row, sum);
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
