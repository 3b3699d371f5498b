//! Random play, many steps in one dispatch. Twin of `shaders/env_rollout.wgsl`.

use crate::engine::env::Env;
use crate::engine::threads;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::groups;
use crate::kernels::lane_step::LaneOf;
use crate::shared::agent::Lane;
use crate::shared::rng::{Rng, STREAM_ACTION};

gpu_struct! {
    /// Sizes and the random streams.
    pub struct Params {
        /// Environments.
        pub num_lanes: u32,
        /// Steps of each.
        pub steps: u32,
        /// Seed.
        pub seed: u32,
        /// Base of the random streams.
        pub stream: u32,
    }
}

kernel! {
    /// `steps` random steps of every environment.
    env_rollout, params Params, workgroup 64, env env needs Any,
    bindings { read env_params: EnvParams, write state: EnvState, write lanes: Lane }
    sizes |p, _| vec![u64::from(p.num_lanes); 3];
    grid |p| [groups(u64::from(p.num_lanes), 64), 1, 1];
    loops |p, env| u64::from(p.steps) * (1 + env.loops);
    twin twin
}

fn twin(p: &Params, env: &Env, env_params: &[u32], state: &mut [u32], lanes: &mut [Lane]) {
    let [state_words, param_words] = [env.state_words, env.param_words()].map(|n| n as usize);
    let count = p.num_lanes as usize;
    let rows = state[..count * state_words].chunks_mut(state_words).zip(&mut lanes[..count]).enumerate();
    threads::any_order(rows.collect(), |(lane, (s, l)): (usize, (&mut [u32], &mut Lane))| {
        let params = &env_params[lane * param_words..][..param_words];
        let mut action = vec![0; env.actions.words()];
        let of = LaneOf { env, params, seed: p.seed, stream: p.stream, index: lane as u32 };
        for _ in 0..p.steps {
            let mut rng = Rng::new(p.seed, p.stream + STREAM_ACTION, l.step, lane as u32);
            env.actions.sample(&mut rng, &mut action);
            let done = of.step(&action, s, l);
            of.next(done.ended, s, l);
        }
    });
}
