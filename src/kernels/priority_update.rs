//! New priorities of the batch. Twin of `shaders/priority_update.wgsl`.

use crate::engine::kernel::MAX_LOOP_ITERATIONS;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::product;
use crate::shared::agent::{Agent, TdError};
use crate::shared::math::{exp_f32, log_f32};
use crate::shared::sum_tree::{levels, tree_len, update_sums};

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Networks with gradients.
        pub grad_slots: u32,
        /// Heads.
        pub heads: u32,
        /// Transitions per agent in the ring: leaves of the tree.
        pub capacity: u32,
        /// Agents.
        pub agents: u32,
    }
}

/// Largest batch: the errors of all its rows lie in workgroup memory.
pub const MAX_BATCH: u32 = 2048;

kernel! {
    /// `p_i = (|delta_i| + eps)^a`.
    priority_update, params Params, workgroup 256,
    bindings { write agents: Agent, read errors: TdError, read indices: u32, write tree: f32 }
    sizes |p, _| {
        let agents = u64::from(p.agents);
        let rows = product(&[p.agents, p.batch]);
        vec![
            agents, rows * u64::from(p.grad_slots) * u64::from(p.heads), rows,
            agents * u64::from(tree_len(p.capacity)),
        ]
    };
    grid |p| [1, 1, u64::from(p.agents)];
    // Every row of an invocation takes its errors, looks at the whole batch, then at one node per level. The errors of the batch
    // lie in workgroup memory, which ends at MAX_BATCH.
    loops |p, _| {
        let levels = levels(p.capacity).len() as u64;
        let errors = 1 + u64::from(p.grad_slots) * u64::from(p.heads + 1);
        let rows = u64::from(p.batch.div_ceil(256));
        let fits = if p.batch > MAX_BATCH { MAX_LOOP_ITERATIONS + 1 } else { 0 };
        fits + rows * (errors + u64::from(p.batch) + 1 + levels * 17) + 2 * levels + 8
    };
    twin twin
}

fn twin(p: &Params, agents: &mut [Agent], errors: &[TdError], indices: &[u32], tree: &mut [f32]) {
    let [batch, nets, heads, len] =
        [p.batch, p.grad_slots, p.heads, tree_len(p.capacity)].map(|n| n as usize);
    for agent in 0..p.agents as usize {
        let a = &mut agents[agent];
        if a.nonfinite != 0 {
            continue;
        }
        let tree = &mut tree[agent * len..][..len];
        let rows = &indices[agent * batch..][..batch];
        let magnitude = |b: usize| {
            let mut sum = 0.0;
            for net in 0..nets {
                for head in 0..heads {
                    sum += errors[((agent * nets + net) * batch + b) * heads + head].error.abs();
                }
            }
            sum / (p.grad_slots * p.heads) as f32
        };
        let deltas: Vec<f32> = (0..batch).map(magnitude).collect();
        let mut largest = 0.0f32;
        for leaf in rows {
            let same = rows.iter().zip(&deltas).filter(|(other, _)| *other == leaf);
            let delta = same.fold(0.0f32, |delta, (_, error)| delta.max(*error));
            let priority = exp_f32(a.priority_exponent * log_f32(delta + a.priority_eps));
            tree[*leaf as usize] = priority;
            largest = largest.max(priority);
        }
        a.max_priority = a.max_priority.max(largest);
        update_sums(tree, p.capacity, rows.to_vec());
    }
}
