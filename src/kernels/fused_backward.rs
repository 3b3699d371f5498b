//! Gradients of all tensors of a perceptron but the observation, the layers of
//! [`dense_backward_input`](super::dense_backward_input) in one dispatch. Twin of `shaders/fused_backward.wgsl`.

use crate::engine::kernel::Work;
use crate::kernel;
use crate::kernels::fused_forward::{GROUP_ROWS, Params, keep};
use crate::kernels::matmul::{Dims, Finish, Left, Output, Right, matmul};
use crate::kernels::{Activation, groups, product};

kernel! {
    /// The gradient before every tensor's activation, from that of the action values.
    fused_backward, params Params, workgroup 64,
    bindings { read dq: f32, read weights: f32, read tape: f32, write gradient: f32 }
    sizes |p, _| match p.fits() {
        true => vec![
            p.rows(p.slots, p.widths()[p.layers as usize]),
            p.weights(p.slots.saturating_sub(1)),
            p.rows(p.tape_slots, p.tape_width()),
            p.rows(p.slots, p.gradient_width()),
        ],
        false => vec![0; 4],
    };
    grid |p| match p.fits() && p.slots <= p.tape_slots && p.slots <= p.nets {
        true => [groups(p.batch.into(), GROUP_ROWS.into()), p.slots.into(), p.agents.into()],
        false => [0; 3],
    };
    loops |p, _| if p.fits() { p.loops() } else { 0 };
    // The observation has no gradient.
    work |p| {
        let rows = product(&[p.agents, p.slots, p.batch]);
        let slope = 1 + 2 * u64::from(p.activation == Activation::Tanh as u32);
        let (mut operations, mut weights) = (0, 0);
        for (input, output) in p.layers_between().skip(1) {
            operations += rows * input * (2 * output + slope);
            weights += input * output;
        }
        let outputs = p.layers_between().last().map_or(0, |(_, output)| output);
        let kept = (p.tape_width() - p.tape_place(1)) as u64;
        let words = rows * (outputs + kept)
            + product(&[p.agents, p.slots]) * weights
            + p.rows(p.slots, p.gradient_width());
        Work { operations, words }
    };
    twin twin
}

fn twin(p: &Params, dq: &[f32], weights: &[f32], tape: &[f32], gradient: &mut [f32]) {
    let [batch, slots, tape_slots] = [p.batch, p.slots, p.tape_slots].map(|d| d as usize);
    let widths = p.widths();
    let layers = widths.len() - 1;
    for index in 0..p.agents as usize * slots {
        let (agent, slot) = (index / slots, index % slots);
        let rows = index * batch;
        let tape_rows = (agent * tape_slots + slot) * batch;
        let mut tensor = dq[rows * widths[layers]..][..batch * widths[layers]].to_vec();
        keep(gradient, rows, p.gradient_width(), p.gradient_place(layers), &tensor, widths[layers]);
        for layer in (1..layers).rev() {
            let [inputs, outputs] = [widths[layer], widths[layer + 1]];
            let (w, _) = p.layer(weights, agent * p.nets as usize + slot, layer);
            let mut dx = vec![0.0; batch * inputs];
            let left = Left { values: &tensor, row_stride: outputs, k_stride: 1 };
            // W transposed.
            let right = Right { values: w, row_stride: 1, column_stride: outputs };
            let output = Output { values: &mut dx, stride: inputs };
            let dims = Dims { rows: batch, columns: inputs, depth: outputs };
            let x = &tape[tape_rows * p.tape_width() + p.tape_place(layer)..];
            let slopes = Finish::Slopes { activation: p.activation, x, stride: p.tape_width() };
            matmul(left, right, output, dims, slopes);
            tensor = dx;
            keep(gradient, rows, p.gradient_width(), p.gradient_place(layer), &tensor, inputs);
        }
    }
}
