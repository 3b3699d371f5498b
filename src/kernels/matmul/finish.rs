//! What becomes of a product's numbers as soon as they are there.

use pulp::Simd;

use crate::kernels::dense_forward::activate;

/// The last step of a product.
#[derive(Clone, Copy)]
pub enum Finish<'a> {
    /// None.
    Nothing,
    /// `act(c + bias)`
    Activate {
        /// `Activation` as a number.
        activation: u32,
        /// One number per column.
        bias: &'a [f32],
    },
    /// `c * act'(x)`
    Slopes {
        /// `Activation` as a number.
        activation: u32,
        /// The activation's outputs, rows and columns as those of the product.
        x: &'a [f32],
        /// Distance between rows of `x`.
        stride: usize,
    },
}

impl Finish<'_> {
    /// Takes the step for sums, those of `row` from `column` on, `columns` of which count; what vectors cannot is left to
    /// [`Finish::apply`].
    #[inline(always)]
    pub fn in_registers<S: Simd, const V: usize>(
        self,
        simd: S,
        row: usize,
        column: usize,
        columns: usize,
        mut sums: [S::f32s; V],
    ) -> ([S::f32s; V], Self) {
        let one = simd.splat_f32s(1.0);
        match self {
            Finish::Activate { activation: activation @ (0 | 1), bias } => {
                let (whole, rest) = S::as_simd_f32s(&bias[column..][..columns]);
                for v in 0..V {
                    let bias = whole.get(v).copied().unwrap_or_else(|| simd.partial_load_f32s(rest));
                    sums[v] = simd.add_f32s(sums[v], bias);
                    if activation == 1 {
                        sums[v] = where_positive(simd, sums[v], sums[v]);
                    }
                }
                (sums, Finish::Nothing)
            }
            Finish::Slopes { activation: 1, x, stride } => {
                let (whole, rest) = S::as_simd_f32s(&x[row * stride + column..][..columns]);
                for v in 0..V {
                    let x = whole.get(v).copied().unwrap_or_else(|| simd.partial_load_f32s(rest));
                    sums[v] = simd.mul_f32s(sums[v], where_positive(simd, x, one));
                }
                (sums, Finish::Nothing)
            }
            rest => (sums, rest),
        }
    }

    /// Takes the step for `c`, the numbers of `row` from `column` on.
    #[inline(always)]
    pub fn apply(self, row: usize, column: usize, c: &mut [f32]) {
        match self {
            Finish::Nothing => {}
            Finish::Activate { activation, bias } => bias_and_activation(activation, &bias[column..], c),
            Finish::Slopes { activation, x, stride } => {
                times_slopes(activation, &x[row * stride + column..][..c.len()], c);
            }
        }
    }
}

/// `value` where `x > 0`, and 0 elsewhere. By its bits: of pulp's choices, that of floats is not always part of the caller.
#[inline(always)]
fn where_positive<S: Simd>(simd: S, x: S::f32s, value: S::f32s) -> S::f32s {
    let positive = simd.greater_than_f32s(x, simd.splat_f32s(0.0));
    let bits = simd.select_u32s(positive, simd.transmute_u32s_f32s(value), simd.splat_u32s(0));
    simd.transmute_f32s_u32s(bits)
}

/// Adds the bias to numbers of one row of a layer's outputs and applies the activation.
#[inline(always)]
pub fn bias_and_activation(activation: u32, bias: &[f32], y: &mut [f32]) {
    let biased = y.iter_mut().zip(bias);
    // Known numbers, so that each loop is free of branches.
    match activation {
        1 => biased.for_each(|(y, b)| *y = activate(1, *y + b)),
        2 => biased.for_each(|(y, b)| *y = activate(2, *y + b)),
        _ => biased.for_each(|(y, b)| *y += b),
    }
}

/// Multiplies numbers of one row of gradients with the slopes of the activation whose outputs are `x`.
#[inline(always)]
pub fn times_slopes(activation: u32, x: &[f32], dx: &mut [f32]) {
    let pairs = dx.iter_mut().zip(x);
    match activation {
        1 => pairs.for_each(|(dx, x)| *dx *= f32::from(u8::from(*x > 0.0))),
        2 => pairs.for_each(|(dx, x)| *dx *= 1.0 - x * x),
        _ => {}
    }
}
