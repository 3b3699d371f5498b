//! Regression targets of a batch by a target rule that reads a policy network. Twin of `shaders/policy_backup.wgsl`.

use crate::engine::rule::Rule;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::agent::Agent;
use crate::shared::rng::Rng;
use crate::shared::target::{Row, Source, joined};

gpu_struct! {
    /// Sizes, the slots of the rule's sources, and what it may ask for; see the shader's header.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Actions.
        pub actions: u32,
        /// Slots of `q`.
        pub slots: u32,
        /// Slot of `Q'_1(s')`.
        pub target_1: u32,
        /// Slot of `Q'_2(s')`, or that of `Q'_1(s')` to use it alone.
        pub target_2: u32,
        /// Slots of `policy`.
        pub policy_slots: u32,
        /// Slot of the policy network at `s'`.
        pub online: u32,
        /// Columns of `q` and `policy`.
        pub q_stride: u32,
        /// First column of this head.
        pub q_offset: u32,
        /// Heads.
        pub heads: u32,
        /// This head.
        pub head: u32,
        /// Discounts per row in memory, of which the first is read.
        pub discount_slots: u32,
        /// 1: `alpha H` is part of the value.
        pub entropy: u32,
        /// 1 subtracts `alpha ln|A|`.
        pub kl: u32,
        /// 1: the mean of the twins in place of their minimum.
        pub mean: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `y` and the entropy by a target rule of a policy network.
    policy_backup, params Params, workgroup 64, rule rule,
    bindings {
        read agents: Agent, read q: f32, read policy: f32, read rewards: f32, read discounts: f32,
        write targets: f32, write entropies: f32,
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
            values(p.slots, p.target_1.max(p.target_2)),
            values(p.policy_slots, p.online),
            rows,
            rows * u64::from(p.discount_slots),
            out,
            out,
        ]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |p, _| 3 * u64::from(p.actions);
    twin twin
}

fn twin(
    p: &Params,
    rule: &Rule,
    agents: &[Agent],
    q: &[f32],
    policy: &[f32],
    rewards: &[f32],
    discounts: &[f32],
    targets: &mut [f32],
    entropies: &mut [f32],
) {
    for agent in 0..p.agents {
        let record = &agents[agent as usize];
        for b in 0..p.batch {
            let index = (agent * p.batch + b) as usize;
            let at = |slots: u32, slot: u32, action: usize| {
                let row = (agent * slots + slot) as usize * p.batch as usize + b as usize;
                row * p.q_stride as usize + p.q_offset as usize + action
            };
            let q_value = |source: Source, action: usize| match source {
                Source::Online => policy[at(p.policy_slots, p.online, action)],
                _ => joined(
                    p.mean == 1,
                    q[at(p.slots, p.target_1, action)],
                    q[at(p.slots, p.target_2, action)],
                ),
            };
            let row = Row {
                q_value: &q_value,
                actions: p.actions as usize,
                agent: record,
                alpha: record.alpha,
                reward: rewards[index],
                discount: discounts[(agent * p.discount_slots * p.batch + b) as usize],
                // Nothing is sampled, and no action taken is asked for.
                action: 0,
                given: false,
                rng: Rng::new(0, 0, 0, 0),
                entropy: p.entropy == 1,
                kl: p.kl == 1,
                mean: p.mean == 1,
                per_state: false,
                signed_log: false,
            };
            let result = (rule.twin)(&row);
            let out = index * p.heads as usize + p.head as usize;
            targets[out] = result.y;
            entropies[out] = result.entropy;
        }
    }
}
