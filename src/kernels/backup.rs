//! Regression targets of a batch by a target rule. Twin of `shaders/backup.wgsl`.

use crate::engine::rule::Rule;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::agent::Agent;
use crate::shared::policy::BISECTIONS;
use crate::shared::rng::{Rng, STREAM_BACKUP};
use crate::shared::target::{Row, Source, joined};

gpu_struct! {
    /// Sizes, the slots of a rule's sources, and what the rule may ask for; see the shader's header.
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
        /// Slot of `Q_1(s')`.
        pub online: u32,
        /// Slot of `Q'_1(s)`.
        pub current: u32,
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
        /// Discounts per row in memory, of which the first is read.
        pub discount_slots: u32,
        /// 1: a sampled action is not drawn but taken from `actions`.
        pub given: u32,
        /// 1: `alpha H` is part of the value.
        pub entropy: u32,
        /// 1 subtracts `alpha ln|A|`.
        pub kl: u32,
        /// 1: the mean of the twins in place of their minimum.
        pub mean: u32,
        /// 1: each state has its own temperature.
        pub per_state: u32,
        /// 1: the network learns `sign(x) ln(1 + |x|)`.
        pub signed_log: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `y` and the entropy by a target rule.
    backup, params Params, workgroup 64, rule rule,
    bindings {
        read agents: Agent, read q: f32, read actions: u32, read rewards: f32, read discounts: f32,
        write targets: f32, write entropies: f32,
    }
    sizes |p, _| {
        let agents = u64::from(p.agents);
        let rows = product(&[p.agents, p.batch]);
        let out = rows * u64::from(p.heads);
        let last = p.target_1.max(p.target_2).max(p.online).max(p.current);
        vec![agents, extent(
            p.agents,
            p.slots,
            product(&[p.batch, p.q_stride]),
            last,
            rows_end(p.batch, p.q_stride, p.q_offset, p.actions),
        ), out, rows, rows * u64::from(p.discount_slots), out, out]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    // The rule with the longest loops is `sampled`.
    loops |p, _| {
        let halvings = u64::from(p.per_state * BISECTIONS);
        (5 + 2 * halvings) * u64::from(p.actions) + halvings
    };
    twin twin
}

fn twin(
    p: &Params,
    rule: &Rule,
    agents: &[Agent],
    q: &[f32],
    actions: &[u32],
    rewards: &[f32],
    discounts: &[f32],
    targets: &mut [f32],
    entropies: &mut [f32],
) {
    for agent in 0..p.agents {
        let record = &agents[agent as usize];
        for b in 0..p.batch {
            let index = (agent * p.batch + b) as usize;
            let out = index * p.heads as usize + p.head as usize;
            let slot_value = |slot: u32, action: usize| {
                let at = (agent * p.slots + slot) as usize * p.batch as usize + b as usize;
                q[at * p.q_stride as usize + p.q_offset as usize + action]
            };
            let q_value = |source: Source, action: usize| match source {
                Source::Target => {
                    joined(p.mean == 1, slot_value(p.target_1, action), slot_value(p.target_2, action))
                }
                Source::Target1 => slot_value(p.target_1, action),
                Source::Target2 => slot_value(p.target_2, action),
                Source::Online => slot_value(p.online, action),
                Source::Current => slot_value(p.current, action),
            };
            let row = Row {
                q_value: &q_value,
                actions: p.actions as usize,
                agent: record,
                alpha: record.alpha,
                reward: rewards[index],
                discount: discounts[(agent * p.discount_slots * p.batch + b) as usize],
                action: actions[out].min(p.actions - 1) as usize,
                given: p.given == 1,
                rng: Rng::new(record.seed, p.stream + STREAM_BACKUP, record.updates, p.head * p.batch + b),
                entropy: p.entropy == 1,
                kl: p.kl == 1,
                mean: p.mean == 1,
                per_state: p.per_state == 1,
                signed_log: p.signed_log == 1,
            };
            let result = (rule.twin)(&row);
            targets[out] = result.y;
            entropies[out] = result.entropy;
        }
    }
}
