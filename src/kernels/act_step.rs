//! One environment step of every environment: choose, step, keep statistics, store, reset. Twin of
//! `shaders/act_step.wgsl`.

use crate::engine::env::Env;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::agent::{Agent, Lane, schedule};
use crate::shared::policy::{BISECTIONS, argmax_of, softmax_of, temperature_of};
use crate::shared::rng::{Rng, STREAM_ACTION, STREAM_RESET, STREAM_STEP};

gpu_struct! {
    /// Sizes and the behaviour; see the shader's header.
    pub struct Params {
        /// Environments per agent.
        pub num_lanes: u32,
        /// Base of the random streams.
        pub stream: u32,
        /// 0 softmax, 1 argmax, 2 softmax at the state's own temperature.
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

/// What the ring stores at the end of a transition whose episode terminated; 0 where it goes on.
pub const TERMINATED: f32 = 1.0;
/// The same where the time limit cut the episode.
pub const TRUNCATED: f32 = 2.0;

kernel! {
    /// One step of every environment.
    act_step, params Params, workgroup 64, env env needs Discrete,
    bindings {
        read agents: Agent, read q: f32,
        read env_params: EnvParams, write state: EnvState, write lanes: Lane, write obs: f32, write replay: f32,
    }
    sizes |p, env| {
        let lanes = product(&[p.agents, p.num_lanes]);
        let agents = u64::from(p.agents);
        let replay = product(&[p.agents, p.capacity]) * (2 * env.obs + env.action_words + 2);
        vec![agents, lanes * env.outputs, lanes, lanes, lanes, lanes * env.obs, replay]
    };
    grid |p| [groups(u64::from(p.num_lanes), 64), 1, u64::from(p.agents)];
    // Three passes over the action values, two for every halving of a temperature, three over observations, and the file's own
    // loops.
    loops |p, env| {
        let halvings = if p.policy == 2 { u64::from(BISECTIONS) } else { 0 };
        (3 + 2 * halvings) * env.outputs + halvings * env.action_words + 3 * (env.obs + env.action_words) + env.loops
    };
    twin twin
}

fn twin(
    p: &Params,
    env: &Env,
    agents: &[Agent],
    q: &[f32],
    env_params: &[u32],
    state: &mut [u32],
    lanes: &mut [Lane],
    obs: &mut [f32],
    replay: &mut [f32],
) {
    let [num_lanes, capacity] = [p.num_lanes, p.capacity].map(|d| d as usize);
    let world = env.twin();
    let [obs_size, state_words, param_words, outputs] =
        [env.obs_size, env.state_words, env.param_words(), env.actions.outputs()].map(|n| n as usize);
    let heads = env.actions.heads();
    let mut action = vec![0; heads.len()];
    let mut seen = vec![0.0; obs_size];
    for agent in 0..p.agents as usize {
        let h = &agents[agent];
        for i in 0..num_lanes {
            let lane = agent * num_lanes + i;
            let q = &q[lane * outputs..][..outputs];
            let params = &env_params[lane * param_words..][..param_words];
            let l = &mut lanes[lane];
            let rng = |stream| Rng::new(h.seed, p.stream + stream, l.step, i as u32);
            choose(p, env, &heads, h, q, l, &mut rng(STREAM_ACTION), &mut action);
            let mut reset_rng = rng(STREAM_RESET);

            let state = &mut state[lane * state_words..][..state_words];
            let outcome = world.step(params, state, &action, &mut rng(STREAM_STEP));
            world.observe(params, state, &mut seen);
            let obs = &mut obs[lane * obs_size..][..obs_size];

            l.episode_step += 1;
            l.episode_return += outcome.reward;
            let truncated = l.episode_step >= env.step_limit();
            if capacity > 0 {
                let row = agent * capacity + (l.step as usize % (capacity / num_lanes)) * num_lanes + i;
                let stride = 2 * obs_size + heads.len() + 2;
                let transition = &mut replay[row * stride..][..stride];
                transition[..obs_size].copy_from_slice(obs);
                transition[obs_size..2 * obs_size].copy_from_slice(&seen);
                for (head, action) in action.iter().enumerate() {
                    transition[2 * obs_size + head] = *action as f32;
                }
                transition[stride - 2] = outcome.reward * h.reward_scale;
                transition[stride - 1] = match (outcome.terminated, truncated) {
                    (true, _) => TERMINATED,
                    (false, true) => TRUNCATED,
                    (false, false) => 0.0,
                };
            }
            if outcome.terminated || truncated {
                if l.episodes == 0 {
                    l.first_return = l.episode_return;
                }
                l.episodes += 1;
                l.window_episodes += 1;
                l.window_return += l.episode_return;
                l.window_length += l.episode_step as f32;
                l.episode_step = 0;
                l.episode_return = 0.0;
                world.reset(params, state, &mut reset_rng);
                world.observe(params, state, &mut seen);
            }
            l.step += 1;
            obs.copy_from_slice(&seen);
        }
    }
}

fn choose(
    p: &Params,
    env: &Env,
    heads: &[u32],
    h: &Agent,
    q: &[f32],
    l: &Lane,
    rng: &mut Rng<'_>,
    action: &mut [u32],
) {
    let env_steps = l.step.wrapping_mul(p.num_lanes);
    let epsilon = if p.explore == 1 {
        schedule(h.epsilon, h.epsilon_final, h.epsilon_decay_steps, env_steps as f32)
    } else {
        0.0
    };
    let coin = rng.uniform();
    if l.step < p.uniform_steps || coin < epsilon {
        return env.actions.sample(rng, action);
    }
    let mut column = 0;
    for (action, actions) in action.iter_mut().zip(heads) {
        let u = rng.uniform();
        let actions = *actions as usize;
        let q = &q[column..][..actions];
        *action = if p.policy == 1 {
            argmax_of(|a| q[a], actions) as u32
        } else {
            let alpha = match p.policy {
                2 => temperature_of(|a| q[a], actions, h.target_entropy),
                _ => h.alpha,
            };
            softmax_of(|a| q[a], actions, alpha).sample(|a| q[a], actions, alpha, u) as u32
        };
        column += actions;
    }
}
