//! Starts every environment. Twin of `shaders/env_reset.wgsl`.

use crate::engine::env::EnvTwin;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::agent::{Agent, Lane};
use crate::shared::rng::{Rng, STREAM_RESET};

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
    env_reset, params Params, workgroup 64, env env,
    bindings { read agents: Agent, write state: EnvState, write lanes: Lane, write obs: f32 }
    sizes |p, env| {
        let lanes = product(&[p.agents, p.num_lanes]);
        vec![u64::from(p.agents), lanes, lanes, lanes * env.obs]
    };
    grid |p| [groups(u64::from(p.num_lanes), 64), 1, u64::from(p.agents)];
    loops |_| 256;
    twin twin
}

fn twin(p: &Params, env: &EnvTwin, agents: &[Agent], state: &mut [u32], lanes: &mut [Lane], obs: &mut [f32]) {
    let num_lanes = p.num_lanes as usize;
    for agent in 0..p.agents as usize {
        for i in 0..num_lanes {
            let lane = agent * num_lanes + i;
            let state = &mut state[lane * env.state_words..][..env.state_words];
            let mut rng = Rng::new(agents[agent].seed, p.stream + STREAM_RESET, u32::MAX, i as u32);
            (env.reset)(state, &mut rng);
            lanes[lane] = Lane::default();
            (env.observe)(state, &mut obs[lane * env.obs_size..][..env.obs_size]);
        }
    }
}
