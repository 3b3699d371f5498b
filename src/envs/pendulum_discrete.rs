//! PendulumDiscrete-v1: the twin of `shaders/envs/pendulum_discrete.wgsl`, in the same order of operations.

use crate::engine::env::{Axis, BuiltIn, Outcome, World};
use crate::envs::pendulum::AXES;
use crate::shared::pendulum::{self, Params, State};
use crate::shared::rng::Rng;

/// Pendulum-v1 with five torques.
pub static PENDULUM_DISCRETE: BuiltIn = BuiltIn {
    id: "PendulumDiscrete-v1",
    short: "pendulum_discrete",
    title: "the pendulum with five torques",
    file: "pendulum_discrete.wgsl",
    source: include_str!("../../shaders/envs/pendulum_discrete.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(PendulumDiscrete)),
};

/// The rules.
pub struct PendulumDiscrete;

impl World for PendulumDiscrete {
    type State = State;
    type Params = Params;
    const ABREAST: bool = true;

    fn reset(&self, _env: &Params, rng: &mut Rng<'_>) -> State {
        pendulum::reset(rng)
    }

    #[inline(always)]
    fn step(&self, env: &Params, state: &mut State, action: &[u32], _rng: &mut Rng<'_>) -> Outcome {
        pendulum::step(env, state, action[0] as f32 - 2.0)
    }

    fn observe(&self, _env: &Params, state: &State, obs: &mut [f32]) {
        pendulum::observe(state, obs);
    }

    #[inline(always)]
    fn draw(&self, _env: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        pendulum::draw(state, uv)
    }

    fn axes(&self) -> &'static [Axis] {
        AXES
    }
}
