//! Munchausen DQN's target. Twin of `shaders/munchausen_backup.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::agent::Agent;
use crate::shared::policy::softmax_of;

/// Slot of `Q'(s')`.
pub const NEXT: u32 = 1;
/// Slot of `Q'(s)`.
pub const CURRENT: u32 = 2;

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Actions.
        pub actions: u32,
        /// Slots of `q`, at least 3.
        pub slots: u32,
        /// Columns of `q`.
        pub q_stride: u32,
        /// First column of this head.
        pub q_offset: u32,
        /// Heads.
        pub heads: u32,
        /// This head.
        pub head: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `y = rewards + m clip(alpha ln pi(a|s), l0, 0) + discounts * V(s')`.
    munchausen_backup, params Params, workgroup 64,
    bindings {
        read agents: Agent, read q: f32, read actions: u32, read rewards: f32, read discounts: f32,
        write targets: f32, write entropies: f32,
    }
    sizes |p, _| {
        let rows = product(&[p.agents, p.batch]);
        let out = rows * u64::from(p.heads);
        vec![u64::from(p.agents), extent(
            p.agents,
            p.slots,
            product(&[p.batch, p.q_stride]),
            CURRENT,
            rows_end(p.batch, p.q_stride, p.q_offset, p.actions),
        ), out, rows, rows, out, out]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |p, _| 4 * u64::from(p.actions);
    twin twin
}

fn twin(
    p: &Params,
    agents: &[Agent],
    q: &[f32],
    actions: &[u32],
    rewards: &[f32],
    discounts: &[f32],
    targets: &mut [f32],
    entropies: &mut [f32],
) {
    let [batch, num_actions, slots] = [p.batch, p.actions, p.slots].map(|d| d as usize);
    let [q_stride, q_offset] = [p.q_stride, p.q_offset].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        let h = &agents[agent];
        let alpha = h.alpha;
        for b in 0..batch {
            let q_value = |slot: u32, a: usize| {
                q[((agent * slots + slot as usize) * batch + b) * q_stride + q_offset + a]
            };
            let row = agent * batch + b;
            let out = row * p.heads as usize + p.head as usize;
            let action = actions[out].min(p.actions - 1) as usize;
            let here = softmax_of(|a| q_value(CURRENT, a), num_actions, alpha);
            let surprise = alpha * here.log_probability(q_value(CURRENT, action), alpha);
            let bonus = h.munchausen_scale * surprise.max(h.munchausen_clip).min(0.0);
            let next = softmax_of(|a| q_value(NEXT, a), num_actions, alpha);
            let value = next.top + alpha * next.log_sum;
            targets[out] = (rewards[row] + bonus) + discounts[row] * value;
            entropies[out] = next.entropy;
        }
    }
}
