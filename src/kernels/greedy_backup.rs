//! The target of Q-learning. Twin of `shaders/greedy_backup.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::policy::argmax_of;

gpu_struct! {
    /// Sizes and slots.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Actions.
        pub actions: u32,
        /// Slots of `q`.
        pub slots: u32,
        /// Slot whose largest value chooses the action.
        pub selector: u32,
        /// Slot that values it.
        pub evaluator: u32,
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
    /// `y = rewards + discounts * Q'(s', argmax Q)`.
    greedy_backup, params Params, workgroup 64,
    bindings { read q: f32, read rewards: f32, read discounts: f32, write targets: f32, write values: f32 }
    sizes |p, _| {
        let rows = product(&[p.agents, p.batch]);
        let out = rows * u64::from(p.heads);
        vec![extent(
            p.agents,
            p.slots,
            product(&[p.batch, p.q_stride]),
            p.selector.max(p.evaluator),
            rows_end(p.batch, p.q_stride, p.q_offset, p.actions),
        ), rows, rows, out, out]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.actions);
    twin twin
}

fn twin(p: &Params, q: &[f32], rewards: &[f32], discounts: &[f32], targets: &mut [f32], values: &mut [f32]) {
    let [batch, actions, slots] = [p.batch, p.actions, p.slots].map(|d| d as usize);
    let [q_stride, q_offset] = [p.q_stride, p.q_offset].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        for b in 0..batch {
            let q_value = |slot: u32, a: usize| {
                q[((agent * slots + slot as usize) * batch + b) * q_stride + q_offset + a]
            };
            let row = agent * batch + b;
            let value = q_value(p.evaluator, argmax_of(|a| q_value(p.selector, a), actions));
            let out = row * p.heads as usize + p.head as usize;
            targets[out] = rewards[row] + discounts[row] * value;
            values[out] = value;
        }
    }
}
