//! Gradient of layer normalisation for its input. Twin of `shaders/layer_norm_backward_input.wgsl`.

use crate::engine::kernel::Work;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};

gpu_struct! {
    /// Sizes; see the shader's header.
    pub struct Params {
        /// Rows per slot.
        pub batch: u32,
        /// Columns.
        pub width: u32,
        /// Networks per agent in `weights`.
        pub nets: u32,
        /// Parameters per network.
        pub net_params: u32,
        /// Where gamma starts in a network.
        pub weight_offset: u32,
        /// Slots of `x` and `moments`.
        pub slots: u32,
        /// Networks with gradients.
        pub grad_slots: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `dx = (g - mean(g) - xhat mean(g xhat)) / sqrt(var + eps)`, `g = dy gamma`.
    layer_norm_backward_input, params Params, workgroup 64,
    bindings { read dy: f32, read x: f32, read moments: f32, read weights: f32, write dx: f32 }
    sizes |p, _| {
        let rows = product(&[p.agents, p.slots, p.batch]);
        let grads = product(&[p.agents, p.grad_slots, p.batch, p.width]);
        vec![grads, rows * u64::from(p.width), 2 * rows, product(&[p.agents, p.nets, p.net_params]), grads]
    };
    grid |p| [groups(u64::from(p.batch), 64), u64::from(p.grad_slots), u64::from(p.agents)];
    loops |p, _| 2 * u64::from(p.width);
    work |p| {
        let (nets, width) = (product(&[p.agents, p.grad_slots]), u64::from(p.width));
        let rows = nets * u64::from(p.batch);
        Work { operations: rows * (13 * width + 2), words: rows * (3 * width + 2) + nets * width }
    };
    twin twin
}

fn twin(p: &Params, dy: &[f32], x: &[f32], moments: &[f32], weights: &[f32], dx: &mut [f32]) {
    let [batch, width, slots, grad_slots] = [p.batch, p.width, p.slots, p.grad_slots].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        for slot in 0..grad_slots {
            let net = agent * p.nets as usize + slot;
            let gamma = &weights[net * p.net_params as usize + p.weight_offset as usize..][..width];
            for b in 0..batch {
                let row = (agent * slots + slot) * batch + b;
                let at = ((agent * grad_slots + slot) * batch + b) * width;
                let x = &x[row * width..][..width];
                let dy = &dy[at..][..width];
                let (mean, inverse) = (moments[2 * row], moments[2 * row + 1]);
                let mut sum = 0.0;
                let mut weighted = 0.0;
                for k in 0..width {
                    let g = dy[k] * gamma[k];
                    sum += g;
                    weighted += g * ((x[k] - mean) * inverse);
                }
                let mean_g = sum / p.width as f32;
                let mean_weighted = weighted / p.width as f32;
                for k in 0..width {
                    let g = dy[k] * gamma[k];
                    let normal = (x[k] - mean) * inverse;
                    dx[at + k] = inverse * (g - mean_g - normal * mean_weighted);
                }
            }
        }
    }
}
