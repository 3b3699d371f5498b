//! Dense layers: `y = act(x W + b)`, `dx = (dy W^T) act'(x)`, `dW = x^T dy`, `db = sum dy`.

use super::num::{FLUSH, HALF_ULP, Num};
use super::{Expect, Expected, unchanged};
use crate::kernels::{dense_backward_input, dense_backward_weights, dense_forward};
use crate::verify::case::Case;

/// Entry `slot` of a table of 4-bit entries.
pub(super) fn entry(table: u32, slot: u32) -> u32 {
    table / 16u32.pow(slot) % 16
}

/// A sum of products in any order, fused or not: every rounding is at most half an ULP of the sum of magnitudes.
#[derive(Default)]
pub(super) struct Dot {
    value: f64,
    magnitude: f64,
    terms: f64,
}

impl Dot {
    pub(super) fn add(&mut self, a: f32, b: f32) {
        let product = f64::from(a) * f64::from(b);
        self.value += product;
        self.magnitude += product.abs();
        self.terms += 1.0;
    }

    pub(super) fn num(&self) -> Num {
        let bound = (self.terms + 1.0) * (HALF_ULP * self.magnitude + FLUSH);
        Num { value: self.value, bound }
    }
}

pub(super) fn activation(kind: u32, z: Num) -> Num {
    match kind {
        1 => z.max(Num::default()),
        2 => z.tanh(),
        _ => z,
    }
}

/// `y = act(x W + b)`
pub fn dense_forward(case: &Case) -> Expected {
    let p: dense_forward::Params = case.params();
    let (x, weights) = (case.get::<f32>("x"), case.get::<f32>("weights"));
    let mut y = unchanged(case, "y");
    for agent in 0..p.agents {
        for slot in 0..p.slots {
            let x_from = (agent * p.x_slots + entry(p.slot_x, slot)) * p.batch;
            let net = (agent * p.nets + entry(p.slot_net, slot)) * p.net_params + p.weight_offset;
            for b in 0..p.batch {
                for j in 0..p.out_dim {
                    let mut sum = Dot::default();
                    for k in 0..p.in_dim {
                        let weight = weights[(net + k * p.out_dim + j) as usize];
                        sum.add(x[((x_from + b) * p.x_stride + p.x_offset + k) as usize], weight);
                    }
                    sum.add(1.0, weights[(net + p.in_dim * p.out_dim + j) as usize]);
                    let at = ((agent * p.slots + slot) * p.batch + b) * p.y_stride + p.y_offset + j;
                    y[at as usize] = Expect::Float(activation(p.activation, sum.num()));
                }
            }
        }
    }
    vec![("y", y)]
}

/// `dx = (dy W^T) act'`, where the derivative is taken at the output `x` of the layer below.
pub fn dense_backward_input(case: &Case) -> Expected {
    let p: dense_backward_input::Params = case.params();
    let (dy, weights, x) = (case.get::<f32>("dy"), case.get::<f32>("weights"), case.get::<f32>("x"));
    let mut dx = unchanged(case, "dx");
    for agent in 0..p.agents {
        for slot in 0..p.grad_slots {
            let net = (agent * p.nets + slot) * p.net_params + p.weight_offset;
            let row = (agent * p.grad_slots + slot) * p.batch;
            let x_row = (agent * p.x_slots + slot) * p.batch;
            for b in 0..p.batch {
                for k in 0..p.in_dim {
                    let mut sum = Dot::default();
                    for j in 0..p.out_dim {
                        let weight = weights[(net + k * p.out_dim + j) as usize];
                        sum.add(dy[((row + b) * p.dy_stride + p.dy_offset + j) as usize], weight);
                    }
                    let output = Num::exact(x[((x_row + b) * p.x_stride + p.x_offset + k) as usize]);
                    let derivative = match p.activation {
                        1 if output.value > 0.0 => Num::exact(1.0),
                        1 => Num::default(),
                        2 => Num::exact(1.0) - output * output,
                        _ => Num::exact(1.0),
                    };
                    let at = (row + b) * p.x_stride + p.x_offset + k;
                    dx[at as usize] = Expect::Float(sum.num() * derivative);
                }
            }
        }
    }
    vec![("dx", dx)]
}

/// `dW = x^T dy`, `db = sum dy` in the layer's place; all other gradients stay.
pub fn dense_backward_weights(case: &Case) -> Expected {
    let p: dense_backward_weights::Params = case.params();
    let (x, dy) = (case.get::<f32>("x"), case.get::<f32>("dy"));
    let mut grads = unchanged(case, "grads");
    for agent in 0..p.agents {
        for slot in 0..p.grad_slots {
            let x_row = (agent * p.x_slots + entry(p.slot_x, slot)) * p.batch;
            let dy_row = (agent * p.grad_slots + slot) * p.batch;
            let net = (agent * p.grad_slots + slot) * p.net_params + p.weight_offset;
            for k in 0..=p.in_dim {
                for j in 0..p.out_dim {
                    let mut sum = Dot::default();
                    for b in 0..p.batch {
                        let at = (x_row + b) * p.x_stride + p.x_offset + k;
                        let input = if k < p.in_dim { x[at as usize] } else { 1.0 };
                        sum.add(input, dy[((dy_row + b) * p.dy_stride + p.dy_offset + j) as usize]);
                    }
                    grads[(net + k * p.out_dim + j) as usize] = Expect::Float(sum.num());
                }
            }
        }
    }
    vec![("grads", grads)]
}
