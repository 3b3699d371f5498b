//! State values from action values, optimal or of a given policy. Twin of `shaders/tabular_value.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::math::log_f32;
use crate::shared::policy::{argmax_of, softmax_of};
use crate::shared::tabular::{Solver, relative};

gpu_struct! {
    /// Sizes and the kind of value.
    pub struct Params {
        /// States.
        pub states: u32,
        /// Actions.
        pub actions: u32,
        /// 0: the soft maximum. 1: the value of `policy`.
        pub given_policy: u32,
        /// 1 subtracts `alpha ln|A|`.
        pub kl: u32,
        /// 1: values are relative to a reference policy.
        pub reference: u32,
        /// Solutions side by side.
        pub agents: u32,
    }
}

kernel! {
    /// `V = alpha logsumexp(Q / alpha)` or `V = sum pi Q + alpha H(pi)`.
    tabular_value, params Params, workgroup 64,
    bindings {
        read solvers: Solver, read q: f32, read policy: f32, read entropies: f32, read log_reference: f32,
        write values: f32,
    }
    sizes |p, _| {
        let [rows, all] = [product(&[p.agents, p.states]), product(&[p.agents, p.states, p.actions])];
        vec![u64::from(p.agents), all, all, rows, all * u64::from(p.reference), rows]
    };
    grid |p| [groups(u64::from(p.states), 64), 1, u64::from(p.agents)];
    loops |p, _| 2 * u64::from(p.actions);
    twin twin
}

fn twin(
    p: &Params,
    solvers: &[Solver],
    q: &[f32],
    policy: &[f32],
    entropies: &[f32],
    log_reference: &[f32],
    values: &mut [f32],
) {
    let [states, actions] = [p.states, p.actions].map(|n| n as usize);
    for (agent, solver) in solvers.iter().enumerate().take(p.agents as usize) {
        if solver.converged != 0 {
            continue;
        }
        for row in agent * states..(agent + 1) * states {
            let alpha = solver.alpha;
            let q_value = |a: usize| match p.reference {
                0 => q[row * actions + a],
                _ => relative(q[row * actions + a], log_reference[row * actions + a], alpha),
            };
            let mut value = if p.given_policy == 1 {
                let top = q_value(argmax_of(q_value, actions));
                let mut below = 0.0;
                for a in 0..actions {
                    below += policy[row * actions + a] * (q_value(a) - top);
                }
                (top + below) + alpha * entropies[row]
            } else if alpha > 0.0 {
                let softmax = softmax_of(q_value, actions, alpha);
                softmax.top + alpha * softmax.log_sum
            } else {
                q_value(argmax_of(q_value, actions))
            };
            if p.kl == 1 {
                value -= alpha * log_f32(p.actions as f32);
            }
            values[row] = value;
        }
    }
}
