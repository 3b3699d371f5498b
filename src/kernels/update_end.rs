//! The end of an update: statistics of the batch, the update counter, finiteness. Twin of `shaders/update_end.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{product, tree_sum};
use crate::shared::agent::{Agent, TdError};
use crate::shared::math::is_finite_f32;
use crate::shared::optimizer::Optimizer;

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Networks with gradients.
        pub grad_slots: u32,
        /// Heads.
        pub heads: u32,
        /// Weight of every head but the first, whose weight is 1.
        pub later_head_weight: f32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// Means of the batch and the update counter.
    update_end, params Params, workgroup 64,
    bindings { write agents: Agent, read optimizers: Optimizer, read entropies: f32, read targets: f32, read errors: TdError }
    sizes |p, _| {
        let rows = product(&[p.agents, p.batch]);
        let rows = rows * u64::from(p.heads);
        let agents = u64::from(p.agents);
        vec![agents, agents, rows, rows, rows * u64::from(p.grad_slots)]
    };
    grid |p| [1, 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.batch.div_ceil(64)) * (1 + u64::from(p.heads) * (1 + u64::from(p.grad_slots))) + 6;
    twin twin
}

fn twin(
    p: &Params,
    agents: &mut [Agent],
    optimizers: &[Optimizer],
    entropies: &[f32],
    targets: &[f32],
    errors: &[TdError],
) {
    let [batch, grad_slots, heads] = [p.batch, p.grad_slots, p.heads].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        let mut entropy = [0.0; 64];
        let mut loss = [0.0; 64];
        let mut q = [0.0; 64];
        for b in 0..batch {
            let row = agent * batch + b;
            for head in 0..heads {
                let weight = if head == 0 { 1.0 } else { p.later_head_weight };
                entropy[b % 64] += weight * entropies[row * heads + head];
                for net in 0..grad_slots {
                    let net_row = (agent * grad_slots + net) * batch + b;
                    loss[b % 64] += weight * errors[net_row * heads + head].loss;
                }
            }
            q[b % 64] += errors[(agent * grad_slots * batch + b) * heads].error + targets[row * heads];
        }
        let mean = [&mut entropy, &mut loss, &mut q].map(|partial| tree_sum(partial) / p.batch as f32);
        let a = &mut agents[agent];
        if a.nonfinite != 0 {
            continue;
        }
        if !is_finite_f32(mean[1]) {
            a.nonfinite = a.updates + 1;
            continue;
        }
        a.entropy = mean[0];
        a.window_updates += 1;
        a.entropy_sum += a.entropy / (1.0 + (p.heads - 1) as f32 * p.later_head_weight);
        a.loss_sum += mean[1];
        a.q_sum += mean[2];
        a.grad_norm_sum += optimizers[agent].grad_norm;
        a.updates += 1;
    }
}
