//! Gradient of a dense layer for its input: `dx = (dy W^T) * act'(x)`. Twin of `shaders/dense_backward_input.wgsl`.

use rayon::prelude::*;

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::dense_forward::PARALLEL_WORK;
use crate::kernels::matmul::{Left, Right, matmul};
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

pub(super) fn slope(activation: u32, output: f32) -> f32 {
    match activation {
        1 => f32::from(u8::from(output > 0.0)),
        2 => 1.0 - output * output,
        _ => 1.0,
    }
}

pub(super) fn twin(p: &Params, dy: &[f32], weights: &[f32], x: &[f32], dx: &mut [f32]) {
    let [batch, in_dim, out_dim] = [p.batch, p.in_dim, p.out_dim].map(|d| d as usize);
    let [dy_stride, x_stride] = [p.dy_stride, p.x_stride].map(|d| d as usize);
    let evaluate = |(index, dx): (usize, &mut [f32])| {
        let (agent, slot) = (index / p.grad_slots as usize, index % p.grad_slots as usize);
        let dy = &dy[index * batch * dy_stride..][..batch * dy_stride];
        let x = &x[(agent * p.x_slots as usize + slot) * batch * x_stride..][..batch * x_stride];
        let layer = (agent * p.nets as usize + slot) * p.net_params as usize + p.weight_offset as usize;
        let w = &weights[layer..][..in_dim * out_dim];
        // W transposed once, so that inputs lie side by side while outputs are summed in ascending order.
        let mut transposed = vec![0.0; in_dim * out_dim];
        for (k, row) in w.chunks_exact(out_dim).enumerate() {
            for (j, value) in row.iter().enumerate() {
                transposed[j * in_dim + k] = *value;
            }
        }
        let left = Left { values: &dy[p.dy_offset as usize..], row_stride: dy_stride, k_stride: 1 };
        let right = Right { values: &transposed, stride: in_dim };
        matmul(left, right, &mut dx[p.x_offset as usize..], x_stride, [batch, in_dim, out_dim]);
        for (x, dx) in x.chunks_exact(x_stride).zip(dx.chunks_exact_mut(x_stride)) {
            let x = &x[p.x_offset as usize..][..in_dim];
            let dx = &mut dx[p.x_offset as usize..][..in_dim];
            for (dx, x) in dx.iter_mut().zip(x) {
                *dx *= slope(p.activation, *x);
            }
        }
    };
    let used = p.agents as usize * p.grad_slots as usize * batch * x_stride;
    let slots = dx[..used].chunks_exact_mut(batch * x_stride);
    if product(&[p.batch, p.in_dim, p.out_dim]) >= PARALLEL_WORK {
        slots.collect::<Vec<_>>().into_par_iter().enumerate().for_each(evaluate);
    } else {
        slots.enumerate().for_each(evaluate);
    }
}
