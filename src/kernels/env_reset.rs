//! Starts every environment. Twin of `shaders/env_reset.wgsl`.

use crate::engine::env::Env;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::lane_step::LaneOf;
use crate::kernels::{groups, product};
use crate::shared::agent::{Agent, FAULT_OBS, Lane};
use crate::shared::math::is_finite_f32;

gpu_struct! {
    /// Sizes and the stream.
    pub struct Params {
        /// Environments per agent.
        pub num_lanes: u32,
        /// Base of the random streams.
        pub stream: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// Initial states, observations, cleared bookkeeping.
    env_reset, params Params, workgroup 64, env env needs Any,
    bindings {
        read agents: Agent, read env_params: EnvParams,
        write state: EnvState, write lanes: Lane, write obs: f32,
    }
    sizes |p, env| {
        let lanes = product(&[p.agents, p.num_lanes]);
        vec![u64::from(p.agents), lanes, lanes, lanes, lanes * env.obs]
    };
    grid |p| [groups(u64::from(p.num_lanes), 64), 1, u64::from(p.agents)];
    loops |_, env| env.obs + env.loops;
    twin twin
}

fn twin(
    p: &Params,
    env: &Env,
    agents: &[Agent],
    env_params: &[u32],
    state: &mut [u32],
    lanes: &mut [Lane],
    obs: &mut [f32],
) {
    let [num_lanes, obs_size, state_words, param_words] =
        [p.num_lanes, env.obs_size, env.state_words, env.param_words()].map(|n| n as usize);
    for agent in 0..p.agents as usize {
        for i in 0..num_lanes {
            let lane = agent * num_lanes + i;
            let params = &env_params[lane * param_words..][..param_words];
            let state = &mut state[lane * state_words..][..state_words];
            let seed = agents[agent].seed;
            LaneOf { env, params, seed, stream: p.stream, index: i as u32 }.start(u32::MAX, state);
            lanes[lane] = Lane::default();
            let obs = &mut obs[lane * obs_size..][..obs_size];
            env.twin().observe(params, state, obs);
            if obs.iter().any(|x| !is_finite_f32(*x)) {
                lanes[lane].fault = FAULT_OBS;
            }
        }
    }
}
