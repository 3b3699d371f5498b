//! One environment step of every environment with real-valued actions: choose, step, keep statistics, store, reset. Twin of
//! `shaders/act_box.wgsl`.

use crate::engine::env::{ActionSpace, Env};
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::act_lane::{Lanes, Memory, act_lanes};
use crate::kernels::{groups, product};
use crate::shared::agent::{Agent, Lane, schedule};
use crate::shared::math::{exp_f32, tanh_f32};
use crate::shared::normal::normal;
use crate::shared::rng::{Rng, STREAM_ACTION};
use crate::shared::tanh_gaussian::LogStd;

gpu_struct! {
    /// Sizes and the behaviour; see the shader's header.
    pub struct Params {
        /// Environments per agent.
        pub num_lanes: u32,
        /// Base of the random streams.
        pub stream: u32,
        /// 1: the mean, without noise.
        pub greedy: u32,
        /// 1: epsilon follows the schedule.
        pub explore: u32,
        /// Steps of a lane with uniform actions.
        pub uniform_steps: u32,
        /// Steps for which random numbers stay, at least 1.
        pub hold: u32,
        /// Columns of `policy`: twice the dimensions, or the means alone where `greedy` is 1.
        pub outputs: u32,
        /// Transitions per agent in `replay`, a multiple of `num_lanes`; 0 stores nothing.
        pub capacity: u32,
        /// Smallest `ln sigma`.
        pub log_std_min: f32,
        /// Largest `ln sigma`.
        pub log_std_max: f32,
        /// 1: squashed between the two, 0: clamped.
        pub squashed: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// One step of every environment with real-valued actions.
    act_box, params Params, workgroup 64, env env needs Continuous,
    bindings {
        read agents: Agent, read policy: f32,
        read env_params: EnvParams, write state: EnvState, write lanes: Lane, write obs: f32, write replay: u32,
    }
    sizes |p, env| {
        let lanes = product(&[p.agents, p.num_lanes]);
        let agents = u64::from(p.agents);
        let replay = product(&[p.agents, p.capacity]) * env.transition_words;
        let least = if p.greedy == 1 { env.action_words } else { 2 * env.action_words };
        vec![agents, lanes * u64::from(p.outputs).max(least), lanes, lanes, lanes, lanes * env.obs, replay]
    };
    grid |p| [groups(u64::from(p.num_lanes), 64), 1, u64::from(p.agents)];
    loops |_, env| 3 * (env.obs + env.action_words) + 3 * env.loops;
    twin twin
}

fn twin(
    p: &Params,
    env: &Env,
    agents: &[Agent],
    policy: &[f32],
    env_params: &[u32],
    state: &mut [u32],
    lanes: &mut [Lane],
    obs: &mut [f32],
    replay: &mut [u32],
) {
    let outputs = p.outputs as usize;
    let scales = env.actions.scales();
    let memory = Memory { agents, env_params, state, lanes, obs, replay };
    let sizes = Lanes { num_lanes: p.num_lanes, stream: p.stream, capacity: p.capacity, agents: p.agents };
    act_lanes(env, sizes, memory, |h, lane, at, action| {
        chosen_action(p, (&env.actions, &scales), h, &policy[lane * outputs..][..outputs], at, action);
    });
}

/// The action of lane `index` after `step` steps.
fn chosen_action(
    p: &Params,
    (space, scales): (&ActionSpace, &[[f32; 2]]),
    h: &Agent,
    policy: &[f32],
    (index, step): (u32, u32),
    action: &mut [u32],
) {
    let epsilon = if p.explore == 1 {
        schedule(h.epsilon, h.epsilon_final, h.epsilon_decay_steps, step.wrapping_mul(p.num_lanes) as f32)
    } else {
        0.0
    };
    let mut rng = Rng::new(h.seed, p.stream + STREAM_ACTION, step / p.hold.max(1), index);
    let coin = rng.uniform();
    if step < p.uniform_steps || coin < epsilon {
        return space.sample(&mut rng, action);
    }
    let ActionSpace::Box { low, high } = space else { return };
    let range = LogStd { low: p.log_std_min, high: p.log_std_max, squashed: p.squashed };
    let (means, raw) = policy.split_at(scales.len());
    for (i, [scale, bias]) in scales.iter().enumerate() {
        let mut u = means[i];
        if p.greedy == 0 {
            u += exp_f32(range.of(raw[i])) * normal(&mut rng);
        }
        action[i] = (tanh_f32(u) * scale + bias).max(low[i]).min(high[i]).to_bits();
    }
}
