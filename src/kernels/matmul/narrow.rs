//! Products of a few columns, as behind the output layer: rows of C lie in the lanes of vectors.

#![expect(clippy::manual_memcpy, reason = "a copy of a whole array of vectors becomes a call")]

use pulp::Simd;

use super::{Dims, Finish, Left, Output, Right};

/// Most columns: vectors of columns would be mostly empty.
pub const MOST: usize = 4;

/// Vectors of rows whose sums overlap.
const GROUPS: usize = 4;

/// The product for at most four columns and rows of A that are contiguous: four numbers of every row at a time are turned, so that rows lie in the lanes.
#[inline(always)]
pub fn product<S: Simd>(
    simd: S,
    a: Left<'_>,
    b: Right<'_>,
    c: &mut Output<'_>,
    dims: Dims,
    finish: Finish<'_>,
) {
    let together = GROUPS * S::F32_LANES;
    let tiled = if dims.rows < together { 0 } else { dims.rows };
    for row in (0..tiled).step_by(together) {
        // The last tile may write rows again, to the same numbers.
        let row = row.min(dims.rows - together);
        match dims.columns {
            1 => narrow_rows::<S, 1>(simd, a, b, c, row, dims.depth),
            2 => narrow_rows::<S, 2>(simd, a, b, c, row, dims.depth),
            3 => narrow_rows::<S, 3>(simd, a, b, c, row, dims.depth),
            _ => narrow_rows::<S, 4>(simd, a, b, c, row, dims.depth),
        }
    }
    for row in tiled..dims.rows {
        let values = &a.values[row * a.row_stride..][..dims.depth];
        for column in 0..dims.columns {
            let b = b.values.get(column * b.column_stride..).unwrap_or_default().iter().step_by(b.row_stride);
            let sum = values.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b);
            c.values[row * c.stride + column] = sum;
        }
    }
    for row in 0..dims.rows {
        finish.apply(row, 0, &mut c.values[row * c.stride..][..dims.columns]);
    }
}

/// Numbers of the widest vector.
const WIDEST: usize = 16;

/// Four numbers, from `k` on, of as many rows as a vector has lanes, turned: vector `i` has the `i`th of each.
#[inline(always)]
fn turned<S: Simd>(simd: S, a: Left<'_>, row: usize, numbers: std::ops::Range<usize>) -> [S::f32s; 4] {
    let mut lines = [0.0; 4 * WIDEST];
    let count = numbers.len();
    for i in 0..S::F32_LANES {
        lines[4 * i..][..count].copy_from_slice(&a.values[(row + i) * a.row_stride..][numbers.clone()]);
    }
    let (vectors, _) = S::as_simd_f32s(&lines);
    simd.deinterleave_shfl_f32s([vectors[0], vectors[1], vectors[2], vectors[3]])
}

#[inline(always)]
fn narrow_rows<S: Simd, const C: usize>(
    simd: S,
    a: Left<'_>,
    b: Right<'_>,
    c: &mut Output<'_>,
    row: usize,
    depth: usize,
) {
    let zero = simd.splat_f32s(0.0);
    let mut sums = [[zero; 4]; GROUPS];
    let whole = depth / 4 * 4;
    for k in (0..whole).step_by(4) {
        let mut factors = [[zero; C]; 4];
        for i in 0..4 {
            for column in 0..C {
                factors[i][column] =
                    simd.splat_f32s(b.values[(k + i) * b.row_stride + column * b.column_stride]);
            }
        }
        for group in 0..GROUPS {
            let numbers = turned(simd, a, row + group * S::F32_LANES, k..k + 4);
            for i in 0..4 {
                for column in 0..C {
                    sums[group][column] =
                        simd.add_f32s(sums[group][column], simd.mul_f32s(numbers[i], factors[i][column]));
                }
            }
        }
    }
    for group in 0..GROUPS {
        let numbers = turned(simd, a, row + group * S::F32_LANES, whole..depth);
        for k in whole..depth {
            for column in 0..C {
                let factor = simd.splat_f32s(b.values[k * b.row_stride + column * b.column_stride]);
                sums[group][column] =
                    simd.add_f32s(sums[group][column], simd.mul_f32s(numbers[k - whole], factor));
            }
        }
    }
    for (group, sums) in sums.into_iter().enumerate() {
        let rows = simd.interleave_shfl_f32s(sums);
        let mut lines = [0.0; 4 * WIDEST];
        let (vectors, _) = S::as_mut_simd_f32s(&mut lines);
        for i in 0..4 {
            vectors[i] = rows[i];
        }
        for i in 0..S::F32_LANES {
            c.values[(row + group * S::F32_LANES + i) * c.stride..][..C]
                .copy_from_slice(&lines[4 * i..][..C]);
        }
    }
}
