//! Pendulum-v1: the twin of `shaders/envs/pendulum.wgsl`, in the same order of operations.

use std::f32::consts::PI;

use crate::engine::env::{Axis, BuiltIn, Outcome, World};
use crate::shared::pendulum::{self, Params, State};
use crate::shared::rng::Rng;

/// Pendulum-v1 as Gymnasium 1.4 defines it.
pub static PENDULUM: BuiltIn = BuiltIn {
    id: "Pendulum-v1",
    short: "pendulum",
    title: "swing a pendulum up and keep it there",
    file: "pendulum.wgsl",
    source: include_str!("../../shaders/envs/pendulum.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(Pendulum)),
};

/// Every angle, and every velocity up to the limit.
pub const AXES: &[Axis] = &[
    Axis { name: "theta", low: -PI, high: PI, wraps: true, points: 120 },
    Axis {
        name: "theta_dot",
        low: -pendulum::MAX_SPEED,
        high: pendulum::MAX_SPEED,
        wraps: false,
        points: 121,
    },
];

/// The rules.
pub struct Pendulum;

impl World for Pendulum {
    type State = State;
    type Params = Params;
    const ABREAST: bool = true;

    fn reset(&self, _env: &Params, rng: &mut Rng<'_>) -> State {
        pendulum::reset(rng)
    }

    #[inline(always)]
    fn step(&self, env: &Params, state: &mut State, action: &[u32], _rng: &mut Rng<'_>) -> Outcome {
        pendulum::step(env, state, f32::from_bits(action[0]))
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
