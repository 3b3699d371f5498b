//! Gradient of a convolution for its input. Twin of `shaders/conv2d_backward_input.wgsl`.

use crate::engine::kernel::Work;
use crate::kernel;
use crate::kernels::conv2d_forward::Params;
use crate::kernels::dense_backward_input::slope;
use crate::kernels::matmul::convolution::backward_input;
use crate::kernels::{Activation, groups, product};

kernel! {
    /// `dx = (sum over windows of dy W^T) * act'(x)` over agents and nets.
    conv2d_backward_input, params Params, workgroup 64,
    bindings { read dy: f32, read weights: f32, read x: f32, write dx: f32 }
    sizes |p, _| vec![
        p.outputs_end(),
        p.parameters_end(p.nets, p.slots.saturating_sub(1)),
        p.inputs_end(p.x_slots, p.slots.saturating_sub(1)),
        p.inputs_end(p.slots, p.slots.saturating_sub(1)),
    ];
    grid |p| match p.fits() {
        true => [
            groups(product(&[p.batch, p.height, p.width, p.channels.div_ceil(4)]), 64),
            p.slots.into(),
            p.agents.into(),
        ],
        false => [0; 3],
    };
    // Windows that have a cell, with the sum over filters of each, then up to 4 stores.
    loops |p, _| {
        let rows = p.kernel_height.div_ceil(p.stride_y.max(1)).min(p.out_height);
        let columns = p.kernel_width.div_ceil(p.stride_x.max(1)).min(p.out_width);
        product(&[rows, columns, p.filters.saturating_add(1)]).saturating_add(u64::from(rows) + 4)
    };
    // Windows of each cell: a sum over filters, which is added to the others; then the activation's slope.
    work |p| {
        let images = product(&[p.agents, p.slots, p.batch]);
        let cells = images * p.input() as u64;
        let windows = images * u64::from(p.channels) * p.cells_in_windows();
        let slope = 1 + 2 * u64::from(p.activation == Activation::Tanh as u32);
        Work {
            operations: windows * (2 * u64::from(p.filters) + 1) + cells * slope,
            words: p.outputs_end() + product(&[p.agents, p.slots]) * (p.depth() as u64) * u64::from(p.filters) + 2 * cells,
        }
    };
    twin backward_input
}

/// The shader's sums, one input after the other: what `matmul/convolution.rs` gives faster.
pub fn twin(p: &Params, dy: &[f32], weights: &[f32], x: &[f32], dx: &mut [f32]) {
    let [batch, slots, filters, channels] = [p.batch, p.slots, p.filters, p.channels].map(|d| d as usize);
    let (positions, taps) = (p.positions(), p.depth() / channels);
    let images = p.agents as usize * slots * batch;
    for (image, dx) in dx.chunks_exact_mut(p.input()).take(images).enumerate() {
        let (row, slot, agent) = (image % batch, image / batch % slots, image / batch / slots);
        let w = (agent * p.nets as usize + slot) * p.net_params as usize + p.weight_offset as usize;
        dx.fill(0.0);
        for place in 0..positions {
            let dy = &dy[(image * positions + place) * filters..][..filters];
            for tap in 0..taps {
                let Some(cell) = p.cell(place, tap) else { continue };
                for c in 0..channels {
                    let weights = &weights[w + (tap * channels + c) * filters..][..filters];
                    let mut sum = 0.0;
                    for (dy, weight) in dy.iter().zip(weights) {
                        sum += dy * weight;
                    }
                    dx[cell + c] += sum;
                }
            }
        }
        let x_row = (agent * p.x_slots as usize + slot) * batch + row;
        for (dx, x) in dx.iter_mut().zip(&x[x_row * p.input()..]) {
            *dx *= slope(p.activation, *x);
        }
    }
}
