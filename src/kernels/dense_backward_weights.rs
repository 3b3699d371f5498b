//! Gradient of a dense layer for its weights and bias: `dW = x^T dy`, `db = sum dy`. Twin of
//! `shaders/dense_backward_weights.wgsl`.

use pulp::Arch;

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::blocks::for_each_block_of;
use crate::kernels::matmul::{Dims, Left, Output, Right, matmul};
use crate::kernels::{extent, groups, largest, layer_end, nibble, product, rows_end};

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
    twin twin
}

pub(super) fn twin(p: &Params, x: &[f32], dy: &[f32], grads: &mut [f32]) {
    let [batch, in_dim, out_dim] = [p.batch, p.in_dim, p.out_dim].map(|d| d as usize);
    let [x_stride, dy_stride] = [p.x_stride, p.dy_stride].map(|d| d as usize);
    let slots = p.agents as usize * p.grad_slots as usize;
    let work = slots * batch * in_dim * out_dim;
    let mut dw = Vec::with_capacity(slots);
    for (index, grads) in grads.chunks_mut(p.net_params as usize).take(slots).enumerate() {
        let layer = &mut grads[p.weight_offset as usize..][..(in_dim + 1) * out_dim];
        let (weights, db) = layer.split_at_mut(in_dim * out_dim);
        let dy = &dy[index * batch * dy_stride..][..batch * dy_stride];
        add_rows(dy.chunks_exact(dy_stride).map(|dy| &dy[p.dy_offset as usize..][..out_dim]), db);
        dw.push(weights);
    }
    for_each_block_of(dw, out_dim, work, |index, first, dw| {
        let (agent, slot) = (index / p.grad_slots as usize, index % p.grad_slots as usize);
        let x_slot = nibble(p.slot_x, slot);
        let x = &x[(agent * p.x_slots as usize + x_slot) * batch * x_stride..][..batch * x_stride];
        let dy = &dy[index * batch * dy_stride..][..batch * dy_stride];
        let dims = Dims { rows: dw.len() / out_dim, columns: out_dim, depth: batch };
        let left = Left { values: &x[p.x_offset as usize + first..], row_stride: 1, k_stride: x_stride };
        let right = Right { values: &dy[p.dy_offset as usize..], row_stride: dy_stride, column_stride: 1 };
        matmul(left, right, Output { values: dw, stride: out_dim }, dims, |_, _| {});
    });
}

/// `sum` of `rows`, in their order.
fn add_rows<'a>(rows: impl Iterator<Item = &'a [f32]>, sum: &mut [f32]) {
    Arch::new().dispatch(|| {
        sum.fill(0.0);
        for row in rows {
            for (sum, value) in sum.iter_mut().zip(row) {
                *sum += value;
            }
        }
    });
}
