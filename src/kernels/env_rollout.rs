//! Random play, many steps in one dispatch. Twin of `shaders/env_rollout.wgsl`.

mod abreast;

use crate::engine::abreast::LANES;
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
    loops |p, env| u64::from(p.steps) * (1 + 2 * env.loops);
    twin twin
}

fn twin(p: &Params, env: &Env, env_params: &[u32], state: &mut [u32], lanes: &mut [Lane]) {
    let [state_words, param_words] = [env.state_words, env.param_words()].map(|n| n as usize);
    let count = p.num_lanes as usize;
    let groups =
        lanes[..count].chunks_mut(LANES).zip(state[..count * state_words].chunks_mut(LANES * state_words));
    let groups = groups.zip(env_params.chunks(LANES * param_words)).enumerate();
    threads::any_order(groups.collect(), |(group, ((lanes, state), params))| {
        let mut group = Group { p, env, first: (group * LANES) as u32, params, state, lanes };
        if !group.play_abreast() {
            group.play();
        }
    });
}

/// Neighbouring lanes, [`LANES`] at most.
struct Group<'a> {
    p: &'a Params,
    env: &'a Env,
    first: u32,
    params: &'a [u32],
    state: &'a mut [u32],
    lanes: &'a mut [Lane],
}

impl Group<'_> {
    fn of(&self, lane: usize) -> LaneOf<'_> {
        let words = self.env.param_words() as usize;
        let params = &self.params[lane * words..][..words];
        let Params { seed, stream, .. } = *self.p;
        LaneOf { env: self.env, params, seed, stream, index: self.first + lane as u32 }
    }

    /// One lane after the other.
    fn play(&mut self) {
        let words = self.env.state_words as usize;
        let mut action = vec![0; self.env.actions.words()];
        for i in 0..self.lanes.len() {
            let mut lane = self.lanes[i];
            let mut state = self.state[i * words..][..words].to_vec();
            let of = self.of(i);
            for _ in 0..self.p.steps {
                let mut rng = Rng::new(of.seed, of.stream + STREAM_ACTION, lane.step, of.index);
                self.env.actions.sample(&mut rng, &mut action);
                let done = of.step(&action, &mut state, &mut lane);
                of.next(done.ended, &mut state, &mut lane);
            }
            self.state[i * words..][..words].copy_from_slice(&state);
            self.lanes[i] = lane;
        }
    }
}
