//! Soft value of states from the values of sampled actions. Twin of `shaders/soft_value.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::agent::Agent;
use crate::shared::math::{exp_f32, log_f32};

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// States per agent.
        pub batch: u32,
        /// Sampled actions per state.
        pub particles: u32,
        /// Evaluations per agent in `q`.
        pub slots: u32,
        /// Slot of the first network.
        pub target_1: u32,
        /// Slot of the second, or the first again.
        pub target_2: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `V = alpha ln mean_k exp(Q_k / alpha) / q(a_k)`, `y = r + discount V`
    soft_value, params Params, workgroup 64,
    bindings {
        read agents: Agent, read q: f32, read log_weights: f32, read rewards: f32, read discounts: f32,
        write values: f32, write targets: f32,
    }
    sizes |p, _| {
        let rows = product(&[p.agents, p.batch]);
        let slots = p.slots.max(p.target_1.max(p.target_2) + 1);
        vec![
            u64::from(p.agents),
            product(&[p.agents, slots, p.batch, p.particles]),
            product(&[p.agents, p.batch, p.particles]),
            rows,
            rows,
            rows,
            rows,
        ]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |p, _| 2 * u64::from(p.particles);
    twin twin
}

fn twin(
    p: &Params,
    agents: &[Agent],
    q: &[f32],
    log_weights: &[f32],
    rewards: &[f32],
    discounts: &[f32],
    values: &mut [f32],
    targets: &mut [f32],
) {
    let [batch, particles, slots] = [p.batch, p.particles, p.slots].map(|size| size as usize);
    let (target_1, target_2) = (p.target_1 as usize, p.target_2 as usize);
    for row in 0..p.agents as usize * batch {
        let (agent, b) = (row / batch, row % batch);
        let alpha = agents[agent].alpha;
        let weighted = |k: usize| {
            let q_1 = q[((agent * slots + target_1) * batch + b) * particles + k];
            let q_2 = q[((agent * slots + target_2) * batch + b) * particles + k];
            q_1.min(q_2) + alpha * log_weights[row * particles + k]
        };
        let mut top = weighted(0);
        for k in 1..particles {
            top = top.max(weighted(k));
        }
        let mut sum = 0.0;
        for k in 0..particles {
            sum += exp_f32((weighted(k) - top) / alpha);
        }
        let value = top + alpha * (log_f32(sum) - log_f32(particles as f32));
        values[row] = value;
        targets[row] = rewards[row] + discounts[row] * value;
    }
}
