//! One environment step of every environment: choose, step, keep statistics, store, reset. Twin of
//! `shaders/act_step.wgsl`.

use crate::engine::env::EnvTwin;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::agent::{Agent, Lane, schedule};
use crate::shared::policy::{argmax_of, softmax_of};
use crate::shared::rng::{Rng, STREAM_ACTION, STREAM_RESET, STREAM_STEP};

gpu_struct! {
    /// Sizes and the behaviour; see the shader's header.
    pub struct Params {
        /// Environments per agent.
        pub num_lanes: u32,
        /// Base of the random streams.
        pub stream: u32,
        /// 0 softmax, 1 argmax.
        pub policy: u32,
        /// 1: epsilon follows the schedule.
        pub explore: u32,
        /// Steps of a lane with uniform actions.
        pub uniform_steps: u32,
        /// Transitions per agent in `replay`, a multiple of `num_lanes`; 0 stores nothing.
        pub capacity: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// One step of every environment.
    act_step, params Params, workgroup 64, env env,
    bindings {
        read agents: Agent, read q: f32,
        write state: EnvState, write lanes: Lane, write obs: f32, write replay: f32,
    }
    sizes |p, env| {
        let lanes = product(&[p.agents, p.num_lanes]);
        let agents = u64::from(p.agents);
        let replay = product(&[p.agents, p.capacity]) * (2 * env.obs + 3);
        vec![agents, lanes * env.actions, lanes, lanes, lanes * env.obs, replay]
    };
    grid |p| [groups(u64::from(p.num_lanes), 64), 1, u64::from(p.agents)];
    loops |_| 1024;
    twin twin
}

fn twin(
    p: &Params,
    env: &EnvTwin,
    agents: &[Agent],
    q: &[f32],
    state: &mut [u32],
    lanes: &mut [Lane],
    obs: &mut [f32],
    replay: &mut [f32],
) {
    let [num_lanes, capacity] = [p.num_lanes, p.capacity].map(|d| d as usize);
    let mut seen = vec![0.0; env.obs_size];
    for agent in 0..p.agents as usize {
        let h = &agents[agent];
        for i in 0..num_lanes {
            let lane = agent * num_lanes + i;
            let q = &q[lane * env.num_actions..][..env.num_actions];
            let l = &mut lanes[lane];
            let rng = |stream| Rng::new(h.seed, p.stream + stream, l.step, i as u32);
            let action = choose(p, env, h, q, l, &mut rng(STREAM_ACTION));
            let mut reset_rng = rng(STREAM_RESET);

            let state = &mut state[lane * env.state_words..][..env.state_words];
            let (reward, terminated) = (env.step)(state, action, &mut rng(STREAM_STEP));
            (env.observe)(state, &mut seen);
            let obs = &mut obs[lane * env.obs_size..][..env.obs_size];

            if capacity > 0 {
                let row = agent * capacity + (l.step as usize % (capacity / num_lanes)) * num_lanes + i;
                let stride = 2 * env.obs_size + 3;
                let transition = &mut replay[row * stride..][..stride];
                transition[..env.obs_size].copy_from_slice(obs);
                transition[env.obs_size..2 * env.obs_size].copy_from_slice(&seen);
                transition[2 * env.obs_size] = action as f32;
                transition[2 * env.obs_size + 1] = reward * h.reward_scale;
                transition[2 * env.obs_size + 2] = f32::from(u8::from(terminated));
            }

            l.episode_step += 1;
            l.episode_return += reward;
            let truncated = l.episode_step >= env.max_episode_steps;
            if terminated || truncated {
                if l.episodes == 0 {
                    l.first_return = l.episode_return;
                }
                l.episodes += 1;
                l.window_episodes += 1;
                l.window_return += l.episode_return;
                l.window_length += l.episode_step as f32;
                l.episode_step = 0;
                l.episode_return = 0.0;
                (env.reset)(state, &mut reset_rng);
                (env.observe)(state, &mut seen);
            }
            l.step += 1;
            obs.copy_from_slice(&seen);
        }
    }
}

fn choose(p: &Params, env: &EnvTwin, h: &Agent, q: &[f32], l: &Lane, rng: &mut Rng) -> u32 {
    let actions = env.num_actions;
    let env_steps = l.step.wrapping_mul(p.num_lanes);
    let epsilon = if p.explore == 1 {
        schedule(h.epsilon, h.epsilon_final, h.epsilon_decay_steps, env_steps as f32)
    } else {
        0.0
    };
    let coin = rng.uniform();
    let u = rng.uniform();
    if l.step < p.uniform_steps || coin < epsilon {
        return ((u * actions as f32) as u32).min(actions as u32 - 1);
    }
    if p.policy == 1 {
        return argmax_of(|a| q[a], actions) as u32;
    }
    softmax_of(|a| q[a], actions, h.alpha).sample(|a| q[a], actions, h.alpha, u) as u32
}
