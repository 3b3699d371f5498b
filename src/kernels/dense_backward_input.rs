//! Gradient of a dense layer for its input: `dx = (dy W^T) * act'(x)`. Twin of `shaders/dense_backward_input.wgsl`.
//!
//! ```
//! use softq::kernels::Activation;
//! use softq::kernels::dense_backward_input::{Params, twin};
//!
//! // Of the two inputs, which are outputs of a ReLU, the second is cut off.
//! let params = Params {
//!     batch: 1, in_dim: 2, out_dim: 1, nets: 1, net_params: 3, grad_slots: 1, x_slots: 1,
//!     activation: Activation::Relu as u32, dy_stride: 1, x_stride: 2, agents: 1, ..Params::default()
//! };
//! let mut dx = [0.0; 2];
//! twin(&params, &[0.5], &[2.0, 3.0, 1.0], &[4.0, 0.0], &mut dx);
//! assert_eq!(dx, [1.0, 0.0]);
//! ```

use crate::engine::kernel::Work;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::matmul::layers::backward_input;
use crate::kernels::{Activation, extent, groups, layer_end, product, rows_end};

gpu_struct! {
    /// Sizes; see the shader's header.
    pub struct Params {
        /// Rows per slot.
        pub batch: u32,
        /// Inputs.
        pub in_dim: u32,
        /// Outputs.
        pub out_dim: u32,
        /// Networks per agent in `weights`.
        pub nets: u32,
        /// Parameters per network.
        pub net_params: u32,
        /// Where this layer's weights start in a network.
        pub weight_offset: u32,
        /// Networks with gradients.
        pub grad_slots: u32,
        /// Slots of `x`.
        pub x_slots: u32,
        /// Activation of the layer below.
        pub activation: u32,
        /// Columns of `dy` in memory.
        pub dy_stride: u32,
        /// First column used.
        pub dy_offset: u32,
        /// Columns of `x` and `dx` in memory.
        pub x_stride: u32,
        /// First column used.
        pub x_offset: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `dx = (dy W^T) * act'(x)` over agents and nets.
    dense_backward_input, params Params, workgroup 64,
    bindings { read dy: f32, read weights: f32, read x: f32, write dx: f32 }
    sizes |p, _| vec![
        extent(
            p.agents, p.grad_slots, product(&[p.batch, p.dy_stride]), p.grad_slots.saturating_sub(1),
            rows_end(p.batch, p.dy_stride, p.dy_offset, p.out_dim),
        ),
        extent(
            p.agents, p.nets, p.net_params.into(), p.grad_slots.saturating_sub(1),
            layer_end(p.weight_offset, p.in_dim, p.out_dim),
        ),
        extent(
            p.agents, p.x_slots, product(&[p.batch, p.x_stride]), p.grad_slots.saturating_sub(1),
            rows_end(p.batch, p.x_stride, p.x_offset, p.in_dim),
        ),
        extent(
            p.agents, p.grad_slots, product(&[p.batch, p.x_stride]), p.grad_slots.saturating_sub(1),
            rows_end(p.batch, p.x_stride, p.x_offset, p.in_dim),
        ),
    ];
    grid |p| [
        groups(product(&[p.batch.div_ceil(4), p.in_dim.div_ceil(4)]), 64),
        u64::from(p.grad_slots),
        u64::from(p.agents),
    ];
    // The sum over outputs, then up to 16 stores.
    loops |p, _| u64::from(p.out_dim) + 16;
    work work;
    twin backward_input
}

/// What a layer costs: the activation's slope multiplies every sum; that of tanh takes two more.
pub(super) fn work(p: &Params) -> Work {
    let rows = product(&[p.agents, p.grad_slots, p.batch]);
    let inputs = rows * u64::from(p.in_dim);
    let slope = 1 + 2 * u64::from(p.activation == Activation::Tanh as u32);
    Work {
        operations: inputs * (2 * u64::from(p.out_dim) + slope),
        words: rows * u64::from(p.out_dim)
            + product(&[p.agents, p.grad_slots, p.in_dim, p.out_dim])
            + 2 * inputs,
    }
}

/// Slope of the activation whose output is `output`.
pub(super) fn slope(activation: u32, output: f32) -> f32 {
    match activation {
        1 => f32::from(u8::from(output > 0.0)),
        2 => 1.0 - output * output,
        _ => 1.0,
    }
}

/// The shader's sums, one input after the other: what `matmul/layers.rs` gives faster.
pub fn twin(p: &Params, dy: &[f32], weights: &[f32], x: &[f32], dx: &mut [f32]) {
    let [batch, in_dim, out_dim, slots] = [p.batch, p.in_dim, p.out_dim, p.grad_slots].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        for slot in 0..slots {
            let w = (agent * p.nets as usize + slot) * p.net_params as usize + p.weight_offset as usize;
            for row in 0..batch {
                let dy_row = (agent * slots + slot) * batch + row;
                let dy_at = dy_row * p.dy_stride as usize + p.dy_offset as usize;
                let dx_at = dy_row * p.x_stride as usize + p.x_offset as usize;
                let x_row = (agent * p.x_slots as usize + slot) * batch + row;
                let x_at = x_row * p.x_stride as usize + p.x_offset as usize;
                for k in 0..in_dim {
                    let mut sum = 0.0;
                    for j in 0..out_dim {
                        sum += dy[dy_at + j] * weights[w + k * out_dim + j];
                    }
                    dx[dx_at + k] = sum * slope(p.activation, x[x_at + k]);
                }
            }
        }
    }
}
