//! Soft value of the next state and the regression target. Twin of `shaders/soft_backup.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::agent::Agent;
use crate::shared::math::log_f32;
use crate::shared::policy::{BISECTIONS, argmax_of, softmax_of, temperature_of};
use crate::shared::rng::{Rng, STREAM_BACKUP};

gpu_struct! {
    /// Sizes and the backup; see the shader's header.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Actions.
        pub actions: u32,
        /// Slots of `q`.
        pub slots: u32,
        /// 0 clipped_lse, 1 online_policy, 2 sampled, 3 max.
        pub backup: u32,
        /// 1 subtracts `alpha ln|A|`.
        pub kl: u32,
        /// 1: `sampled` takes its action from `values` instead of drawing it.
        pub given_actions: u32,
        /// Slot of `Q'_2`: 3, or 2 to use `Q'_1` alone.
        pub target_2: u32,
        /// 1: the mean of the twins in place of their minimum.
        pub mean: u32,
        /// 1: `alpha H` is part of the value.
        pub entropy: u32,
        /// 1: `sampled` takes alpha from the state.
        pub per_state: u32,
        /// Columns of `q`.
        pub q_stride: u32,
        /// First column of this head.
        pub q_offset: u32,
        /// Heads.
        pub heads: u32,
        /// This head.
        pub head: u32,
        /// Base of the random streams.
        pub stream: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `y = rewards + discounts * V(s')`.
    soft_backup, params Params, workgroup 64,
    bindings {
        read agents: Agent, read q: f32, read rewards: f32, read discounts: f32,
        write targets: f32, write entropies: f32, write values: f32,
    }
    sizes |p, _| {
        let agents = u64::from(p.agents);
        let rows = product(&[p.agents, p.batch]);
        let out = rows * u64::from(p.heads);
        vec![agents, extent(
            p.agents,
            p.slots,
            product(&[p.batch, p.q_stride]),
            // Q_1(s') is the fifth slot, where the backup needs it.
            p.target_2.max(if p.backup % 2 == 1 { 4 } else { 3 }),
            rows_end(p.batch, p.q_stride, p.q_offset, p.actions),
        ), rows, rows, out, out, out]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |p, _| {
        let halvings = u64::from(p.per_state * BISECTIONS);
        (5 + 2 * halvings) * u64::from(p.actions) + halvings
    };
    twin twin
}

const TARGET_1: usize = 2;
const ONLINE_1: usize = 4;

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
    let [batch, actions, slots] = [p.batch, p.actions, p.slots].map(|d| d as usize);
    let [q_stride, q_offset] = [p.q_stride, p.q_offset].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        for b in 0..batch {
            let row = agent * batch + b;
            let out = row * p.heads as usize + p.head as usize;
            let slot_value =
                |slot: usize, a: usize| q[((agent * slots + slot) * batch + b) * q_stride + q_offset + a];
            let target_1 = |a| slot_value(TARGET_1, a);
            let target_2 = |a| slot_value(p.target_2 as usize, a);
            let joined = |a: f32, b: f32| if p.mean == 1 { 0.5 * (a + b) } else { a.min(b) };
            let target_joined = |a| joined(target_1(a), target_2(a));
            let alpha = match p.per_state {
                1 => temperature_of(target_1, actions, agents[agent].target_entropy),
                _ => agents[agent].alpha,
            };
            let bonus = if p.entropy == 1 { alpha } else { 0.0 };
            let online_1 = |a| slot_value(ONLINE_1, a);
            let (mut value, entropy) = match p.backup {
                0 => {
                    let pi = softmax_of(target_joined, actions, alpha);
                    let mut gain = 0.0;
                    if p.entropy == 0 {
                        for a in 0..actions {
                            let q = target_joined(a);
                            gain += pi.probability(q, alpha) * (q - pi.top);
                        }
                    }
                    let soft = pi.top + alpha * pi.log_sum;
                    (if p.entropy == 0 { pi.top + gain } else { soft }, pi.entropy)
                }
                1 => {
                    let pi = softmax_of(online_1, actions, alpha);
                    let mut expected_1 = 0.0;
                    let mut expected_2 = 0.0;
                    for a in 0..actions {
                        let share = pi.probability(online_1(a), alpha);
                        expected_1 += share * target_1(a);
                        expected_2 += share * target_2(a);
                    }
                    (joined(expected_1, expected_2) + bonus * pi.entropy, pi.entropy)
                }
                2 => {
                    let pi = softmax_of(target_1, actions, alpha);
                    let mut rng = Rng::new(
                        agents[agent].seed,
                        p.stream + STREAM_BACKUP,
                        agents[agent].updates,
                        p.head * p.batch + b as u32,
                    );
                    let mut action = pi.sample(target_1, actions, alpha, rng.uniform());
                    if p.given_actions == 1 {
                        action = (values[out] as usize).min(actions - 1);
                    }
                    let entropy = -pi.log_probability(target_1(action), alpha);
                    (target_joined(action) + bonus * entropy, entropy)
                }
                _ => {
                    let pi = softmax_of(online_1, actions, alpha);
                    let max_1 = target_1(argmax_of(target_1, actions));
                    let max_2 = target_2(argmax_of(target_2, actions));
                    (joined(max_1, max_2) + bonus * pi.entropy, pi.entropy)
                }
            };
            if p.kl == 1 {
                value -= alpha * log_f32(p.actions as f32);
            }
            targets[out] = rewards[row] + discounts[row] * value;
            entropies[out] = entropy;
            values[out] = value;
        }
    }
}
