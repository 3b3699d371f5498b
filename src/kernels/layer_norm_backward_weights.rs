//! Gradient of layer normalisation for its scale and shift. Twin of `shaders/layer_norm_backward_weights.wgsl`.

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
    /// `dgamma = sum dy xhat`, `dbeta = sum dy`.
    layer_norm_backward_weights, params Params, workgroup 64,
    bindings { read dy: f32, read x: f32, read moments: f32, write grads: f32 }
    sizes |p, _| {
        let rows = product(&[p.agents, p.slots, p.batch]);
        vec![
            product(&[p.agents, p.grad_slots, p.batch, p.width]),
            rows * u64::from(p.width), 2 * rows,
            product(&[p.agents, p.grad_slots, p.net_params]),
        ]
    };
    grid |p| [groups(u64::from(p.width), 64), u64::from(p.grad_slots), u64::from(p.agents)];
    loops |p, _| u64::from(p.batch);
    work |p| {
        let (nets, width) = (product(&[p.agents, p.grad_slots]), u64::from(p.width));
        let rows = nets * u64::from(p.batch);
        Work { operations: 5 * rows * width, words: rows * (2 * width + 2) + 2 * nets * width }
    };
    twin twin
}

fn twin(p: &Params, dy: &[f32], x: &[f32], moments: &[f32], grads: &mut [f32]) {
    let [batch, width, slots, grad_slots] = [p.batch, p.width, p.slots, p.grad_slots].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        for slot in 0..grad_slots {
            let net = agent * grad_slots + slot;
            let layer = &mut grads[net * p.net_params as usize + p.weight_offset as usize..][..2 * width];
            let (scale, shift) = layer.split_at_mut(width);
            scale.fill(0.0);
            shift.fill(0.0);
            for b in 0..batch {
                let row = (agent * slots + slot) * batch + b;
                let x = &x[row * width..][..width];
                let dy = &dy[(net * batch + b) * width..][..width];
                for k in 0..width {
                    let normal = (x[k] - moments[2 * row]) * moments[2 * row + 1];
                    scale[k] += dy[k] * normal;
                    shift[k] += dy[k];
                }
            }
        }
    }
}
