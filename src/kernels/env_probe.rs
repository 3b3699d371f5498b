//! Single environment steps from given states, or resets. Twin of `shaders/env_probe.wgsl`.

use crate::engine::env::{Env, Outcome};
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::rng::{Rng, STREAM_RESET, STREAM_STEP};

gpu_struct! {
    /// Sizes and the random stream.
    pub struct Params {
        /// States.
        pub rows: u32,
        /// Seed of environments with random dynamics.
        pub seed: u32,
        /// Step of the random stream.
        pub step: u32,
        /// Given draws per row.
        pub draws: u32,
        /// 1: start from `reset` instead of stepping. 2: only observe.
        pub reset: u32,
    }
}

kernel! {
    /// One step, or one reset, of every row, without autoreset.
    env_probe, params Params, workgroup 64, env env needs Any,
    bindings {
        read actions: u32, read draws: u32, read env_params: EnvParams,
        write state: EnvState, write obs: f32, write rewards: f32, write terminated: f32,
    }
    sizes |p, env| {
        let rows = u64::from(p.rows);
        vec![rows * env.action_words, product(&[p.rows, p.draws]), rows, rows, rows * env.obs, rows, rows]
    };
    grid |p| [groups(u64::from(p.rows), 64), 1, 1];
    loops |_, env| env.action_words + env.obs + env.loops;
    twin twin
}

fn twin(
    p: &Params,
    env: &Env,
    actions: &[u32],
    draws: &[u32],
    env_params: &[u32],
    state: &mut [u32],
    obs: &mut [f32],
    rewards: &mut [f32],
    terminated: &mut [f32],
) {
    let world = env.twin();
    let [obs_size, state_words, param_words, draw_words] =
        [env.obs_size, env.state_words, env.param_words(), p.draws].map(|n| n as usize);
    let action_words = env.actions.words();
    for row in 0..p.rows as usize {
        let params = &env_params[row * param_words..][..param_words];
        let state = &mut state[row * state_words..][..state_words];
        let given = &draws[row * draw_words..][..draw_words];
        let mut rng = Rng { given, ..Rng::new(p.seed, STREAM_STEP, p.step, row as u32) };
        let mut outcome = Outcome { reward: 0.0, terminated: false };
        if p.reset == 1 {
            rng.stream = STREAM_RESET;
            world.reset(params, state, &mut rng);
        }
        if p.reset == 0 {
            outcome = world.step(params, state, &actions[row * action_words..][..action_words], &mut rng);
        }
        world.observe(params, state, &mut obs[row * obs_size..][..obs_size]);
        rewards[row] = outcome.reward;
        terminated[row] = f32::from(u8::from(outcome.terminated));
    }
}
