//! MountainCarContinuous-v0: the twin of `shaders/envs/mountain_car_continuous.wgsl`, in the same order of operations.

use crate::engine::env::{Axis, BuiltIn, Outcome, World};
use crate::envs::mountain_car::AXES;
use crate::gpu_struct;
use crate::shared::rng::Rng;
use crate::shared::valley::{self, State};

/// MountainCarContinuous-v0 as Gymnasium 1.4 defines it.
pub static MOUNTAIN_CAR_CONTINUOUS: BuiltIn = BuiltIn {
    id: "MountainCarContinuous-v0",
    short: "mountain_car_continuous",
    title: "the mountain car with a throttle",
    file: "mountain_car_continuous.wgsl",
    source: include_str!("../../shaders/envs/mountain_car_continuous.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(MountainCarContinuous)),
};

const GOAL_POSITION: f32 = 0.45;
const GOAL_HEIGHT: f32 = 0.989_075_5;

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Least velocity at the flag.
        pub goal_velocity: f32,
        /// Pull of gravity along the slope.
        pub gravity: f32,
        /// Push of the engine at full throttle.
        pub power: f32,
    }
}

/// The rules.
pub struct MountainCarContinuous;

impl World for MountainCarContinuous {
    type State = State;
    type Params = Params;
    const ABREAST: bool = true;

    fn reset(&self, _env: &Params, rng: &mut Rng<'_>) -> State {
        valley::reset(rng)
    }

    #[inline(always)]
    fn step(&self, env: &Params, state: &mut State, action: &[u32], _rng: &mut Rng<'_>) -> Outcome {
        let throttle = f32::from_bits(action[0]);
        let push = throttle.clamp(-1.0, 1.0) * env.power;
        let next = valley::step(*state, push, env.gravity);
        *state = next;
        let terminated = next.position >= GOAL_POSITION && next.velocity >= env.goal_velocity;
        let prize = if terminated { 100.0 } else { 0.0 };
        Outcome { reward: prize - 0.1 * throttle * throttle, terminated }
    }

    fn observe(&self, _env: &Params, state: &State, obs: &mut [f32]) {
        obs.copy_from_slice(&[state.position, state.velocity]);
    }

    #[inline(always)]
    fn draw(&self, _env: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        valley::draw(state.position, GOAL_POSITION, GOAL_HEIGHT, uv)
    }

    fn axes(&self) -> &'static [Axis] {
        AXES
    }
}
