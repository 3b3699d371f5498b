//! Squashed actions of a sampling network, and what critics see of the fixed ones. Twin of `shaders/svgd_actions.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product};
use crate::shared::math::tanh_f32;

gpu_struct! {
    /// Sizes; see the shader's header.
    pub struct Params {
        /// States per agent.
        pub batch: u32,
        /// Particles at which the density is asked, per state.
        pub fixed: u32,
        /// Particles that move, per state.
        pub updated: u32,
        /// Dimensions of an action.
        pub dims: u32,
        /// Elements of an observation.
        pub obs_size: u32,
        /// Slots per agent in `x`.
        pub x_slots: u32,
        /// The slot that is read.
        pub x_slot: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `a = tanh u`; `(s, a)` of the fixed ones
    svgd_actions, params Params, workgroup 64,
    bindings { read x: f32, read u: f32, write actions: f32, write inputs: f32 }
    sizes |p, _| {
        let width = u64::from(p.obs_size) + u64::from(p.dims);
        let state = u64::from(p.batch) * width;
        let all = product(&[p.agents, p.batch, p.fixed + p.updated, p.dims]);
        let fixed = product(&[p.agents, p.batch, p.fixed]) * width;
        vec![extent(p.agents, p.x_slots, state, p.x_slot, state), all, all, fixed]
    };
    grid |p| [groups(product(&[p.batch, p.fixed + p.updated]), 64), 1, u64::from(p.agents)];
    loops |p, _| 2 * u64::from(p.dims) + u64::from(p.obs_size);
    twin twin
}

fn twin(p: &Params, x: &[f32], u: &[f32], actions: &mut [f32], inputs: &mut [f32]) {
    let [batch, fixed, dims, obs_size] = [p.batch, p.fixed, p.dims, p.obs_size].map(|size| size as usize);
    let particles = fixed + p.updated as usize;
    let width = obs_size + dims;
    for row in 0..p.agents as usize * batch {
        let (agent, b) = (row / batch, row % batch);
        for particle in 0..particles {
            let at = (row * particles + particle) * dims;
            for d in 0..dims {
                actions[at + d] = tanh_f32(u[at + d]);
            }
            if particle < fixed {
                let source = ((agent * p.x_slots as usize + p.x_slot as usize) * batch + b) * width;
                let to = &mut inputs[(row * fixed + particle) * width..][..width];
                to[..obs_size].copy_from_slice(&x[source..][..obs_size]);
                to[obs_size..].copy_from_slice(&actions[at..][..dims]);
            }
        }
    }
}
