//! Gradient of a convolution for its weights and bias. Twin of `shaders/conv2d_backward_weights.wgsl`.

use crate::kernel;
use crate::kernels::conv2d_forward::Params;
use crate::kernels::matmul::convolution::backward_weights;
use crate::kernels::{distinct, largest, nibble, product, tree_sum};

/// Invocations that share the positions of a batch.
pub(super) const SHARES: usize = 64;

kernel! {
    /// `dW = window^T dy` and `db = sum dy`, over batch and positions, for agents and nets.
    conv2d_backward_weights, params Params, workgroup 64,
    bindings { read x: f32, read dy: f32, write grads: f32 }
    sizes |p, _| vec![
        p.inputs_end(p.x_slots, largest(p.slot_x, p.slots)),
        p.outputs_end(),
        p.parameters_end(p.slots, p.slots.saturating_sub(1)),
    ];
    grid |p| match p.fits() {
        true => [
            (product(&[p.kernel_height, p.kernel_width, p.channels]) + 1).div_ceil(4)
                * u64::from(p.filters.div_ceil(4)),
            p.slots.into(),
            p.agents.into(),
        ],
        false => [0; 3],
    };
    // An invocation's share of the positions, the tree, then up to 4 stores.
    loops |p, _| product(&[p.batch, p.out_height, p.out_width]).div_ceil(SHARES as u64) + 6 + 4;
    work |p| p.work(distinct(p.slot_x, p.slots), p.slots);
    twin backward_weights
}

/// The shader's sums, one weight after the other: what `matmul/convolution.rs` gives faster.
pub fn twin(p: &Params, x: &[f32], dy: &[f32], grads: &mut [f32]) {
    let [batch, slots, filters, channels] = [p.batch, p.slots, p.filters, p.channels].map(|d| d as usize);
    let (positions, depth) = (p.positions(), p.depth());
    let rows = batch * positions;
    for index in 0..p.agents as usize * slots {
        let (agent, slot) = (index / slots, index % slots);
        let x_row = (agent * p.x_slots as usize + nibble(p.slot_x, slot)) * batch;
        let base = index * p.net_params as usize + p.weight_offset as usize;
        // The bias is the row behind the last weight's, whose input is 1.
        for k in 0..=depth {
            for j in 0..filters {
                let mut partial = [0.0; SHARES];
                for row in 0..rows {
                    let x = &x[(x_row + row / positions) * p.input()..];
                    let input = match p.cell(row % positions, k / channels) {
                        _ if k == depth => 1.0,
                        Some(cell) => x[cell + k % channels],
                        None => 0.0,
                    };
                    partial[row % SHARES] += input * dy[(index * rows + row) * filters + j];
                }
                grads[base + k * filters + j] = tree_sum(&mut partial);
            }
        }
    }
}
