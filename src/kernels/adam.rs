//! Adam on the online nets and the target nets' averaging, in one pass. Twin of `shaders/adam.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::agent::{Hyper, Learner};
use crate::shared::math::expm1_f32;

gpu_struct! {
    /// Sizes and the form of eps.
    pub struct Params {
        /// Parameters of the online nets per agent.
        pub count: u32,
        /// 0: PyTorch's place of eps, 1: TensorFlow 1's.
        pub eps_inside: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// One Adam step and one target update.
    adam, params Params, workgroup 64,
    bindings {
        read hyper: Hyper, read learner: Learner, read grads: f32,
        write weights: f32, write m: f32, write v: f32,
    }
    sizes |p, _| {
        let agents = u64::from(p.agents);
        let count = product(&[p.agents, p.count]);
        vec![agents, agents, count, 2 * count, count, count]
    };
    grid |p| [groups(u64::from(p.count), 64), 1, u64::from(p.agents)];
    loops |_| 0;
    twin twin
}

fn twin(
    p: &Params,
    hyper: &[Hyper],
    learner: &[Learner],
    grads: &[f32],
    weights: &mut [f32],
    m: &mut [f32],
    v: &mut [f32],
) {
    let count = p.count as usize;
    for agent in 0..p.agents as usize {
        let l = &learner[agent];
        if l.nonfinite != 0 {
            continue;
        }
        let h = &hyper[agent];
        let t = (l.updates + 1) as f32;
        let correction1 = -expm1_f32(t * h.ln_beta1);
        let correction2 = -expm1_f32(t * h.ln_beta2);
        let update_target = (l.updates + 1) % h.target_update_interval == 0;
        let rows = agent * count..(agent + 1) * count;
        let (online, target) = weights[agent * 2 * count..][..2 * count].split_at_mut(count);
        let moments = m[rows.clone()].iter_mut().zip(&mut v[rows.clone()]);
        for (((w, w_target), (m, v)), g) in online.iter_mut().zip(target).zip(moments).zip(&grads[rows]) {
            let g = g * l.grad_scale;
            *m += h.one_minus_beta1 * (g - *m);
            *v = (*v - h.one_minus_beta2 * *v) + h.one_minus_beta2 * g * g;
            if h.weight_decay > 0.0 {
                *w -= h.learning_rate * h.weight_decay * *w;
            }
            if p.eps_inside == 1 {
                *w -= h.learning_rate * correction2.sqrt() / correction1 * *m / (v.sqrt() + h.adam_eps);
            } else {
                *w -= h.learning_rate / correction1 * (*m / (v.sqrt() / correction2.sqrt() + h.adam_eps));
            }
            if update_target {
                *w_target = if h.polyak >= 1.0 { *w } else { *w_target + h.polyak * (*w - *w_target) };
            }
        }
    }
}
