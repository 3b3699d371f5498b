//! Inputs of a type 1 network: every observation once per action. Twin of `shaders/append_actions.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, largest, nibble, product};

gpu_struct! {
    /// Sizes and the table of inputs.
    pub struct Params {
        /// Rows per slot.
        pub batch: u32,
        /// Length of an observation.
        pub obs_size: u32,
        /// Actions.
        pub actions: u32,
        /// Slots of `y`.
        pub slots: u32,
        /// Inputs per agent of `x`.
        pub x_slots: u32,
        /// Input of each slot, 4 bits each.
        pub slot_x: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `y(row, a) = (x(row), e_a)`.
    append_actions, params Params, workgroup 64,
    bindings { read x: f32, write y: f32 }
    sizes |p, _| {
        let of_input = product(&[p.batch, p.obs_size]);
        let x = extent(p.agents, p.x_slots, of_input, largest(p.slot_x, p.slots), of_input);
        let pairs = product(&[p.agents, p.slots, p.batch, p.actions]);
        vec![x, pairs.saturating_mul(u64::from(p.obs_size) + u64::from(p.actions))]
    };
    grid |p| [groups(product(&[p.batch, p.actions]), 64), u64::from(p.slots), u64::from(p.agents)];
    loops |p, _| u64::from(p.obs_size) + u64::from(p.actions);
    twin twin
}

fn twin(p: &Params, x: &[f32], y: &mut [f32]) {
    let [batch, obs_size, actions, slots, x_slots] =
        [p.batch, p.obs_size, p.actions, p.slots, p.x_slots].map(|d| d as usize);
    let width = obs_size + actions;
    for agent in 0..p.agents as usize {
        for slot in 0..slots {
            let input = nibble(p.slot_x, slot);
            for pair in 0..batch * actions {
                let (row, action) = (pair / actions, pair % actions);
                let x = &x[((agent * x_slots + input) * batch + row) * obs_size..][..obs_size];
                let y = &mut y[((agent * slots + slot) * batch * actions + pair) * width..][..width];
                y[..obs_size].copy_from_slice(x);
                for a in 0..actions {
                    y[obs_size + a] = if a == action { 1.0 } else { 0.0 };
                }
            }
        }
    }
}
