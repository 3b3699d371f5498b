//! The matrix product of the dense twins: `C = A B`, every element summed over `k` in ascending order from `+0`, with a
//! separate multiplication and addition per term, which is the shaders' order. Columns lie in the lanes of vectors, so an
//! element's terms are never regrouped and all instruction sets give the same bits.
//!
//! Three paths, chosen from shape alone: `rows` (whose zeros are skipped: half of what a ReLU puts out, and most of a one-hot
//! observation), `few` (rows, as when a few environments act) and `narrow` (a few columns, as behind the output layer).

pub mod convolution;
mod convolve;
mod correlate;
mod few;
mod finish;
pub mod layers;
mod marks;
mod narrow;
mod panels;
mod rows;
mod windows;

use std::cell::RefCell;

use pulp::{Simd, WithSimd};

use crate::engine::simd::Arch;

pub use finish::Finish;
use panels::{cut, turn};
use rows::Room;

/// A matrix read through strides: element `(row, k)` is `values[row * row_stride + k * k_stride]`.
#[derive(Clone, Copy)]
pub struct Left<'a> {
    /// Elements.
    pub values: &'a [f32],
    /// Distance between rows.
    pub row_stride: usize,
    /// Distance between columns.
    pub k_stride: usize,
}

/// A matrix read through strides: element `(k, column)` is `values[k * row_stride + column * column_stride]`.
#[derive(Clone, Copy)]
pub struct Right<'a> {
    /// Elements.
    pub values: &'a [f32],
    /// Distance between rows.
    pub row_stride: usize,
    /// Distance between columns.
    pub column_stride: usize,
}

/// Row-major matrix to be written, whose rows start `stride` apart.
pub struct Output<'a> {
    /// Elements.
    pub values: &'a mut [f32],
    /// Distance between rows.
    pub stride: usize,
}

/// Sizes of one product.
#[derive(Clone, Copy)]
pub struct Dims {
    /// Rows of A and C.
    pub rows: usize,
    /// Columns of B and C.
    pub columns: usize,
    /// Columns of A, rows of B.
    pub depth: usize,
}

/// Buffers that outlive a product, so that none of them is allocated again.
#[derive(Default)]
struct Scratch {
    room: Room,
    words: Vec<u64>,
    transposed: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// `c[row, column] = sum over k of a[row, k] b[k, column]`, ascending from `k = 0`; then `finish` while it is in cache. Elements of
/// `c` beyond the columns are left alone.
pub fn matmul(a: Left<'_>, b: Right<'_>, c: Output<'_>, dims: Dims, finish: Finish<'_>) {
    if dims.depth == 0 {
        // Sums of nothing.
        for row in 0..dims.rows {
            let c = &mut c.values[row * c.stride..][..dims.columns];
            c.fill(0.0);
            finish.apply(row, 0, c);
        }
    } else if dims.rows * dims.columns > 0 {
        SCRATCH.with_borrow_mut(|scratch| Arch::new().dispatch(Product { a, b, c, dims, finish, scratch }));
    }
}

/// Rows of C that are turned together: as many as a cache line holds of a row of C^T.
const TURNED: usize = 16;

struct Product<'a> {
    a: Left<'a>,
    b: Right<'a>,
    c: Output<'a>,
    dims: Dims,
    finish: Finish<'a>,
    scratch: &'a mut Scratch,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Product { a, b, mut c, dims, finish, scratch } = self;
        let Scratch { room, words, transposed } = scratch;
        let narrow = dims.columns <= narrow::MOST;
        if narrow && a.k_stride == 1 {
            return narrow::product(simd, a, b, &mut c, dims, finish);
        }
        // Where A is stored column by column, so is B^T in C^T = B^T A^T: the same terms in the same order, with the rows
        // of C in the lanes, and the zeros of B to be skipped instead of those of A.
        let swapped = Dims { rows: dims.columns, columns: dims.rows, depth: dims.depth };
        let left = Left { values: b.values, row_stride: b.column_stride, k_stride: b.row_stride };
        let right = Right { values: a.values, row_stride: a.k_stride, column_stride: a.row_stride };
        let few = few::suits(b, dims);
        let swap = narrow
            || !few
                && a.row_stride == 1
                && marks::operations::<S>(left, swapped) < marks::operations::<S>(a, dims) / 8 * 7;
        if !swap {
            if few {
                return few::product(simd, a, b, c, dims, finish);
            }
            marks::mark::<S>(a, dims, words);
            return rows::product(simd, a, b, c, dims, finish, words, room);
        }
        let few = few::suits(right, swapped);
        if !few {
            marks::mark::<S>(left, swapped, words);
        }
        // A panel of C^T at a time, which stays in the second cache until it is turned.
        for panel in cut(dims.rows, S::F32_LANES, rows::most::<S>()) {
            let columns = (dims.rows - panel.column).min(panel.vectors * S::F32_LANES);
            let right = Right { values: &right.values[panel.column * right.column_stride..], ..right };
            transposed.resize(transposed.len().max(columns * dims.columns), 0.0);
            let to = Output { values: &mut transposed[..], stride: columns };
            let of = Dims { columns, ..swapped };
            if few {
                few::product(simd, left, right, to, of, Finish::Nothing);
            } else {
                rows::product(simd, left, right, to, of, Finish::Nothing, words, room);
            }
            // Line after line of C: what is stored is read first, and of that a processor foresees only what lies side by side.
            for first in (0..columns).step_by(TURNED) {
                let turned = Right { values: &transposed[first..], row_stride: 1, column_stride: columns };
                let lines = &mut c.values[(panel.column + first) * c.stride..];
                let count = (columns - first).min(TURNED);
                turn(turned.values, turned, lines, c.stride, (count, dims.columns));
            }
        }
        for row in 0..dims.rows {
            finish.apply(row, 0, &mut c.values[row * c.stride..][..dims.columns]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_and_path_gives_the_bits_of_the_plain_sum() {
        let mut state = 1u32;
        let mut value = |sparse: bool| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if sparse && state >> 28 != 0 { 0.0 } else { (state >> 8) as f32 / 8_388_608.0 - 1.0 }
        };
        for (rows, columns, depth) in [
            (1, 1, 1),
            (4, 16, 3),
            (5, 21, 7),
            (19, 2, 33),
            (9, 64, 65),
            (8, 19, 40),
            (4, 0, 3),
            (7, 5, 0),
            (13, 139, 71),
            (6, 93, 130),
            (3, 300, 17),
        ] {
            for case in 0..16 {
                let [sparse, transposed, turned, infinite] = [1, 2, 4, 8].map(|bit| case & bit != 0);
                let a: Vec<f32> = (0..rows * depth).map(|_| value(sparse)).collect();
                let mut b: Vec<f32> = (0..depth * (columns + 2)).map(|_| value(false)).collect();
                if let Some(b) = b.last_mut().filter(|_| infinite) {
                    // What is skipped must not hide that 0 times this is NaN.
                    *b = f32::INFINITY;
                }
                let (row_stride, k_stride) = if transposed { (1, rows) } else { (depth, 1) };
                let (b_row, b_column) = if turned { (1, depth) } else { (columns + 2, 1) };
                // So that the last of its numbers is one of the product's.
                let b = &b[if turned { 2 * depth } else { 2.min(b.len()) }..];
                let mut c = vec![7.0; rows * (columns + 1)];
                let left = Left { values: &a, row_stride, k_stride };
                let right = Right { values: b, row_stride: b_row, column_stride: b_column };
                let output = Output { values: &mut c, stride: columns + 1 };
                let bias: Vec<f32> = (0..columns).map(|_| value(false)).collect();
                let finish = Finish::Activate { activation: 0, bias: &bias };
                matmul(left, right, output, Dims { rows, columns, depth }, finish);
                for (row, c) in c.chunks_exact(columns + 1).enumerate() {
                    for column in 0..columns {
                        let term =
                            |k: usize| a[row * row_stride + k * k_stride] * b[k * b_row + column * b_column];
                        let want = (0..depth).fold(0.0, |sum, k| sum + term(k)) + bias[column];
                        let same =
                            c[column].to_bits() == want.to_bits() || c[column].is_nan() && want.is_nan();
                        assert!(same, "{} {want}, {rows} x {columns} x {depth}, case {case}", c[column]);
                    }
                    assert_eq!(c[columns], 7.0, "beyond the columns nothing is written");
                }
            }
        }
    }
}
