//! Gradient of a dense layer for its weights and bias: `dW = x^T dy`, `db = sum dy`. Twin of
//! `shaders/dense_backward_weights.wgsl`.
//!
//! ```
//! use softq::kernels::dense_backward_weights::{Params, twin};
//!
//! // One weight and the bias, over a batch of two rows.
//! let params = Params {
//!     batch: 2, in_dim: 1, out_dim: 1, net_params: 2, grad_slots: 1, x_slots: 1, x_stride: 1, dy_stride: 1,
//!     agents: 1, ..Params::default()
//! };
//! let mut grads = [0.0; 2];
//! twin(&params, &[1.0, 2.0], &[3.0, 4.0], &mut grads);
//! assert_eq!(grads, [1.0 * 3.0 + 2.0 * 4.0, 3.0 + 4.0]);
//! ```

use crate::engine::kernel::Work;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::matmul::layers::backward_weights;
use crate::kernels::{distinct, extent, groups, largest, layer_end, nibble, product, rows_end};

gpu_struct! {
    /// Sizes and the slot table; see the shader's header.
    pub struct Params {
        /// Rows per slot.
        pub batch: u32,
        /// Inputs.
        pub in_dim: u32,
        /// Outputs.
        pub out_dim: u32,
        /// Parameters per network.
        pub net_params: u32,
        /// Where this layer's weights start in a network.
        pub weight_offset: u32,
        /// Networks with gradients.
        pub grad_slots: u32,
        /// Slots of `x`.
        pub x_slots: u32,
        /// Input of each slot, 4 bits each.
        pub slot_x: u32,
        /// Columns of `x` in memory.
        pub x_stride: u32,
        /// First column used.
        pub x_offset: u32,
        /// Columns of `dy` in memory.
        pub dy_stride: u32,
        /// First column used.
        pub dy_offset: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `dW = x^T dy`, `db = sum dy` over agents and nets.
    dense_backward_weights, params Params, workgroup 64,
    bindings { read x: f32, read dy: f32, write grads: f32 }
    sizes |p, _| vec![
        extent(
            p.agents, p.x_slots, product(&[p.batch, p.x_stride]), largest(p.slot_x, p.grad_slots),
            rows_end(p.batch, p.x_stride, p.x_offset, p.in_dim),
        ),
        extent(
            p.agents, p.grad_slots, product(&[p.batch, p.dy_stride]), p.grad_slots.saturating_sub(1),
            rows_end(p.batch, p.dy_stride, p.dy_offset, p.out_dim),
        ),
        extent(
            p.agents, p.grad_slots, p.net_params.into(), p.grad_slots.saturating_sub(1),
            layer_end(p.weight_offset, p.in_dim, p.out_dim),
        ),
    ];
    grid |p| [
        groups(product(&[(p.in_dim + 1).div_ceil(4), p.out_dim.div_ceil(4)]), 64),
        u64::from(p.grad_slots),
        u64::from(p.agents),
    ];
    // The sum over the batch, then up to 16 stores.
    loops |p, _| u64::from(p.batch) + 16;
    work work;
    twin backward_weights
}

/// What a layer costs: the bias is the sum of the gradients alone.
pub(super) fn work(p: &Params) -> Work {
    let gradients = product(&[p.agents, p.grad_slots, p.batch, p.out_dim]);
    Work {
        operations: gradients * (2 * u64::from(p.in_dim) + 1),
        words: product(&[p.agents, distinct(p.slot_x, p.grad_slots), p.batch, p.in_dim])
            + gradients
            + product(&[p.agents, p.grad_slots, p.in_dim + 1, p.out_dim]),
    }
}

/// The shader's sums, one weight after the other: what `matmul/layers.rs` gives faster.
pub fn twin(p: &Params, x: &[f32], dy: &[f32], grads: &mut [f32]) {
    let [batch, in_dim, out_dim, slots] = [p.batch, p.in_dim, p.out_dim, p.grad_slots].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        for slot in 0..slots {
            let x_slot = nibble(p.slot_x, slot);
            let x_row = (agent * p.x_slots as usize + x_slot) * batch;
            let dy_row = (agent * slots + slot) * batch;
            let base = (agent * slots + slot) * p.net_params as usize + p.weight_offset as usize;
            // The bias is row in_dim, whose input is 1.
            for k in 0..=in_dim {
                for column in 0..out_dim {
                    let mut sum = 0.0;
                    for b in 0..batch {
                        let x_at = (x_row + b) * p.x_stride as usize + p.x_offset as usize;
                        let dy_at = (dy_row + b) * p.dy_stride as usize + p.dy_offset as usize;
                        let input = if k == in_dim { 1.0 } else { x[x_at + k] };
                        sum += input * dy[dy_at + column];
                    }
                    grads[base + k * out_dim + column] = sum;
                }
            }
        }
    }
}
