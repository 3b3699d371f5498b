//! Layer normalisation of each row, then the activation. Twin of `shaders/layer_norm.wgsl`.

use crate::engine::kernel::Work;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::dense_forward::activate;
use crate::kernels::{distinct, groups, nibble, product};

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
        /// Evaluations per agent.
        pub slots: u32,
        /// Net of each slot, 4 bits each.
        pub slot_net: u32,
        /// `Activation` as a number.
        pub activation: u32,
        /// Added to the variance.
        pub eps: f32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `y = act(gamma (x - mean) / sqrt(var + eps) + beta)`.
    layer_norm, params Params, workgroup 64,
    bindings { read x: f32, read weights: f32, write y: f32, write moments: f32 }
    sizes |p, _| {
        let rows = product(&[p.agents, p.slots, p.batch]);
        let elements = rows * u64::from(p.width);
        vec![elements, product(&[p.agents, p.nets, p.net_params]), elements, 2 * rows]
    };
    grid |p| [groups(u64::from(p.batch), 64), u64::from(p.slots), u64::from(p.agents)];
    loops |p, _| 3 * u64::from(p.width);
    work |p| {
        let (rows, width) = (product(&[p.agents, p.slots, p.batch]), u64::from(p.width));
        let nets = product(&[p.agents, distinct(p.slot_net, p.slots)]);
        Work { operations: rows * (8 * width + 5), words: 2 * rows * (width + 1) + 2 * nets * width }
    };
    twin twin
}

fn twin(p: &Params, x: &[f32], weights: &[f32], y: &mut [f32], moments: &mut [f32]) {
    let [batch, width, slots] = [p.batch, p.width, p.slots].map(|d| d as usize);
    for row in 0..p.agents as usize * slots * batch {
        let (agent, slot) = (row / batch / slots, row / batch % slots);
        let x = &x[row * width..][..width];
        let mut sum = 0.0;
        for x in x {
            sum += x;
        }
        let mean = sum / p.width as f32;
        let mut squares = 0.0;
        for x in x {
            let centred = x - mean;
            squares += centred * centred;
        }
        let inverse = 1.0 / (squares / p.width as f32 + p.eps).sqrt();
        moments[2 * row] = mean;
        moments[2 * row + 1] = inverse;
        let net = agent * p.nets as usize + nibble(p.slot_net, slot);
        let layer = &weights[net * p.net_params as usize + p.weight_offset as usize..][..2 * width];
        let (gamma, beta) = layer.split_at(width);
        for k in 0..width {
            y[row * width + k] = activate(p.activation, (x[k] - mean) * inverse * gamma[k] + beta[k]);
        }
    }
}
