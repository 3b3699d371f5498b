//! Products of a few columns, as behind the output layer: rows of C lie in the lanes of vectors.

use wide::f32x4;

use super::panels::square;
use super::{Dims, Finish, Left, Output, Right};

/// Most columns: vectors of columns would be mostly empty.
pub const MOST: usize = 4;

/// Rows whose sums overlap: four times the rows of a square.
const TOGETHER: usize = 16;

/// The product for at most four columns and rows of A that are contiguous: squares of 4 of A are turned, so that rows lie in the lanes.
#[inline(always)]
pub fn product(a: Left<'_>, b: Right<'_>, c: &mut Output<'_>, dims: Dims, finish: Finish<'_>) {
    let tiles = dims.rows / TOGETHER * TOGETHER;
    for row in (0..tiles).step_by(TOGETHER) {
        match dims.columns {
            1 => narrow_rows::<1>(a, b, c, row, dims.depth),
            2 => narrow_rows::<2>(a, b, c, row, dims.depth),
            3 => narrow_rows::<3>(a, b, c, row, dims.depth),
            _ => narrow_rows::<4>(a, b, c, row, dims.depth),
        }
    }
    for row in tiles..dims.rows {
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

#[inline(always)]
fn narrow_rows<const C: usize>(a: Left<'_>, b: Right<'_>, c: &mut Output<'_>, row: usize, depth: usize) {
    let mut sums = [[f32x4::ZERO; C]; TOGETHER / 4];
    let whole = depth / 4 * 4;
    for k in (0..whole).step_by(4) {
        for group in 0..TOGETHER / 4 {
            let square = square(&a.values[(row + 4 * group) * a.row_stride + k..], a.row_stride);
            for i in 0..4 {
                add_four(&mut sums[group], square[i], b, k + i);
            }
        }
    }
    for k in whole..depth {
        for group in 0..TOGETHER / 4 {
            let mut line = [0.0; 4];
            for r in 0..4 {
                line[r] = a.values[(row + 4 * group + r) * a.row_stride + k];
            }
            add_four(&mut sums[group], f32x4::new(line), b, k);
        }
    }
    for (group, sums) in sums.iter().enumerate() {
        for (column, sums) in sums.iter().enumerate() {
            for (r, sum) in sums.as_array().iter().enumerate() {
                c.values[(row + 4 * group + r) * c.stride + column] = *sum;
            }
        }
    }
}

/// `sums[column] += a * b[k, column]` for four rows.
#[inline(always)]
fn add_four<const C: usize>(sums: &mut [f32x4; C], a: f32x4, b: Right<'_>, k: usize) {
    for column in 0..C {
        sums[column] += a * f32x4::splat(b.values[k * b.row_stride + column * b.column_stride]);
    }
}
