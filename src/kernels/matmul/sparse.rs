//! Products that skip the zeros of A: 0 times a finite number adds nothing to a sum that started at `+0`, so leaving the
//! term out leaves the bits alone. The positions of a row's nonzeros are listed, eight at a time through a table, and the
//! rows of B that they name are summed in registers.

use pulp::Simd;

use super::dense::{add, store};
use super::panels::{Panel, cut, pack};
use super::{Dims, Left, Output, Right, Scratch};

/// Vector operations that remain when the zeros of A are skipped. Without bound where that is impossible, because elements
/// of A lie side by side along neither axis, or where there are too few columns to spread the cost of a row's list over.
#[inline(always)]
pub fn cost<S: Simd>(a: Left<'_>, dims: Dims) -> usize {
    let Dims { rows, columns, depth } = dims;
    let (lines, length, stride) = match (a.k_stride, a.row_stride) {
        (1, stride) => (rows, depth, stride),
        (stride, 1) => (depth, rows, stride),
        _ => return usize::MAX,
    };
    if columns < 16 || rows < 4 || !(16..1 << 16).contains(&depth) {
        return usize::MAX;
    }
    let mut nonzeros = 0;
    for line in 0..lines {
        let line = &a.values[line * stride..][..length];
        nonzeros += line.iter().map(|value| u32::from(*value != 0.0)).sum::<u32>() as usize;
    }
    nonzeros * columns.div_ceil(S::F32_LANES)
}

/// The product without the terms whose left factor is 0. Does nothing and returns false if `b` is not finite.
#[inline(always)]
pub fn product<S: Simd>(
    simd: S,
    a: Left<'_>,
    b: Right<'_>,
    c: &mut Output<'_>,
    dims: Dims,
    scratch: &mut Scratch,
    finish: &mut impl FnMut(usize, &mut [f32]),
) -> bool {
    let Dims { rows, columns, depth } = dims;
    let panels = cut(columns, S::F32_LANES, 8);
    let (packed, finite) = pack(&mut scratch.panels, b, dims, S::F32_LANES, panels.clone());
    if !finite {
        return false;
    }
    let bytes = depth.div_ceil(8);
    scratch.masks.resize(8 * bytes, 0);
    scratch.list.resize(8 * bytes + 8, 0);
    for first in (0..rows).step_by(8) {
        let height = (rows - first).min(8);
        if a.k_stride == 1 {
            masks_of_rows(a, first, height, depth, &mut scratch.masks);
        } else {
            masks_of_columns(a, first, height, depth, &mut scratch.masks);
        }
        for (row, masks) in (first..first + height).zip(scratch.masks.chunks_exact(bytes)) {
            let positions = list(masks, &mut scratch.list);
            for panel in panels.clone() {
                let at = Row {
                    a: &a.values[row * a.row_stride..],
                    k_stride: a.k_stride,
                    packed,
                    panel,
                    depth,
                    positions,
                };
                let c = &mut c.values[row * c.stride + panel.column..];
                let c = &mut c[..(panel.vectors * S::F32_LANES).min(columns - panel.column)];
                match panel.vectors {
                    1 => at.evaluate::<S, 1>(simd, c),
                    2 => at.evaluate::<S, 2>(simd, c),
                    3 => at.evaluate::<S, 3>(simd, c),
                    4 => at.evaluate::<S, 4>(simd, c),
                    5 => at.evaluate::<S, 5>(simd, c),
                    6 => at.evaluate::<S, 6>(simd, c),
                    7 => at.evaluate::<S, 7>(simd, c),
                    _ => at.evaluate::<S, 8>(simd, c),
                }
            }
            finish(row, &mut c.values[row * c.stride..][..columns]);
        }
    }
    true
}

struct Row<'a> {
    a: &'a [f32],
    k_stride: usize,
    packed: &'a [f32],
    panel: Panel,
    depth: usize,
    positions: &'a [u16],
}

impl Row<'_> {
    #[inline(always)]
    fn evaluate<S: Simd, const V: usize>(&self, simd: S, c: &mut [f32]) {
        let width = V * S::F32_LANES;
        let panel = &self.packed[self.panel.column * self.depth..][..self.depth * width];
        let (vectors, _) = S::as_simd_f32s(panel);
        let (b, _) = vectors.as_chunks::<V>();
        let mut sums = [simd.splat_f32s(0.0); V];
        for k in self.positions {
            let k = usize::from(*k);
            add(simd, &mut sums, self.a[k * self.k_stride], &b[k]);
        }
        store(simd, c, &sums);
    }
}

/// Bit `i` is set where `values[i]`, of at most 8, is not 0.
#[inline(always)]
fn mask(values: &[f32]) -> u8 {
    let mut bytes = [0u8; 8];
    if let Some(values) = values.first_chunk::<8>() {
        for i in 0..8 {
            bytes[i] = u8::from(values[i] != 0.0);
        }
    } else {
        for i in 0..values.len() {
            bytes[i] = u8::from(values[i] != 0.0);
        }
    }
    // Byte i moves to bit 56 + i; no two of the other products meet, so nothing is carried.
    (u64::from_le_bytes(bytes).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// Masks of `height` rows from `first` on, whose elements are contiguous.
#[inline(always)]
fn masks_of_rows(a: Left<'_>, first: usize, height: usize, depth: usize, masks: &mut [u8]) {
    for (row, masks) in (first..first + height).zip(masks.chunks_exact_mut(depth.div_ceil(8))) {
        let values = &a.values[row * a.row_stride..][..depth];
        for (mask_of, values) in masks.iter_mut().zip(values.chunks(8)) {
            *mask_of = mask(values);
        }
    }
}

/// Masks of `height` rows, at most 8, that lie side by side: 8 positions of 8 rows are a square of bits, to be transposed.
#[inline(always)]
fn masks_of_columns(a: Left<'_>, first: usize, height: usize, depth: usize, masks: &mut [u8]) {
    let bytes = depth.div_ceil(8);
    for byte in 0..bytes {
        let mut square = [0u8; 8];
        for (k, mask_of) in (8 * byte..depth).zip(&mut square) {
            *mask_of = mask(&a.values[k * a.k_stride + first..][..height]);
        }
        for (row, mask_of) in transposed(square).into_iter().enumerate() {
            masks[row * bytes + byte] = mask_of;
        }
    }
}

/// Transposes a square of bits, rows in bytes.
#[inline(always)]
fn transposed(square: [u8; 8]) -> [u8; 8] {
    let mut bits = u64::from_le_bytes(square);
    for (shift, mask) in
        [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)]
    {
        let differing = (bits ^ (bits >> shift)) & mask;
        bits ^= differing ^ (differing << shift);
    }
    bits.to_le_bytes()
}

/// Positions of the set bits of each byte.
const POSITIONS: [[u16; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        let mut count = 0;
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[byte][count] = bit;
                count += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// Positions of the set bits of `masks`, ascending. `list` holds 8 elements more than there are bits: every byte writes 8,
/// of which the next overwrites what was too much.
#[inline(always)]
fn list<'a>(masks: &[u8], list: &'a mut [u16]) -> &'a [u16] {
    let mut count = 0;
    for (first, mask) in (0u16..).step_by(8).zip(masks) {
        let Some(next) = list[count..].first_chunk_mut::<8>() else { break };
        for (next, position) in next.iter_mut().zip(&POSITIONS[usize::from(*mask)]) {
            *next = first + position;
        }
        count += mask.count_ones() as usize;
    }
    &list[..count]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_hold_the_set_bits() {
        let mut state = 1u32;
        let masks: Vec<u8> = (0..999)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let want: Vec<u16> = (0..8 * 999).filter(|k| masks[usize::from(k / 8)] >> (k % 8) & 1 == 1).collect();
        assert_eq!(list(&masks, &mut vec![0; 8 * 999 + 8]), want);
        for (row, bits) in transposed([masks[0], 0, 0, 0, 0, 0, 0, masks[7]]).into_iter().enumerate() {
            assert_eq!(bits, (masks[0] >> row & 1) | (masks[7] >> row & 1) << 7);
        }
    }
}
