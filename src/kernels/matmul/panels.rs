//! The right matrix cut into panels: as many columns as a row of accumulators holds, row after row without gaps, padded
//! to whole vectors and aligned to cache lines.

use bytemuck::{Pod, Zeroable};
use pulp::{Simd, WithSimd};
use wide::f32x4;

use super::{Dims, Right};
use crate::engine::simd::Arch;

/// One cache line, so that no vector of a panel straddles two.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Line([f32; 16]);

/// One panel: its first column and its width in columns, padding included.
#[derive(Clone, Copy)]
pub struct Panel {
    /// First column.
    pub column: usize,
    /// Vectors per row.
    pub vectors: usize,
}

/// Cuts `columns` into panels of at most `most` vectors of `lanes` columns, as even as possible.
pub fn cut(columns: usize, lanes: usize, most: usize) -> impl Iterator<Item = Panel> + Clone {
    let vectors = columns.div_ceil(lanes);
    let count = vectors.div_ceil(most);
    (0..count).map(move |i| {
        let [first, end] = [i, i + 1].map(|i| vectors * i / count);
        Panel { column: first * lanes, vectors: end - first }
    })
}

/// Packs `b`; panel `p` of `cut` starts at element `p.column * depth`.
#[inline(always)]
pub fn pack<'a>(
    lines: &'a mut Vec<Line>,
    b: Right<'_>,
    dims: Dims,
    lanes: usize,
    panels: impl Iterator<Item = Panel>,
) -> &'a [f32] {
    let Dims { columns, depth, .. } = dims;
    let needed = (columns.div_ceil(lanes) * lanes * depth).div_ceil(16);
    lines.resize(lines.len().max(needed), Line::zeroed());
    let packed: &mut [f32] = bytemuck::cast_slice_mut(lines);
    for Panel { column: first, vectors } in panels {
        let width = vectors * lanes;
        let used = width.min(columns - first);
        let rows = packed[first * depth..][..width * depth].chunks_exact_mut(width);
        for (k, row) in rows.enumerate() {
            let (row, padding) = row.split_at_mut(used);
            if b.column_stride == 1 {
                row.copy_from_slice(&b.values[k * b.row_stride + first..][..used]);
            } else {
                for (column, to) in (first..).zip(row) {
                    *to = b.values[k * b.row_stride + column * b.column_stride];
                }
            }
            padding.fill(0.0);
        }
    }
    packed
}

/// Packs `length` rows of `b` from `first` on, of them the `used` columns of `panel`. Whether all of these are finite.
#[inline(always)]
pub fn pack_block<'a>(
    lines: &'a mut Vec<Line>,
    b: Right<'_>,
    (first, length): (usize, usize),
    panel: Panel,
    used: usize,
    lanes: usize,
) -> (&'a [f32], bool) {
    let width = panel.vectors * lanes;
    lines.resize(lines.len().max((width * length).div_ceil(16)), Line::zeroed());
    let packed: &mut [f32] = &mut bytemuck::cast_slice_mut(lines)[..width * length];
    let from = &b.values[first * b.row_stride + panel.column * b.column_stride..];
    if b.column_stride != 1 {
        if used < width {
            packed.fill(0.0);
        }
        turn(from, b, packed, width, (length, used));
        return (packed, finite(packed));
    }
    let mut poison = [0.0; 16];
    for (k, to) in packed.chunks_exact_mut(width).enumerate() {
        let (to, padding) = to.split_at_mut(used);
        let (tos, to) = to.as_chunks_mut::<16>();
        let (froms, from) = from[k * b.row_stride..][..used].as_chunks::<16>();
        for (to, from) in tos.iter_mut().zip(froms) {
            *to = *from;
            for (poison, value) in poison.iter_mut().zip(from) {
                *poison += 0.0 * value;
            }
        }
        for ((to, from), poison) in to.iter_mut().zip(from).zip(&mut poison) {
            *to = *from;
            *poison += 0.0 * from;
        }
        padding.fill(0.0);
    }
    (packed, poison.iter().sum::<f32>() == 0.0)
}

/// Writes `rows x columns` of the matrix at `from`, whose strides are those of `b`, to rows of `to` that start `width` apart: a square
/// of 4 at a time, and a cache line of what is read.
#[inline(always)]
pub fn turn(from: &[f32], b: Right<'_>, to: &mut [f32], width: usize, (rows, columns): (usize, usize)) {
    for first in (0..rows).step_by(16) {
        let last = rows.min(first + 16);
        for column in (0..columns).step_by(4) {
            for row in (first..last).step_by(4) {
                if b.row_stride == 1 && column + 4 <= columns && row + 4 <= last {
                    let square = square(&from[row + column * b.column_stride..], b.column_stride);
                    for j in 0..4 {
                        to[(row + j) * width + column..][..4].copy_from_slice(square[j].as_array());
                    }
                    continue;
                }
                for row in row..last.min(row + 4) {
                    for column in column..columns.min(column + 4) {
                        to[row * width + column] = from[row * b.row_stride + column * b.column_stride];
                    }
                }
            }
        }
    }
}

/// The first four values of four lines that start `stride` apart, turned. Without closures: those would not become part of a caller
/// whose instruction set is larger.
#[inline(always)]
pub fn square(values: &[f32], stride: usize) -> [f32x4; 4] {
    let mut lines = [f32x4::ZERO; 4];
    for i in 0..4 {
        let mut line = [0.0; 4];
        line.copy_from_slice(&values[i * stride..][..4]);
        lines[i] = f32x4::new(line);
    }
    f32x4::transpose(lines)
}

/// Whether all values are finite: 0 times a finite number is 0, and anything else is NaN.
#[inline(always)]
pub fn finite(values: &[f32]) -> bool {
    let mut poison = [0.0f32; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for (poison, value) in poison.iter_mut().zip(chunk) {
            *poison += 0.0 * value;
        }
    }
    let rest: f32 = rest.iter().map(|value| 0.0 * value).sum();
    poison.iter().sum::<f32>() + rest == 0.0
}

struct Finite<'a>(&'a [f32]);

impl WithSimd for Finite<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        finite(self.0)
    }
}

/// [`finite`] for callers outside of the vectors' instruction set.
pub fn all_finite(values: &[f32]) -> bool {
    Arch::new().dispatch(Finite(values))
}
