//! One step of the temperature. Twin of `shaders/temperature_step.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::product;
use crate::shared::agent::{Agent, Lane, schedule};
use crate::shared::math::{exp_f32, expm1_f32};
use crate::shared::optimizer::Optimizer;

gpu_struct! {
    /// Sizes and how the temperature moves.
    pub struct Params {
        /// Heads.
        pub heads: u32,
        /// Weight of every head but the first, whose weight is 1.
        pub later_head_weight: f32,
        /// Factor of the objective: 1, or less where it is a mean over actions.
        pub share: f32,
        /// Environments per agent.
        pub num_lanes: u32,
        /// 0 fixed, 1 learned, 2 learned_exp, 3 schedule.
        pub mode: u32,
        /// Of Adam, 0: PyTorch's place of eps, 1: TensorFlow 1's.
        pub eps_inside: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `log_alpha` by its mode, and alpha.
    temperature_step, params Params, workgroup 1,
    bindings { write agents: Agent, read optimizers: Optimizer, read lanes: Lane }
    sizes |p, _| vec![u64::from(p.agents), u64::from(p.agents), product(&[p.agents, p.num_lanes])];
    grid |p| [1, 1, u64::from(p.agents)];
    loops |_, _| 0;
    twin twin
}

fn twin(p: &Params, agents: &mut [Agent], optimizers: &[Optimizer], lanes: &[Lane]) {
    for agent in 0..p.agents as usize {
        let (a, o) = (&mut agents[agent], &optimizers[agent]);
        if a.nonfinite != 0 {
            continue;
        }
        if p.mode == 1 || p.mode == 2 {
            let weights = 1.0 + (p.heads - 1) as f32 * p.later_head_weight;
            let excess = (a.entropy - weights * a.target_entropy) * if p.mode == 2 { a.alpha } else { 1.0 };
            let g = p.share * excess;
            let t = a.updates as f32;
            a.alpha_m += o.one_minus_beta1 * (g - a.alpha_m);
            a.alpha_v = (a.alpha_v - o.one_minus_beta2 * a.alpha_v) + o.one_minus_beta2 * g * g;
            let correction1 = -expm1_f32(t * o.ln_beta1);
            let correction2 = -expm1_f32(t * o.ln_beta2);
            let root2 = correction2.sqrt();
            if p.eps_inside == 1 {
                let rate = a.alpha_learning_rate * root2 / correction1;
                a.log_alpha -= rate * a.alpha_m / (a.alpha_v.sqrt() + o.adam_eps);
            } else {
                let step = a.alpha_m / (a.alpha_v.sqrt() / root2 + o.adam_eps);
                a.log_alpha -= a.alpha_learning_rate / correction1 * step;
            }
        } else if p.mode == 3 {
            let env_steps = lanes[agent * p.num_lanes as usize].step as f32 * p.num_lanes as f32;
            a.log_alpha = schedule(a.log_alpha_initial, a.log_alpha_final, a.alpha_decay_steps, env_steps);
        }
        a.log_alpha = a.log_alpha.max(a.log_alpha_min).min(a.log_alpha_max);
        a.alpha = exp_f32(a.log_alpha);
    }
}
