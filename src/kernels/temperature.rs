//! Closes an update: mean entropy and loss, the temperature step, the update counter. Twin of
//! `shaders/temperature.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{product, tree_sum};
use crate::shared::agent::{Agent, Lane, TdError, schedule};
use crate::shared::math::{exp_f32, expm1_f32, is_finite_f32};
use crate::shared::optimizer::Optimizer;

gpu_struct! {
    /// Sizes and the temperature mode.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Networks with gradients.
        pub grad_slots: u32,
        /// Heads.
        pub heads: u32,
        /// Weight of every head but the first, whose weight is 1.
        pub later_head_weight: f32,
        /// Environments per agent.
        pub num_lanes: u32,
        /// 0 fixed, 1 learned, 2 learned_exp, 3 schedule.
        pub mode: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// Temperature step and update counter.
    temperature, params Params, workgroup 64,
    bindings {
        write agents: Agent, read optimizers: Optimizer, read lanes: Lane, read entropies: f32, read targets: f32,
        read errors: TdError,
    }
    sizes |p, _| {
        let rows = product(&[p.agents, p.batch]);
        let rows = rows * u64::from(p.heads);
        let agents = u64::from(p.agents);
        let lanes = product(&[p.agents, p.num_lanes]);
        vec![agents, agents, lanes, rows, rows, rows * u64::from(p.grad_slots)]
    };
    grid |p| [1, 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.batch.div_ceil(64)) * (1 + u64::from(p.heads) * (1 + u64::from(p.grad_slots))) + 6;
    twin twin
}

fn twin(
    p: &Params,
    agents: &mut [Agent],
    optimizers: &[Optimizer],
    lanes: &[Lane],
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
        let weights = 1.0 + (p.heads - 1) as f32 * p.later_head_weight;
        a.entropy = mean[0] / weights;
        a.window_updates += 1;
        a.entropy_sum += a.entropy;
        a.loss_sum += mean[1];
        a.q_sum += mean[2];
        let o = &optimizers[agent];
        a.grad_norm_sum += o.grad_norm;
        a.updates += 1;
        if p.mode == 1 || p.mode == 2 {
            let g = (mean[0] - weights * a.target_entropy) * if p.mode == 2 { a.alpha } else { 1.0 };
            let t = a.updates as f32;
            a.alpha_m += o.one_minus_beta1 * (g - a.alpha_m);
            a.alpha_v = (a.alpha_v - o.one_minus_beta2 * a.alpha_v) + o.one_minus_beta2 * g * g;
            let correction1 = -expm1_f32(t * o.ln_beta1);
            let correction2 = -expm1_f32(t * o.ln_beta2);
            let step = a.alpha_m / (a.alpha_v.sqrt() / correction2.sqrt() + o.adam_eps);
            a.log_alpha -= a.alpha_learning_rate / correction1 * step;
        } else if p.mode == 3 {
            let env_steps = lanes[agent * p.num_lanes as usize].step as f32 * p.num_lanes as f32;
            a.log_alpha = schedule(a.log_alpha_initial, a.log_alpha_final, a.alpha_decay_steps, env_steps);
        }
        a.log_alpha = a.log_alpha.max(a.log_alpha_min).min(a.log_alpha_max);
        a.alpha = exp_f32(a.log_alpha);
    }
}
