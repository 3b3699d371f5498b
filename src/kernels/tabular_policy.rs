//! Policy improvement: softmax of the action values, or ties split at temperature 0. Twin of `shaders/tabular_policy.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::math::log_f32;
use crate::shared::policy::{argmax_of, softmax_of};
use crate::shared::tabular::{Solver, relative};

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// States.
        pub states: u32,
        /// Actions.
        pub actions: u32,
        /// 1: values are relative to a reference policy.
        pub reference: u32,
        /// Solutions side by side.
        pub agents: u32,
    }
}

kernel! {
    /// `pi = softmax(Q / alpha)` and its entropy.
    tabular_policy, params Params, workgroup 64,
    bindings {
        read solvers: Solver, read q: f32, read log_reference: f32, write policy: f32, write entropies: f32,
    }
    sizes |p, _| {
        let all = product(&[p.agents, p.states, p.actions]);
        vec![u64::from(p.agents), all, all * u64::from(p.reference), all, product(&[p.agents, p.states])]
    };
    grid |p| [groups(u64::from(p.states), 64), 1, u64::from(p.agents)];
    loops |p, _| 3 * u64::from(p.actions);
    twin twin
}

fn twin(
    p: &Params,
    solvers: &[Solver],
    q: &[f32],
    log_reference: &[f32],
    policy: &mut [f32],
    entropies: &mut [f32],
) {
    let [states, actions] = [p.states, p.actions].map(|n| n as usize);
    for (agent, solver) in solvers.iter().enumerate().take(p.agents as usize) {
        if solver.converged != 0 {
            continue;
        }
        for row in agent * states..(agent + 1) * states {
            let policy = &mut policy[row * actions..][..actions];
            let alpha = solver.alpha;
            let q_value = |a: usize| match p.reference {
                0 => q[row * actions + a],
                _ => relative(q[row * actions + a], log_reference[row * actions + a], alpha),
            };
            if alpha > 0.0 {
                let softmax = softmax_of(q_value, actions, alpha);
                for a in 0..actions {
                    policy[a] = softmax.probability(q_value(a), alpha);
                }
                entropies[row] = softmax.entropy;
                continue;
            }
            let top = q_value(argmax_of(q_value, actions));
            let least = top - solver.tie * top.abs().max(1.0);
            let mut best = 0.0;
            for a in 0..actions {
                best += if q_value(a) >= least { 1.0 } else { 0.0 };
            }
            for a in 0..actions {
                policy[a] = if q_value(a) >= least { 1.0 / best } else { 0.0 };
            }
            entropies[row] = log_f32(best);
        }
    }
}
