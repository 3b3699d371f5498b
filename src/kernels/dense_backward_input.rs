//! Gradient of a dense layer for its input: `dx = (dy W^T) * act'(x)`. Twin of `shaders/dense_backward_input.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::blocks::for_each_block;
use crate::kernels::matmul::{Dims, Left, Output, Right, matmul};
use crate::kernels::{extent, groups, layer_end, product, rows_end};

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
    twin twin
}

/// Slope of the activation whose output is `output`.
pub(super) fn slope(activation: u32, output: f32) -> f32 {
    match activation {
        1 => f32::from(u8::from(output > 0.0)),
        2 => 1.0 - output * output,
        _ => 1.0,
    }
}

/// Multiplies one row of gradients with the slopes of the activation whose outputs are `x`.
#[inline(always)]
fn finish(activation: u32, x: &[f32], dx: &mut [f32]) {
    let pairs = dx.iter_mut().zip(x);
    match activation {
        1 => pairs.for_each(|(dx, x)| *dx *= f32::from(u8::from(*x > 0.0))),
        2 => pairs.for_each(|(dx, x)| *dx *= 1.0 - x * x),
        _ => {}
    }
}

pub(super) fn twin(p: &Params, dy: &[f32], weights: &[f32], x: &[f32], dx: &mut [f32]) {
    let [batch, in_dim, out_dim] = [p.batch, p.in_dim, p.out_dim].map(|d| d as usize);
    let [dy_stride, x_stride] = [p.dy_stride, p.x_stride].map(|d| d as usize);
    let slots = p.agents as usize * p.grad_slots as usize;
    let work = slots * batch * in_dim * out_dim;
    for_each_block(&mut dx[..slots * batch * x_stride], slots, x_stride, work, |index, first, dx| {
        let (agent, slot) = (index / p.grad_slots as usize, index % p.grad_slots as usize);
        let dy = &dy[(index * batch + first) * dy_stride..];
        let x = &x[((agent * p.x_slots as usize + slot) * batch + first) * x_stride..];
        let layer = (agent * p.nets as usize + slot) * p.net_params as usize + p.weight_offset as usize;
        let w = &weights[layer..][..in_dim * out_dim];
        let dims = Dims { rows: dx.len() / x_stride, columns: in_dim, depth: out_dim };
        let left = Left { values: &dy[p.dy_offset as usize..], row_stride: dy_stride, k_stride: 1 };
        // W^T: inputs side by side, while outputs are summed in ascending order.
        let right = Right { values: w, row_stride: 1, column_stride: out_dim };
        let output = Output { values: &mut dx[p.x_offset as usize..], stride: x_stride };
        matmul(left, right, output, dims, |row, dx| {
            finish(p.activation, &x[row * x_stride + p.x_offset as usize..], dx);
        });
    });
}
