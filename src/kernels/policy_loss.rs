//! The loss of a policy network and its gradient for the network's outputs. Twin of `shaders/policy_loss.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::agent::Agent;
use crate::shared::policy::{argmax_of, softmax_of};
use crate::shared::target::joined;

gpu_struct! {
    /// Sizes, slots and the form of the loss; see the shader's header.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Actions.
        pub actions: u32,
        /// Slots of `policy`, of which the first is the network that learns.
        pub slots: u32,
        /// Slot of the policy that the penalty pulls towards.
        pub old: u32,
        /// Slots of `q`.
        pub q_slots: u32,
        /// Slot of `Q_1(s)`.
        pub q_1: u32,
        /// Slot of `Q_2(s)`, or that of `Q_1(s)` to use it alone.
        pub q_2: u32,
        /// Columns of `policy`, `q` and `dz`.
        pub q_stride: u32,
        /// First column of this head.
        pub q_offset: u32,
        /// Heads.
        pub heads: u32,
        /// This head.
        pub head: u32,
        /// 1: the mean of the twins in place of their minimum.
        pub mean: u32,
        /// Weight of `(H(pi_old) - H(pi))^2 / 2`; 0 leaves `old` alone.
        pub penalty: f32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `sum_a pi (alpha ln pi - min_i Q_i)` and its gradient.
    policy_loss, params Params, workgroup 64,
    bindings {
        read agents: Agent, read policy: f32, read q: f32, read importance: f32,
        write dz: f32, write entropies: f32, write losses: f32,
    }
    sizes |p, _| {
        let rows = product(&[p.agents, p.batch]);
        let out = rows * u64::from(p.heads);
        let values = |slots: u32, last: u32| {
            let end = rows_end(p.batch, p.q_stride, p.q_offset, p.actions);
            extent(p.agents, slots, product(&[p.batch, p.q_stride]), last, end)
        };
        vec![
            u64::from(p.agents),
            values(p.slots, p.old),
            values(p.q_slots, p.q_1.max(p.q_2)),
            rows,
            rows * u64::from(p.q_stride),
            out,
            out,
        ]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.actions) * if p.penalty > 0.0 { 7 } else { 5 };
    twin twin
}

fn twin(
    p: &Params,
    agents: &[Agent],
    policy: &[f32],
    q: &[f32],
    importance: &[f32],
    dz: &mut [f32],
    entropies: &mut [f32],
    losses: &mut [f32],
) {
    let [batch, actions, heads] = [p.batch, p.actions, p.heads].map(|d| d as usize);
    let [q_stride, q_offset] = [p.q_stride, p.q_offset].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        let alpha = agents[agent].alpha;
        for b in 0..batch {
            let row = agent * batch + b;
            let at = |slots: u32, slot: u32| {
                ((agent * slots as usize + slot as usize) * batch + b) * q_stride + q_offset
            };
            let [now, old] = [0, p.old].map(|slot| &policy[at(p.slots, slot)..][..actions]);
            let [q_1, q_2] = [p.q_1, p.q_2].map(|slot| &q[at(p.q_slots, slot)..][..actions]);
            let value = |a: usize| joined(p.mean == 1, q_1[a], q_2[a]);
            let pi = softmax_of(|a| now[a], actions, 1.0);
            let top = value(argmax_of(value, actions));
            let cost = |a: usize, log_pi: f32| alpha * log_pi - (value(a) - top);
            let mut expected = 0.0;
            for a in 0..actions {
                expected += pi.probability(now[a], 1.0) * cost(a, pi.log_probability(now[a], 1.0));
            }
            let mut gap = 0.0;
            if p.penalty > 0.0 {
                gap = softmax_of(|a| old[a], actions, 1.0).entropy - pi.entropy;
            }
            let pull = p.penalty * gap;
            let weight = importance[row] / p.actions as f32;
            for a in 0..actions {
                let log_pi = pi.log_probability(now[a], 1.0);
                let slope = (cost(a, log_pi) - expected) + pull * (log_pi + pi.entropy);
                dz[row * q_stride + q_offset + a] =
                    weight * (pi.probability(now[a], 1.0) * slope) / p.batch as f32;
            }
            let out = row * heads + p.head as usize;
            entropies[out] = pi.entropy;
            losses[out] = weight * ((expected - top) + 0.5 * pull * gap);
        }
    }
}
