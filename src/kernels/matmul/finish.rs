//! What becomes of a product's numbers as soon as they are there.

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
