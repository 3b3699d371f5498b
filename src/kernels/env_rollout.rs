//! Random play, many steps in one dispatch. Twin of `shaders/env_rollout.wgsl`.

use crate::engine::env::Env;
use crate::engine::threads;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::groups;
use crate::shared::agent::Lane;
use crate::shared::rng::{Rng, STREAM_ACTION, STREAM_RESET, STREAM_STEP};

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
    let world = env.twin();
    let [state_words, param_words] = [env.state_words, env.param_words()].map(|n| n as usize);
    let count = p.num_lanes as usize;
    let rows = state[..count * state_words].chunks_mut(state_words).zip(&mut lanes[..count]).enumerate();
    threads::any_order(rows.collect(), |(lane, (s, l)): (usize, (&mut [u32], &mut Lane))| {
        let params = &env_params[lane * param_words..][..param_words];
        let mut action = vec![0; env.actions.words()];
        for _ in 0..p.steps {
            let rng = |stream| Rng::new(p.seed, p.stream + stream, l.step, lane as u32);
            env.actions.sample(&mut rng(STREAM_ACTION), &mut action);
            let outcome = world.step(params, s, &action, &mut rng(STREAM_STEP));
            let mut reset_rng = rng(STREAM_RESET);
            l.episode_step += 1;
            l.episode_return += outcome.reward;
            if outcome.terminated || l.episode_step >= env.step_limit() {
                if l.episodes == 0 {
                    l.first_return = l.episode_return;
                }
                l.episodes += 1;
                l.window_episodes += 1;
                l.window_return += l.episode_return;
                l.window_length += l.episode_step as f32;
                l.episode_step = 0;
                l.episode_return = 0.0;
                world.reset(params, s, &mut reset_rng);
            }
            l.step += 1;
        }
    });
}
