//! Regression targets of a batch from one drawn action of the next state. Twin of `shaders/action_backup.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product};
use crate::shared::agent::Agent;
use crate::shared::target::joined;

gpu_struct! {
    /// Sizes, slots and the form of the value; see the shader's header.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Slots of `q`.
        pub slots: u32,
        /// Slot of `Q'_1(s', a~)`.
        pub target_1: u32,
        /// Slot of `Q'_2(s', a~)`, or that of `Q'_1(s', a~)` to use it alone.
        pub target_2: u32,
        /// Draws per row in memory.
        pub draws: u32,
        /// The draw at `s'`.
        pub draw: u32,
        /// Discounts per row in memory, of which the first is read.
        pub discount_slots: u32,
        /// 1: `-alpha ln pi` is part of the value.
        pub entropy: u32,
        /// 1: the mean of the twins in place of their minimum.
        pub mean: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `y = R + gamma^m (1 - d) (min_i Q'_i(s', a~) - alpha ln pi(a~|s'))`
    action_backup, params Params, workgroup 64,
    bindings {
        read agents: Agent, read q: f32, read log_probs: f32, read rewards: f32, read discounts: f32,
        write targets: f32, write entropies: f32,
    }
    sizes |p, _| {
        let (rows, batch) = (product(&[p.agents, p.batch]), u64::from(p.batch));
        vec![
            u64::from(p.agents),
            extent(p.agents, p.slots, batch, p.target_1.max(p.target_2), batch),
            extent(p.agents, p.draws, batch, p.draw, batch),
            rows,
            rows.saturating_mul(u64::from(p.discount_slots)),
            rows,
            rows,
        ]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |_, _| 0;
    twin twin
}

fn twin(
    p: &Params,
    agents: &[Agent],
    q: &[f32],
    log_probs: &[f32],
    rewards: &[f32],
    discounts: &[f32],
    targets: &mut [f32],
    entropies: &mut [f32],
) {
    for agent in 0..p.agents {
        for b in 0..p.batch {
            let place = |per_agent: u32, slot: u32| ((agent * per_agent + slot) * p.batch + b) as usize;
            let row = (agent * p.batch + b) as usize;
            let log_prob = log_probs[place(p.draws, p.draw)];
            let mut value = joined(p.mean == 1, q[place(p.slots, p.target_1)], q[place(p.slots, p.target_2)]);
            if p.entropy == 1 {
                value -= agents[agent as usize].alpha * log_prob;
            }
            targets[row] = rewards[row] + discounts[place(p.discount_slots, 0)] * value;
            entropies[row] = -log_prob;
        }
    }
}
