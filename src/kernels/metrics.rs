//! Statistics of one window for the host. Twin of `shaders/metrics.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{product, tree_sum};
use crate::shared::agent::{Agent, Lane, schedule};

gpu_struct! {
    /// One agent's statistics since the last window.
    pub struct Metrics {
        /// Environment steps so far.
        pub env_steps: u32,
        /// Episodes so far.
        pub episodes: u32,
        /// Episodes in the window.
        pub window_episodes: u32,
        /// Sum of their returns.
        pub window_return: f32,
        /// Sum of their lengths.
        pub window_length: f32,
        /// Updates so far.
        pub updates: u32,
        /// 0, or the update that first met a NaN or an infinity.
        pub nonfinite: u32,
        /// Updates in the window.
        pub window_updates: u32,
        /// Sum of their mean entropies.
        pub entropy_sum: f32,
        /// Sum of their mean losses.
        pub loss_sum: f32,
        /// Sum of their mean values.
        pub q_sum: f32,
        /// Sum of their gradient norms.
        pub grad_norm_sum: f32,
        /// Temperature now.
        pub alpha: f32,
        /// Random share now.
        pub epsilon: f32,
        /// [`Lane::fault`] of the first environment that has one.
        pub fault: u32,
        /// Which environment; without a fault the last one.
        pub fault_lane: u32,
    }
}

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// Environments per agent.
        pub num_lanes: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// Sums a window and clears it.
    metrics, params Params, workgroup 64,
    bindings { write agents: Agent, write lanes: Lane, write metrics: Metrics }
    sizes |p, _| {
        let agents = u64::from(p.agents);
        vec![agents, product(&[p.agents, p.num_lanes]), agents]
    };
    grid |p| [1, 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.num_lanes.div_ceil(64)) + 6;
    twin twin
}

fn twin(p: &Params, agents: &mut [Agent], lanes: &mut [Lane], metrics: &mut [Metrics]) {
    let num_lanes = p.num_lanes as usize;
    for agent in 0..p.agents as usize {
        let lanes = &mut lanes[agent * num_lanes..][..num_lanes];
        let mut episodes = [0; 64];
        let mut window_episodes = [0; 64];
        let mut returns = [0.0; 64];
        let mut lengths = [0.0; 64];
        let mut first = num_lanes - 1;
        for (i, lane) in lanes.iter_mut().enumerate() {
            episodes[i % 64] += lane.episodes;
            window_episodes[i % 64] += lane.window_episodes;
            returns[i % 64] += lane.window_return;
            lengths[i % 64] += lane.window_length;
            lane.window_episodes = 0;
            lane.window_return = 0.0;
            lane.window_length = 0.0;
            if lane.fault != 0 {
                first = first.min(i);
            }
        }
        let a = &mut agents[agent];
        let env_steps = lanes[0].step.wrapping_mul(p.num_lanes);
        metrics[agent] = Metrics {
            env_steps,
            episodes: tree_sum(&mut episodes),
            window_episodes: tree_sum(&mut window_episodes),
            window_return: tree_sum(&mut returns),
            window_length: tree_sum(&mut lengths),
            updates: a.updates,
            nonfinite: a.nonfinite,
            window_updates: a.window_updates,
            entropy_sum: a.entropy_sum,
            loss_sum: a.loss_sum,
            q_sum: a.q_sum,
            grad_norm_sum: a.grad_norm_sum,
            alpha: a.alpha,
            epsilon: schedule(a.epsilon, a.epsilon_final, a.epsilon_decay_steps, env_steps as f32),
            fault: lanes[first].fault,
            fault_lane: first as u32,
        };
        a.window_updates = 0;
        a.entropy_sum = 0.0;
        a.loss_sum = 0.0;
        a.q_sum = 0.0;
        a.grad_norm_sum = 0.0;
    }
}
