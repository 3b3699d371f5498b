//! Entropy of the states between the ends of an n-step window. Twin of `shaders/entropy_bonus.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::agent::Agent;
use crate::shared::math::log_f32;
use crate::shared::policy::softmax_of;

gpu_struct! {
    /// Sizes and slots.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Actions.
        pub actions: u32,
        /// Slots of `q`.
        pub slots: u32,
        /// Slot of the first state between.
        pub first_slot: u32,
        /// States between.
        pub between: u32,
        /// 1 subtracts `ln|A|` from every entropy.
        pub kl: u32,
        /// Columns of `q`.
        pub q_stride: u32,
        /// First column of the head.
        pub q_offset: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `rewards += sum_k gamma^k alpha H(pi(s_{t+k}))`.
    entropy_bonus, params Params, workgroup 64,
    bindings { read agents: Agent, read q: f32, read discounts: f32, write rewards: f32 }
    sizes |p, _| {
        let rows = product(&[p.agents, p.batch]);
        vec![u64::from(p.agents), extent(
            p.agents,
            p.slots,
            product(&[p.batch, p.q_stride]),
            (p.first_slot + p.between).saturating_sub(1),
            rows_end(p.batch, p.q_stride, p.q_offset, p.actions),
        ), rows * u64::from(1 + p.between), rows]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.between) * (2 * u64::from(p.actions) + 1);
    twin twin
}

fn twin(p: &Params, agents: &[Agent], q: &[f32], discounts: &[f32], rewards: &mut [f32]) {
    let [batch, actions, slots] = [p.batch, p.actions, p.slots].map(|d| d as usize);
    let [q_stride, q_offset] = [p.q_stride, p.q_offset].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        let alpha = agents[agent].alpha;
        let baseline = if p.kl == 1 { log_f32(p.actions as f32) } else { 0.0 };
        for b in 0..batch {
            let row = agent * batch + b;
            let mut reward = rewards[row];
            for k in 1..=p.between as usize {
                let slot = p.first_slot as usize + k - 1;
                let q_value = |a: usize| q[((agent * slots + slot) * batch + b) * q_stride + q_offset + a];
                let entropy = softmax_of(q_value, actions, alpha).entropy;
                reward += discounts[k * p.agents as usize * batch + row] * (alpha * (entropy - baseline));
            }
            rewards[row] = reward;
        }
    }
}
