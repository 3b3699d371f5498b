//! Observations with noise behind them. Twin of `shaders/noisy_inputs.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::agent::{Agent, Lane};
use crate::shared::normal::normal;
use crate::shared::rng::Rng;

gpu_struct! {
    /// Sizes; see the shader's header.
    pub struct Params {
        /// Observations per agent.
        pub rows: u32,
        /// Rows of inputs per observation.
        pub particles: u32,
        /// Elements of an observation.
        pub obs_size: u32,
        /// Elements of noise.
        pub dims: u32,
        /// Slots per agent in `x`.
        pub x_slots: u32,
        /// The slot that is read.
        pub x_slot: u32,
        /// Columns of `x`.
        pub x_stride: u32,
        /// 1: uniform in [-1, 1], 0: standard normal.
        pub uniform: u32,
        /// 1: by the steps of the lanes, 0: by the agent's updates.
        pub by_lane: u32,
        /// Lanes per agent.
        pub num_lanes: u32,
        /// Random stream.
        pub stream: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `(x, noise)`
    noisy_inputs, params Params, workgroup 64,
    bindings { read agents: Agent, read lanes: Lane, read x: f32, write inputs: f32 }
    sizes |p, _| {
        let rows = product(&[p.rows, p.x_stride]);
        let end = rows_end(p.rows, p.x_stride, 0, p.obs_size);
        let lanes = p.num_lanes.max(p.by_lane * p.rows);
        vec![
            u64::from(p.agents),
            product(&[p.agents, lanes]),
            extent(p.agents, p.x_slots, rows, p.x_slot, end),
            product(&[p.agents, p.rows, p.particles]) * (u64::from(p.obs_size) + u64::from(p.dims)),
        ]
    };
    grid |p| [groups(product(&[p.rows, p.particles]), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.obs_size) + u64::from(p.dims);
    twin twin
}

fn twin(p: &Params, agents: &[Agent], lanes: &[Lane], x: &[f32], inputs: &mut [f32]) {
    let [rows, particles, obs_size, dims, stride] =
        [p.rows, p.particles, p.obs_size, p.dims, p.x_stride].map(|size| size as usize);
    for agent in 0..p.agents as usize {
        for at in 0..rows * particles {
            let row = at / particles;
            let source = ((agent * p.x_slots as usize + p.x_slot as usize) * rows + row) * stride;
            let to = &mut inputs[(agent * rows * particles + at) * (obs_size + dims)..][..obs_size + dims];
            to[..obs_size].copy_from_slice(&x[source..][..obs_size]);
            let step = match p.by_lane {
                1 => lanes[agent * p.num_lanes as usize + row].step,
                _ => agents[agent].updates,
            };
            let mut rng = Rng::new(agents[agent].seed, p.stream, step, at as u32);
            for noise in &mut to[obs_size..] {
                *noise = if p.uniform == 1 { rng.range(-1.0, 1.0) } else { normal(&mut rng) };
            }
        }
    }
}
