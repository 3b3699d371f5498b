//! One environment step of every environment: choose, step, keep statistics, store, reset. Twin of
//! `shaders/act_step.wgsl`.

use crate::engine::env::Env;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::act_lane::{Lanes, Memory, act_lanes};
use crate::kernels::choose::Chooser;
use crate::kernels::{groups, product};
use crate::shared::agent::{Agent, Lane, schedule};
use crate::shared::policy::BISECTIONS;
use crate::shared::rng::{Rng, STREAM_ACTION};

gpu_struct! {
    /// Sizes and the behaviour; see the shader's header.
    pub struct Params {
        /// Environments per agent.
        pub num_lanes: u32,
        /// Base of the random streams.
        pub stream: u32,
        /// 0 softmax, 1 argmax, 2 softmax at the state's own temperature, 3 softmax without one; see `choose`.
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
    act_step, params Params, workgroup 64, env env needs Discrete,
    bindings {
        read agents: Agent, read q: f32,
        read env_params: EnvParams, write state: EnvState, write lanes: Lane, write obs: f32, write replay: u32,
    }
    sizes |p, env| {
        let lanes = product(&[p.agents, p.num_lanes]);
        let agents = u64::from(p.agents);
        let replay = product(&[p.agents, p.capacity]) * env.transition_words;
        vec![agents, lanes * env.outputs, lanes, lanes, lanes, lanes * env.obs, replay]
    };
    grid |p| [groups(u64::from(p.num_lanes), 64), 1, u64::from(p.agents)];
    // Three passes over the action values, two for every halving of a temperature, two over observations, three over the words
    // of an action, and the file's own loops.
    loops |p, env| {
        let halvings = if p.policy == 2 { u64::from(BISECTIONS) } else { 0 };
        (3 + 2 * halvings) * env.outputs + halvings * env.action_words + 2 * env.obs + 3 * env.action_words + 3 * env.loops
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
    replay: &mut [u32],
) {
    let outputs = env.actions.outputs() as usize;
    let heads = env.actions.heads();
    let memory = Memory { agents, env_params, state, lanes, obs, replay };
    let sizes = Lanes { num_lanes: p.num_lanes, stream: p.stream, capacity: p.capacity, agents: p.agents };
    act_lanes(env, sizes, memory, |h, lane, at, action| {
        chosen_action(p, env, &heads, h, &q[lane * outputs..][..outputs], at, action);
    });
}

/// The action of lane `index` after `step` steps.
fn chosen_action(
    p: &Params,
    env: &Env,
    heads: &[u32],
    h: &Agent,
    q: &[f32],
    (index, step): (u32, u32),
    action: &mut [u32],
) {
    let epsilon = if p.explore == 1 {
        schedule(h.epsilon, h.epsilon_final, h.epsilon_decay_steps, step.wrapping_mul(p.num_lanes) as f32)
    } else {
        0.0
    };
    let mut rng = Rng::new(h.seed, p.stream + STREAM_ACTION, step, index);
    let at_random = step < p.uniform_steps;
    let how =
        Chooser { policy: p.policy, at_random, epsilon, alpha: h.alpha, target_entropy: h.target_entropy };
    how.choose(&env.actions, heads, q, &mut rng, action);
}
