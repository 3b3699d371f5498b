//! Products of a few rows, with B where it lies: to pack it would take as long as the product.

use pulp::Simd;

use super::panels::{Part, add, cut};
use super::{Dims, Finish, Left, Output, Right};

/// Most rows: with more, what the zeros of A save outweighs it.
const MOST: usize = 8;

/// Whether this is the way.
pub fn suits(b: Right<'_>, dims: Dims) -> bool {
    dims.rows <= MOST && b.column_stride == 1
}

/// Rows of a tile, which share what is read of B.
const ROWS: usize = 4;

/// Vectors of a tile: its sums, a row of B and a product fit into 16 registers.
const VECTORS: usize = 2;

/// The product by register tiles. Columns of B lie side by side.
#[inline(always)]
pub fn product<S: Simd>(
    simd: S,
    a: Left<'_>,
    b: Right<'_>,
    mut c: Output<'_>,
    dims: Dims,
    finish: Finish<'_>,
) {
    let tiles = dims.rows / ROWS * ROWS;
    for panel in cut(dims.columns, S::F32_LANES, VECTORS) {
        let (part, c) = (Part { a, b, dims, panel, finish }, &mut c);
        for row in (0..tiles).step_by(ROWS) {
            match panel.vectors {
                1 => tile::<S, ROWS, 1>(simd, part, c, row),
                _ => tile::<S, ROWS, VECTORS>(simd, part, c, row),
            }
        }
        for row in tiles..dims.rows {
            match panel.vectors {
                1 => tile::<S, 1, 1>(simd, part, c, row),
                _ => tile::<S, 1, VECTORS>(simd, part, c, row),
            }
        }
    }
}

/// `R` rows of a panel from `row` on.
#[inline(always)]
fn tile<S: Simd, const R: usize, const V: usize>(simd: S, part: Part<'_>, c: &mut Output<'_>, row: usize) {
    let Part { a, dims: Dims { depth, .. }, .. } = part;
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    let mut rows = [&a.values[..0]; R];
    for r in 0..R {
        rows[r] = &a.values[(row + r) * a.row_stride..];
    }
    for k in 0..depth {
        let b = part.row::<S, V>(simd, k);
        for r in 0..R {
            add(simd, &mut sums[r], rows[r][k * a.k_stride], &b);
        }
    }
    for r in 0..R {
        part.store(simd, c, row + r, &sums[r]);
    }
}
