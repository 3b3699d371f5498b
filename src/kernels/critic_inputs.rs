//! What critics of a state and an action see. Twin of `shaders/critic_inputs.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product};

gpu_struct! {
    /// Sizes; see the shader's header.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Elements of an observation.
        pub obs_size: u32,
        /// Dimensions of an action.
        pub dims: u32,
        /// States per row in `obs`, at least 2.
        pub obs_slots: u32,
        /// Agents.
        pub agents: u32,
    }
}

/// Inputs per row: the stored action, the one drawn at `s'`, the one drawn at `s`.
pub const INPUTS: u32 = 3;

kernel! {
    /// `(s, a)`, `(s', .)`, `(s, .)`
    critic_inputs, params Params, workgroup 64,
    bindings { read obs: f32, read actions: u32, read spaces: f32, write inputs: f32 }
    sizes |p, _| {
        let (rows, width) = (product(&[p.agents, p.batch]), u64::from(p.obs_size) + u64::from(p.dims));
        let state = product(&[p.batch, p.obs_size]);
        vec![
            extent(p.agents, p.obs_slots, state, 1, state),
            rows * u64::from(p.dims),
            product(&[p.agents, 4, p.dims]),
            rows * u64::from(INPUTS) * width,
        ]
    };
    grid |p| {
        let width = u64::from(p.obs_size) + u64::from(p.dims);
        [groups(u64::from(p.batch) * width, 64), u64::from(INPUTS), u64::from(p.agents)]
    };
    loops |_, _| 0;
    twin twin
}

fn twin(p: &Params, obs: &[f32], actions: &[u32], spaces: &[f32], inputs: &mut [f32]) {
    let [batch, obs_size, dims, obs_slots] = [p.batch, p.obs_size, p.dims, p.obs_slots].map(|d| d as usize);
    let width = obs_size + dims;
    for agent in 0..p.agents as usize {
        let space = &spaces[agent * 4 * dims..][..4 * dims];
        for input in 0..INPUTS as usize {
            let state = usize::from(input == 1);
            for b in 0..batch {
                let to = &mut inputs[((agent * INPUTS as usize + input) * batch + b) * width..][..width];
                let from = ((agent * obs_slots + state) * batch + b) * obs_size;
                to[..obs_size].copy_from_slice(&obs[from..][..obs_size]);
                if input == 0 {
                    let taken = &actions[(agent * batch + b) * dims..][..dims];
                    for (i, word) in taken.iter().enumerate() {
                        to[obs_size + i] =
                            (f32::from_bits(*word) - space[3 * dims + i]) / space[2 * dims + i];
                    }
                }
            }
        }
    }
}
