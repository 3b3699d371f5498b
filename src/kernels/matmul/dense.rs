//! Products without regard to zeros: tiles of 4 rows by a few vectors of columns stay in registers, so each element of B
//! is loaded once for four rows.

use pulp::Simd;
use wide::f32x4;

use super::panels::{Line, Panel, cut, pack, square};
use super::{Dims, Left, Output, Right};

/// Rows of a tile.
const ROWS: usize = 4;

/// Vector operations, in the currency of `sparse::mark`: one costs less here than there, where rows are picked one by one.
#[inline(always)]
pub fn cost<S: Simd>(dims: Dims) -> usize {
    dims.rows * dims.depth * dims.columns.div_ceil(S::F32_LANES) / 10 * 7
}

/// Rows up to which B is not packed: with more, what the zeros of A save outweighs it.
const FEW: usize = 8;

/// Whether B is read where it lies, since to pack it for a few rows would take as long as the product.
#[inline(always)]
pub fn unpacked(b: Right<'_>, dims: Dims) -> bool {
    dims.rows <= FEW && b.column_stride == 1
}

/// The right matrix of a tile: packed, or as it is.
#[derive(Clone, Copy)]
enum Columns<'a> {
    Packed(&'a [f32]),
    InPlace(Right<'a>),
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
    let b = match unpacked(b, dims) {
        true => Columns::InPlace(b),
        false => Columns::Packed(pack(lines, b, dims, S::F32_LANES, panels.clone())),
    };
    let mut row = 0;
    while row < dims.rows {
        let height = if dims.rows - row >= ROWS { ROWS } else { 1 };
        for panel in panels.clone() {
            let at = Tile { a, b, dims, panel, row };
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
    b: Columns<'a>,
    dims: Dims,
    panel: Panel,
    row: usize,
}

impl Tile<'_> {
    #[inline(always)]
    fn evaluate<S: Simd, const R: usize, const V: usize>(&self, simd: S, c: &mut Output<'_>) {
        let Tile { a, b, dims: Dims { columns, depth, .. }, panel, row } = *self;
        let width = V * S::F32_LANES;
        let used = width.min(columns - panel.column);
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        let packed = match b {
            Columns::Packed(packed) => packed,
            Columns::InPlace(b) => {
                for k in 0..depth {
                    let mut line = [simd.splat_f32s(0.0); V];
                    load(simd, &b.values[k * b.row_stride + panel.column..][..used], &mut line);
                    for r in 0..R {
                        add(simd, &mut sums[r], a.values[(row + r) * a.row_stride + k * a.k_stride], &line);
                    }
                }
                return self.store::<S, R, V>(simd, c, used, &sums);
            }
        };
        let (vectors, _) = S::as_simd_f32s(&packed[panel.column * depth..][..depth * width]);
        let (b, _) = vectors.as_chunks::<V>();
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
        self.store::<S, R, V>(simd, c, used, &sums);
    }

    #[inline(always)]
    fn store<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        c: &mut Output<'_>,
        used: usize,
        sums: &[[S::f32s; V]; R],
    ) {
        for (r, sums) in sums.iter().enumerate() {
            let c = &mut c.values[(self.row + r) * c.stride + self.panel.column..];
            store(simd, &mut c[..used], sums);
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

/// Reads the first `c.len()` of the sums.
#[inline(always)]
pub fn load<S: Simd>(simd: S, c: &[f32], sums: &mut [S::f32s]) {
    let (whole, rest) = S::as_simd_f32s(c);
    for (sum, c) in sums.iter_mut().zip(whole) {
        *sum = *c;
    }
    if let Some(sum) = sums.get_mut(whole.len()).filter(|_| !rest.is_empty()) {
        *sum = simd.partial_load_f32s(rest);
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

/// Rows whose sums overlap: four times the rows of a square.
const TOGETHER: usize = 16;

/// The product for at most four columns and rows of A that are contiguous: squares of 4 of A are turned, so that rows lie in the lanes.
#[inline(always)]
pub fn narrow(
    a: Left<'_>,
    b: Right<'_>,
    c: &mut Output<'_>,
    dims: Dims,
    finish: &mut impl FnMut(usize, &mut [f32]),
) {
    let mut row = 0;
    while row + TOGETHER <= dims.rows {
        match dims.columns {
            1 => narrow_rows::<1>(a, b, c, row, dims.depth),
            2 => narrow_rows::<2>(a, b, c, row, dims.depth),
            3 => narrow_rows::<3>(a, b, c, row, dims.depth),
            _ => narrow_rows::<4>(a, b, c, row, dims.depth),
        }
        row += TOGETHER;
    }
    for row in row..dims.rows {
        let values = &a.values[row * a.row_stride..][..dims.depth];
        for column in 0..dims.columns {
            let b = b.values.get(column * b.column_stride..).unwrap_or_default().iter().step_by(b.row_stride);
            let sum = values.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b);
            c.values[row * c.stride + column] = sum;
        }
    }
    for row in 0..dims.rows {
        finish(row, &mut c.values[row * c.stride..][..dims.columns]);
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
