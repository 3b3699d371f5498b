//! Dense layer for several networks at once: `y = act(x W + b)`. Twin of `shaders/dense_forward.wgsl`.
//!
//! ```
//! use softq::kernels::dense_forward::{Params, twin};
//! use softq::kernels::{Activation, pack_slots};
//!
//! // Two networks of one layer, two inputs and one output see the same row.
//! let params = Params {
//!     batch: 1, in_dim: 2, out_dim: 1, nets: 2, net_params: 3, slots: 2, x_slots: 1,
//!     slot_net: pack_slots(&[0, 1]), slot_x: pack_slots(&[0, 0]), activation: Activation::Relu as u32,
//!     x_stride: 2, y_stride: 1, agents: 1, ..Params::default()
//! };
//! let mut y = [0.0; 2];
//! twin(&params, &[3.0, 4.0], &[1.0, 2.0, 0.5, -1.0, -2.0, 0.5], &mut y);
//! assert_eq!(y, [11.5, 0.0]);
//! ```

use crate::engine::kernel::Work;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::matmul::layers::forward;
use crate::kernels::{distinct, extent, groups, largest, layer_end, nibble, product, rows_end};
use crate::shared::math::tanh_f32;

gpu_struct! {
    /// Sizes and slot tables; see the shader's header.
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
        /// Evaluations per agent.
        pub slots: u32,
        /// Inputs per agent in `x`.
        pub x_slots: u32,
        /// Net of each slot, 4 bits each.
        pub slot_net: u32,
        /// Input of each slot, 4 bits each.
        pub slot_x: u32,
        /// `Activation` as a number.
        pub activation: u32,
        /// Columns of `x` in memory.
        pub x_stride: u32,
        /// First column used.
        pub x_offset: u32,
        /// Columns of `y` in memory.
        pub y_stride: u32,
        /// First column used.
        pub y_offset: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `y = act(x W + b)` over agents and slots.
    dense_forward, params Params, workgroup 64,
    bindings { read x: f32, read weights: f32, write y: f32 }
    sizes |p, _| vec![
        extent(
            p.agents, p.x_slots, product(&[p.batch, p.x_stride]), largest(p.slot_x, p.slots),
            rows_end(p.batch, p.x_stride, p.x_offset, p.in_dim),
        ),
        extent(
            p.agents, p.nets, p.net_params.into(), largest(p.slot_net, p.slots),
            layer_end(p.weight_offset, p.in_dim, p.out_dim),
        ),
        extent(
            p.agents, p.slots, product(&[p.batch, p.y_stride]), p.slots.saturating_sub(1),
            rows_end(p.batch, p.y_stride, p.y_offset, p.out_dim),
        ),
    ];
    grid |p| [
        groups(product(&[p.batch.div_ceil(4), p.out_dim.div_ceil(4)]), 64),
        u64::from(p.slots),
        u64::from(p.agents),
    ];
    loops |p, _| u64::from(p.in_dim);
    work work;
    twin forward
}

/// What a layer costs.
pub(super) fn work(p: &Params) -> Work {
    let rows = product(&[p.agents, p.slots, p.batch]);
    let [inputs, nets] = [distinct(p.slot_x, p.slots), distinct(p.slot_net, p.slots)];
    let layer = product(&[p.in_dim + 1, p.out_dim]);
    Work {
        operations: rows * u64::from(p.out_dim) * (2 * u64::from(p.in_dim) + 1),
        words: product(&[p.agents, inputs, p.batch, p.in_dim])
            + product(&[p.agents, nets]) * layer
            + rows * u64::from(p.out_dim),
    }
}

/// The activation numbered `activation`.
#[inline(always)]
pub(super) fn activate(activation: u32, value: f32) -> f32 {
    match activation {
        1 => value.max(0.0),
        2 => tanh_f32(value),
        _ => value,
    }
}

/// The shader's sums, one output after the other: what `matmul/layers.rs` gives faster.
pub fn twin(p: &Params, x: &[f32], weights: &[f32], y: &mut [f32]) {
    let [batch, in_dim, out_dim, slots] = [p.batch, p.in_dim, p.out_dim, p.slots].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        for slot in 0..slots {
            let net = nibble(p.slot_net, slot);
            let x_slot = nibble(p.slot_x, slot);
            let w = (agent * p.nets as usize + net) * p.net_params as usize + p.weight_offset as usize;
            let bias = w + in_dim * out_dim;
            for row in 0..batch {
                let x_row = (agent * p.x_slots as usize + x_slot) * batch + row;
                let x_at = x_row * p.x_stride as usize + p.x_offset as usize;
                let y_row = (agent * slots + slot) * batch + row;
                let y_at = y_row * p.y_stride as usize + p.y_offset as usize;
                for column in 0..out_dim {
                    let mut sum = 0.0;
                    for k in 0..in_dim {
                        sum += x[x_at + k] * weights[w + k * out_dim + column];
                    }
                    y[y_at + column] = activate(p.activation, sum + weights[bias + column]);
                }
            }
        }
    }
}
