//! The right matrix cut into panels: as many columns as a row of accumulators holds, row after row without gaps, in whole vectors
//! and aligned to cache lines. The loops over `V` vectors are written out: a copy of a whole array becomes a call.

#![expect(clippy::manual_memcpy, reason = "a copy of a whole array of vectors becomes a call")]

use bytemuck::{Pod, Zeroable};
use pulp::{Simd, WithSimd};
use wide::f32x4;

use super::marks::BLOCK;
use super::{Dims, Finish, Left, Output, Right};
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

/// `count` rows of `V` vectors, of whatever is in them.
#[inline(always)]
pub fn rows<S: Simd, const V: usize>(lines: &mut Vec<Line>, count: usize) -> &mut [[S::f32s; V]] {
    let floats = count * V * S::F32_LANES;
    lines.resize(lines.len().max(floats.div_ceil(16)), Line::zeroed());
    let (vectors, _) = S::as_mut_simd_f32s(&mut bytemuck::cast_slice_mut(lines)[..floats]);
    vectors.as_chunks_mut().0
}

/// The columns of a product that one panel makes.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// Left matrix.
    pub a: Left<'a>,
    /// Right matrix.
    pub b: Right<'a>,
    /// Sizes of the whole product.
    pub dims: Dims,
    /// Which columns.
    pub panel: Panel,
    /// Last step.
    pub finish: Finish<'a>,
}

impl Part<'_> {
    /// Columns of the panel without padding.
    #[inline(always)]
    fn used<S: Simd, const V: usize>(&self) -> usize {
        (V * S::F32_LANES).min(self.dims.columns - self.panel.column)
    }

    /// Row `k` of the right matrix. What is beyond its columns is without meaning.
    #[inline(always)]
    pub fn row<S: Simd, const V: usize>(&self, simd: S, k: usize) -> [S::f32s; V] {
        let from = &self.b.values[k * self.b.row_stride + self.panel.column..];
        let mut row = [simd.splat_f32s(0.0); V];
        if let Some(from) = S::as_simd_f32s(from).0.first_chunk::<V>() {
            for v in 0..V {
                row[v] = from[v];
            }
        } else {
            let (whole, rest) = S::as_simd_f32s(&from[..self.used::<S, V>()]);
            for v in 0..V {
                row[v] = whole.get(v).copied().unwrap_or_else(|| simd.partial_load_f32s(rest));
            }
        }
        row
    }

    /// Packs the right matrix, with room up to whole blocks of rows. Whether all of it is finite; where it is, the answer may still be
    /// `false`.
    #[inline(always)]
    pub fn pack<'a, S: Simd, const V: usize>(
        &self,
        simd: S,
        lines: &'a mut Vec<Line>,
    ) -> (&'a [[S::f32s; V]], bool) {
        let Part { b, dims: Dims { depth, .. }, panel, .. } = *self;
        let zero = simd.splat_f32s(0.0);
        let mut poison = [zero; V];
        if b.column_stride == 1 {
            let packed = rows::<S, V>(lines, depth.next_multiple_of(BLOCK));
            for (k, to) in packed[..depth].iter_mut().enumerate() {
                let row = self.row::<S, V>(simd, k);
                for v in 0..V {
                    to[v] = row[v];
                    poison[v] = simd.add_f32s(poison[v], simd.mul_f32s(zero, row[v]));
                }
            }
        } else {
            let (width, used) = (V * S::F32_LANES, self.used::<S, V>());
            rows::<S, V>(lines, depth.next_multiple_of(BLOCK));
            let packed: &mut [f32] = &mut bytemuck::cast_slice_mut(lines)[..width * depth];
            if used < width {
                packed.chunks_exact_mut(width).for_each(|row| row[used..].fill(0.0));
            }
            turn(&b.values[panel.column * b.column_stride..], b, packed, width, (depth, used));
            for row in &rows::<S, V>(lines, depth)[..depth] {
                for v in 0..V {
                    poison[v] = simd.add_f32s(poison[v], simd.mul_f32s(zero, row[v]));
                }
            }
        }
        let mut all = zero;
        for v in 0..V {
            all = simd.add_f32s(all, poison[v]);
        }
        (rows::<S, V>(lines, depth.next_multiple_of(BLOCK)), simd.reduce_sum_f32s(all) == 0.0)
    }

    /// Finishes the sums of a row as far as vectors can, and writes them.
    #[inline(always)]
    pub fn finish_and_store<S: Simd, const V: usize>(
        &self,
        simd: S,
        c: &mut Output<'_>,
        row: usize,
        sums: [S::f32s; V],
    ) {
        let column = self.panel.column;
        let c = &mut c.values[row * c.stride + column..][..self.used::<S, V>()];
        let (sums, rest) = self.finish.in_registers(simd, row, column, c.len(), sums);
        store(simd, c, &sums);
        rest.apply(row, column, c);
    }

    /// Writes the sums of a row, and finishes them in memory: sums of many terms would leave the registers for the last step's
    /// numbers.
    #[inline(always)]
    pub fn store<S: Simd, const V: usize>(
        &self,
        simd: S,
        c: &mut Output<'_>,
        row: usize,
        sums: &[S::f32s; V],
    ) {
        let column = self.panel.column;
        let c = &mut c.values[row * c.stride + column..][..self.used::<S, V>()];
        store(simd, c, sums);
        self.finish.apply(row, column, c);
    }
}

/// `sums[v] += a * b[v]`, multiplication and addition apart.
#[inline(always)]
pub fn add<S: Simd, const V: usize>(simd: S, sums: &mut [S::f32s; V], a: f32, b: &[S::f32s; V]) {
    let a = simd.splat_f32s(a);
    for v in 0..V {
        sums[v] = simd.add_f32s(sums[v], simd.mul_f32s(a, b[v]));
    }
}

/// Reads the first `c.len()` of the sums.
#[inline(always)]
pub fn load<S: Simd, const V: usize>(simd: S, c: &[f32], sums: &mut [S::f32s; V]) {
    let (whole, rest) = S::as_simd_f32s(c);
    for v in 0..V {
        sums[v] = whole.get(v).copied().unwrap_or_else(|| simd.partial_load_f32s(rest));
    }
}

/// Writes the first `c.len()` of the sums, all but fewer than a vector.
#[inline(always)]
pub fn store<S: Simd, const V: usize>(simd: S, c: &mut [f32], sums: &[S::f32s; V]) {
    let (whole, rest) = S::as_mut_simd_f32s(c);
    if let Some(whole) = whole.first_chunk_mut::<V>() {
        for v in 0..V {
            whole[v] = sums[v];
        }
        return;
    }
    for v in 0..V - 1 {
        if let Some(to) = whole.get_mut(v) {
            *to = sums[v];
        }
    }
    simd.partial_store_f32s(rest, sums[V - 1]);
}

/// Writes `rows x columns` of the matrix at `from`, whose strides are those of `b`, to rows of `to` that start `width` apart: of 16 rows
/// and 16 columns, whose cache lines are read and written once, a square of 4 at a time.
#[inline(always)]
pub fn turn(from: &[f32], b: Right<'_>, to: &mut [f32], width: usize, (rows, columns): (usize, usize)) {
    for first_column in (0..columns).step_by(16) {
        let end_column = columns.min(first_column + 16);
        for first_row in (0..rows).step_by(16) {
            let end_row = rows.min(first_row + 16);
            for column in (first_column..end_column).step_by(4) {
                let lines = &from[column * b.column_stride..];
                let count = (end_column - column).min(4);
                let whole = if b.row_stride == 1 && count == 4 { (end_row - first_row) / 4 * 4 } else { 0 };
                for row in (first_row..first_row + whole).step_by(4) {
                    let square = square(&lines[row..], b.column_stride);
                    let to = &mut to[row * width + column..][..3 * width + 4];
                    for j in 0..4 {
                        to[j * width..][..4].copy_from_slice(square[j].as_array());
                    }
                }
                for row in first_row + whole..end_row {
                    for i in 0..count {
                        to[row * width + column + i] = lines[row * b.row_stride + i * b.column_stride];
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
