//! Regression targets of a batch by a target rule. Twin of `shaders/backup.wgsl`.

use crate::engine::rule::Rule;
use crate::engine::threads;
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

/// Rows that are worth another thread.
const MIN_ROWS: usize = 32;

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
    let (batch, heads) = (p.batch as usize, p.heads as usize);
    let rows = batch.div_ceil(threads::available()).max(MIN_ROWS) * heads;
    let mut blocks = Vec::new();
    let of_agents = targets.chunks_mut(batch * heads).zip(entropies.chunks_mut(batch * heads));
    for (agent, (targets, entropies)) in of_agents.take(p.agents as usize).enumerate() {
        let parts = targets.chunks_mut(rows).zip(entropies.chunks_mut(rows)).enumerate();
        blocks.extend(parts.map(|(part, outputs)| (agent, part * rows / heads, outputs)));
    }
    threads::for_each(blocks, |(agent, first, (targets, entropies))| {
        let record = &agents[agent];
        for (i, (target, entropy)) in targets.chunks_mut(heads).zip(entropies.chunks_mut(heads)).enumerate() {
            let b = first + i;
            let index = agent * batch + b;
            let at = |slot: u32| {
                let row = (agent * p.slots as usize + slot as usize) * batch + b;
                &q[row * p.q_stride as usize + p.q_offset as usize..][..p.actions as usize]
            };
            let [target_1, target_2, online, current] = [p.target_1, p.target_2, p.online, p.current].map(at);
            let q_value = |source: Source, action: usize| match source {
                Source::Target => joined(p.mean == 1, target_1[action], target_2[action]),
                Source::Target1 => target_1[action],
                Source::Target2 => target_2[action],
                Source::Online => online[action],
                Source::Current => current[action],
            };
            let row = Row {
                q_value: &q_value,
                actions: p.actions as usize,
                agent: record,
                alpha: record.alpha,
                reward: rewards[index],
                discount: discounts[agent * p.discount_slots as usize * batch + b],
                action: actions[index * heads + p.head as usize].min(p.actions - 1) as usize,
                given: p.given == 1,
                rng: Rng::new(
                    record.seed,
                    p.stream + STREAM_BACKUP,
                    record.updates,
                    p.head * p.batch + b as u32,
                ),
                entropy: p.entropy == 1,
                kl: p.kl == 1,
                mean: p.mean == 1,
                per_state: p.per_state == 1,
                signed_log: p.signed_log == 1,
            };
            let result = (rule.twin)(&row);
            target[p.head as usize] = result.y;
            entropy[p.head as usize] = result.entropy;
        }
    });
}
