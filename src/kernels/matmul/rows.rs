//! Products row by row, without the zeros of A: 0 times a finite number adds nothing to a sum that started at `+0`, so leaving the
//! term out leaves the bits alone. A's nonzeros are marked in words of 64 bits; B is taken 64 rows at a time, which stay in the
//! first cache while every row of A picks those that its word names. Since multiplications and additions are apart, they
//! outnumber what is read of B, and tiles of several rows would bring nothing, even where no number is 0.

#![expect(clippy::manual_memcpy, reason = "a copy of a whole array of vectors becomes a call")]

use pulp::Simd;

use super::marks::BLOCK;
use super::panels::{Line, Part, add, cut, rows};
use super::{Dims, Finish, Left, Output, Right};

/// Most vectors of a row of sums: they fit into the registers, and a block of B into a first cache of 32 KiB, whose rate a row of sums
/// needs in full.
pub const fn most<S: Simd>() -> usize {
    if S::F32_LANES == 1 {
        return 4;
    }
    if S::REGISTER_COUNT >= 32 { 8 } else { 12 }
}

/// Room of a product.
#[derive(Default)]
pub struct Room {
    lines: Vec<Line>,
    sums: Vec<Line>,
}

/// The product without the terms whose left factor is 0 and right factor finite, by the words of [`mark`](super::marks::mark).
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
                // With fewer registers some would be put away for the last step.
                if S::REGISTER_COUNT >= 32 {
                    part.finish_and_store(simd, c, row, sum);
                } else {
                    part.store(simd, c, row, &sum);
                }
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
