//! Regression target of soft Q-learning from one network, with a value transform. Twin of `shaders/soft_q_backup.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::agent::Agent;
use crate::shared::math::{expm1_f32, log_f32};
use crate::shared::policy::softmax_of;

gpu_struct! {
    /// Sizes, places and forms.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Actions.
        pub actions: u32,
        /// Slots of `q`.
        pub slots: u32,
        /// Slot of `Q'(s', .)`, or of its first action.
        pub target_slot: u32,
        /// 1: every action has a slot of its own.
        pub action_slots: u32,
        /// Columns of `q`.
        pub q_stride: u32,
        /// First column of this head.
        pub q_offset: u32,
        /// 0: none. 1: signed logarithm.
        pub transform: u32,
        /// 1 subtracts `alpha ln|A|`.
        pub kl: u32,
        /// Heads.
        pub heads: u32,
        /// This head.
        pub head: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `y = f(R + discount f^-1(alpha logsumexp(Q' / alpha)))`.
    soft_q_backup, params Params, workgroup 64,
    bindings {
        read agents: Agent, read q: f32, read rewards: f32, read discounts: f32,
        write targets: f32, write entropies: f32, write values: f32,
    }
    sizes |p, _| {
        let rows = product(&[p.agents, p.batch]);
        let out = rows * u64::from(p.heads);
        let (last, width) = match p.action_slots {
            1 => (p.target_slot.saturating_add(p.actions.saturating_sub(1)), 1),
            _ => (p.target_slot, p.actions),
        };
        let end = rows_end(p.batch, p.q_stride, p.q_offset, width);
        let q = extent(p.agents, p.slots, product(&[p.batch, p.q_stride]), last, end);
        vec![u64::from(p.agents), q, rows, rows, out, out, out]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |p, _| 2 * u64::from(p.actions);
    twin twin
}

fn transformed(transform: u32, x: f32) -> f32 {
    if transform == 0 {
        return x;
    }
    let magnitude = log_f32(1.0 + x.abs());
    if x < 0.0 { -magnitude } else { magnitude }
}

fn restored(transform: u32, x: f32) -> f32 {
    if transform == 0 {
        return x;
    }
    let magnitude = expm1_f32(x.abs());
    if x < 0.0 { -magnitude } else { magnitude }
}

fn twin(
    p: &Params,
    agents: &[Agent],
    q: &[f32],
    rewards: &[f32],
    discounts: &[f32],
    targets: &mut [f32],
    entropies: &mut [f32],
    values: &mut [f32],
) {
    let [batch, actions, heads] = [p.batch, p.actions, p.heads].map(|d| d as usize);
    let [slots, target, q_stride, q_offset] =
        [p.slots, p.target_slot, p.q_stride, p.q_offset].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        let alpha = agents[agent].alpha;
        for b in 0..batch {
            let row = agent * batch + b;
            let out = row * heads + p.head as usize;
            let q_value = |action: usize| {
                let (slot, column) = if p.action_slots == 1 { (action, 0) } else { (0, action) };
                q[((agent * slots + target + slot) * batch + b) * q_stride + q_offset + column]
            };
            let pi = softmax_of(q_value, actions, alpha);
            let mut value = pi.top + alpha * pi.log_sum;
            if p.kl == 1 {
                value -= alpha * log_f32(p.actions as f32);
            }
            targets[out] =
                transformed(p.transform, rewards[row] + discounts[row] * restored(p.transform, value));
            entropies[out] = pi.entropy;
            values[out] = value;
        }
    }
}
