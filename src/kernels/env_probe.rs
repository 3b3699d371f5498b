//! Single environment steps from given states. Twin of `shaders/env_probe.wgsl`.

use crate::engine::env::EnvTwin;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::groups;
use crate::shared::rng::{Rng, STREAM_STEP};

gpu_struct! {
    /// Sizes and the seed.
    pub struct Params {
        /// States.
        pub rows: u32,
        /// Seed of environments with random dynamics.
        pub seed: u32,
    }
}

kernel! {
    /// One step of every row, without autoreset.
    env_probe, params Params, workgroup 64, env env,
    bindings {
        read actions: u32, write state: EnvState, write obs: f32, write rewards: f32, write terminated: f32,
    }
    sizes |p, env| {
        let rows = u64::from(p.rows);
        vec![rows, rows, rows * env.obs, rows, rows]
    };
    grid |p| [groups(u64::from(p.rows), 64), 1, 1];
    loops |_| 1024;
    twin twin
}

fn twin(
    p: &Params,
    env: &EnvTwin,
    actions: &[u32],
    state: &mut [u32],
    obs: &mut [f32],
    rewards: &mut [f32],
    terminated: &mut [f32],
) {
    for row in 0..p.rows as usize {
        let state = &mut state[row * env.state_words..][..env.state_words];
        let mut rng = Rng::new(p.seed, STREAM_STEP, 0, row as u32);
        let (reward, ended) = (env.step)(state, actions[row], &mut rng);
        (env.observe)(state, &mut obs[row * env.obs_size..][..env.obs_size]);
        rewards[row] = reward;
        terminated[row] = f32::from(u8::from(ended));
    }
}
