//! Products without regard to zeros: tiles of 4 rows by a few vectors of columns stay in registers, so each element of B
//! is loaded once for four rows.

use pulp::Simd;

use super::panels::{Line, Panel, cut, pack};
use super::{Dims, Left, Output, Right};

/// Rows of a tile.
const ROWS: usize = 4;

/// Vector operations, in the currency of `sparse::mark`: one costs less here than there, where rows are picked one by one.
#[inline(always)]
pub fn cost<S: Simd>(dims: Dims) -> usize {
    dims.rows * dims.depth * dims.columns.div_ceil(S::F32_LANES) / 10 * 7
}

/// The product by register tiles.
#[inline(always)]
pub fn product<S: Simd>(
    simd: S,
    a: Left<'_>,
    b: Right<'_>,
    c: &mut Output<'_>,
    dims: Dims,
    lines: &mut Vec<Line>,
    finish: &mut impl FnMut(usize, &mut [f32]),
) {
    // Sums, one row of B and one product have to fit into the registers.
    let most = if S::REGISTER_COUNT >= 32 { 3 } else { 2 };
    let panels = cut(dims.columns, S::F32_LANES, most);
    let packed = pack(lines, b, dims, S::F32_LANES, panels.clone());
    let mut row = 0;
    while row < dims.rows {
        let height = if dims.rows - row >= ROWS { ROWS } else { 1 };
        for panel in panels.clone() {
            let at = Tile { a, packed, dims, panel, row };
            match (height, panel.vectors) {
                (ROWS, 3) => at.evaluate::<S, ROWS, 3>(simd, c),
                (ROWS, 2) => at.evaluate::<S, ROWS, 2>(simd, c),
                (ROWS, _) => at.evaluate::<S, ROWS, 1>(simd, c),
                (_, 3) => at.evaluate::<S, 1, 3>(simd, c),
                (_, 2) => at.evaluate::<S, 1, 2>(simd, c),
                (_, _) => at.evaluate::<S, 1, 1>(simd, c),
            }
        }
        for row in row..row + height {
            finish(row, &mut c.values[row * c.stride..][..dims.columns]);
        }
        row += height;
    }
}

struct Tile<'a> {
    a: Left<'a>,
    packed: &'a [f32],
    dims: Dims,
    panel: Panel,
    row: usize,
}

impl Tile<'_> {
    #[inline(always)]
    fn evaluate<S: Simd, const R: usize, const V: usize>(&self, simd: S, c: &mut Output<'_>) {
        let Tile { a, packed, dims: Dims { columns, depth, .. }, panel, row } = *self;
        let width = V * S::F32_LANES;
        let (vectors, _) = S::as_simd_f32s(&packed[panel.column * depth..][..depth * width]);
        let (b, _) = vectors.as_chunks::<V>();
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        if a.k_stride == 1 {
            let mut rows = [&a.values[..0]; R];
            for r in 0..R {
                rows[r] = &a.values[(row + r) * a.row_stride..][..depth];
            }
            for (k, b) in b.iter().enumerate() {
                for r in 0..R {
                    add(simd, &mut sums[r], rows[r][k], b);
                }
            }
        } else {
            for (k, b) in b.iter().enumerate() {
                let a_k = &a.values[row * a.row_stride + k * a.k_stride..];
                for r in 0..R {
                    add(simd, &mut sums[r], a_k[r * a.row_stride], b);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            let c = &mut c.values[(row + r) * c.stride + panel.column..];
            store(simd, &mut c[..width.min(columns - panel.column)], sums);
        }
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

/// Writes the first `c.len()` of the sums.
#[inline(always)]
pub fn store<S: Simd>(simd: S, c: &mut [f32], sums: &[S::f32s]) {
    let (whole, rest) = S::as_mut_simd_f32s(c);
    for (c, sum) in whole.iter_mut().zip(sums) {
        *c = *sum;
    }
    if let Some(sum) = sums.get(whole.len()) {
        simd.partial_store_f32s(rest, *sum);
    }
}

/// The product for a few columns and rows of A that are contiguous: eight rows at a time, so that their sums overlap.
#[inline(always)]
pub fn narrow(
    a: Left<'_>,
    b: Right<'_>,
    c: &mut Output<'_>,
    dims: Dims,
    finish: &mut impl FnMut(usize, &mut [f32]),
) {
    const TOGETHER: usize = 8;
    let mut row = 0;
    while row < dims.rows {
        let height = if dims.rows - row >= TOGETHER { TOGETHER } else { 1 };
        for column in 0..dims.columns {
            if height == TOGETHER {
                narrow_column::<TOGETHER>(a, b, c, row, column, dims.depth);
            } else {
                narrow_column::<1>(a, b, c, row, column, dims.depth);
            }
        }
        for row in row..row + height {
            finish(row, &mut c.values[row * c.stride..][..dims.columns]);
        }
        row += height;
    }
}

#[inline(always)]
fn narrow_column<const R: usize>(
    a: Left<'_>,
    b: Right<'_>,
    c: &mut Output<'_>,
    row: usize,
    column: usize,
    depth: usize,
) {
    let mut rows = [&a.values[..0]; R];
    for r in 0..R {
        rows[r] = &a.values[(row + r) * a.row_stride..][..depth];
    }
    let mut sums = [0.0f32; R];
    for k in 0..depth {
        let b = b.values[k * b.row_stride + column * b.column_stride];
        for r in 0..R {
            sums[r] += rows[r][k] * b;
        }
    }
    for (r, sum) in sums.into_iter().enumerate() {
        c.values[(row + r) * c.stride + column] = sum;
    }
}
