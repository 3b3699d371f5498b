//! Gradients of all weights and biases of a perceptron, the layers of
//! [`dense_backward_weights`](super::dense_backward_weights) in one dispatch. Twin of `shaders/fused_gradients.wgsl`.

use crate::engine::kernel::Work;
use crate::kernel;
use crate::kernels::fused_forward::Params;
use crate::kernels::matmul::{Dims, Finish, Left, Output, Right, matmul};
use crate::kernels::{TILE, groups, product};

kernel! {
    /// `dW = x^T dy` and `db = sum dy` of every layer.
    fused_gradients, params Params, workgroup 64,
    bindings { read tape: f32, read gradient: f32, write grads: f32 }
    sizes |p, _| match p.fits() {
        true => vec![
            p.rows(p.tape_slots, p.tape_width()),
            p.rows(p.slots, p.gradient_width()),
            u64::from(p.agents) * u64::from(p.slots) * u64::from(p.net_params).max(end(p)),
        ],
        false => vec![0; 3],
    };
    grid |p| match p.fits() && p.slots <= p.tape_slots && end(p) <= p.net_params.into() {
        true => [groups(items(p), 64), p.slots.into(), p.agents.into()],
        false => [0; 3],
    };
    // The layers passed over, their places on the tape, then the batch.
    loops |p, _| u64::from(p.batch) + 64;
    work |p| {
        let rows = product(&[p.agents, p.slots, p.batch]);
        let (mut operations, mut layers) = (0, 0);
        for (input, output) in p.layers_between() {
            operations += rows * output * (2 * input + 1);
            layers += (input + 1) * output;
        }
        let words = rows * (p.tape_width() + p.gradient_width()) as u64 + product(&[p.agents, p.slots]) * layers;
        Work { operations, words }
    };
    twin twin
}

/// End of the last layer's gradients, in whole fours.
fn end(p: &Params) -> u64 {
    let widths = p.widths();
    let ends = (0..widths.len() - 1).map(|layer| p.offset(layer) + (widths[layer] + 1) * widths[layer + 1]);
    ends.max().unwrap_or(0).next_multiple_of(4) as u64
}

/// Tiles of the hidden layers and quads of the last one.
fn items(p: &Params) -> u64 {
    let widths = p.widths();
    let layers = widths.len() - 1;
    let tile = TILE as usize;
    let tiles = |layer: usize| (widths[layer] / tile + 1) * widths[layer + 1].div_ceil(tile);
    let last = ((widths[layers - 1] + 1) * widths[layers]).div_ceil(4);
    ((0..layers - 1).map(tiles).sum::<usize>() + last) as u64
}

fn twin(p: &Params, tape: &[f32], gradient: &[f32], grads: &mut [f32]) {
    let [batch, slots, tape_slots] = [p.batch, p.slots, p.tape_slots].map(|d| d as usize);
    let widths = p.widths();
    let layers = widths.len() - 1;
    let (x_stride, y_stride) = (p.tape_width(), p.gradient_width());
    for index in 0..p.agents as usize * slots {
        let (agent, slot) = (index / slots, index % slots);
        for layer in 0..layers {
            let [inputs, outputs] = [widths[layer], widths[layer + 1]];
            let x = &tape[(agent * tape_slots + slot) * batch * x_stride..][..batch * x_stride];
            let dy = &gradient[index * batch * y_stride..][..batch * y_stride];
            let first = index * p.net_params as usize + p.offset(layer);
            let (dw, db) = grads[first..][..(inputs + 1) * outputs].split_at_mut(inputs * outputs);
            let left = Left { values: &x[p.tape_place(layer)..], row_stride: 1, k_stride: x_stride };
            let right =
                Right { values: &dy[p.gradient_place(layer + 1)..], row_stride: y_stride, column_stride: 1 };
            let dims = Dims { rows: inputs, columns: outputs, depth: batch };
            matmul(left, right, Output { values: dw, stride: outputs }, dims, Finish::Nothing);
            db.fill(0.0);
            for dy in dy.chunks_exact(y_stride) {
                for (db, dy) in db.iter_mut().zip(&dy[p.gradient_place(layer + 1)..][..outputs]) {
                    *db += dy;
                }
            }
            if layer + 1 == layers {
                let elements = (inputs + 1) * outputs;
                grads[first + elements..first + elements.next_multiple_of(4)].fill(0.0);
            }
        }
    }
}
