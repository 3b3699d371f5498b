//! Closes an update: mean entropy and loss, the temperature step, the update counter. Twin of
//! `shaders/temperature.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{product, tree_sum};
use crate::shared::agent::{Hyper, Lane, Learner, schedule};
use crate::shared::math::{exp_f32, expm1_f32, is_finite_f32};

gpu_struct! {
    /// Sizes and the temperature mode.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Networks with gradients.
        pub grad_slots: u32,
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
        read hyper: Hyper, read lanes: Lane, read entropies: f32, read targets: f32, read td: f32, read losses: f32,
        write learner: Learner,
    }
    sizes |p, _| {
        let rows = product(&[p.agents, p.batch]);
        let net_rows = rows * u64::from(p.grad_slots);
        vec![
            u64::from(p.agents), product(&[p.agents, p.num_lanes]), rows, rows, net_rows, net_rows,
            u64::from(p.agents),
        ]
    };
    grid |p| [1, 1, u64::from(p.agents)];
    loops |p| u64::from(p.batch.div_ceil(64)) * (1 + u64::from(p.grad_slots)) + 6;
    twin twin
}

fn twin(
    p: &Params,
    hyper: &[Hyper],
    lanes: &[Lane],
    entropies: &[f32],
    targets: &[f32],
    td: &[f32],
    losses: &[f32],
    learner: &mut [Learner],
) {
    let [batch, grad_slots] = [p.batch, p.grad_slots].map(|d| d as usize);
    for agent in 0..p.agents as usize {
        let mut entropy = [0.0; 64];
        let mut loss = [0.0; 64];
        let mut q = [0.0; 64];
        for b in 0..batch {
            let row = agent * batch + b;
            entropy[b % 64] += entropies[row];
            for net in 0..grad_slots {
                loss[b % 64] += losses[(agent * grad_slots + net) * batch + b];
            }
            q[b % 64] += td[agent * grad_slots * batch + b] + targets[row];
        }
        let mean = [&mut entropy, &mut loss, &mut q].map(|partial| tree_sum(partial) / p.batch as f32);
        let l = &mut learner[agent];
        if l.nonfinite != 0 {
            continue;
        }
        if !is_finite_f32(mean[1]) {
            l.nonfinite = l.updates + 1;
            continue;
        }
        let h = &hyper[agent];
        l.entropy = mean[0];
        l.window_updates += 1;
        l.entropy_sum += mean[0];
        l.loss_sum += mean[1];
        l.q_sum += mean[2];
        l.grad_norm_sum += l.grad_norm;
        l.updates += 1;
        if p.mode == 1 || p.mode == 2 {
            let g = (mean[0] - h.target_entropy) * if p.mode == 2 { l.alpha } else { 1.0 };
            let t = l.updates as f32;
            l.alpha_m += h.one_minus_beta1 * (g - l.alpha_m);
            l.alpha_v = (l.alpha_v - h.one_minus_beta2 * l.alpha_v) + h.one_minus_beta2 * g * g;
            let correction1 = -expm1_f32(t * h.ln_beta1);
            let correction2 = -expm1_f32(t * h.ln_beta2);
            let step = l.alpha_m / (l.alpha_v.sqrt() / correction2.sqrt() + h.adam_eps);
            l.log_alpha -= h.alpha_learning_rate / correction1 * step;
        } else if p.mode == 3 {
            let env_steps = lanes[agent * p.num_lanes as usize].step as f32 * p.num_lanes as f32;
            l.log_alpha = schedule(h.log_alpha_initial, h.log_alpha_final, h.alpha_decay_steps, env_steps);
        }
        l.log_alpha = l.log_alpha.max(h.log_alpha_min).min(h.log_alpha_max);
        l.alpha = exp_f32(l.log_alpha);
    }
}
