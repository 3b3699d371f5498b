//! MountainCar-v0: the twin of `shaders/envs/mountain_car.wgsl`, in the same order of operations.

use crate::engine::env::{Axis, BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::rng::Rng;
use crate::shared::valley::{self, State};

/// MountainCar-v0 as Gymnasium 1.4 defines it.
pub static MOUNTAIN_CAR: BuiltIn = BuiltIn {
    id: "MountainCar-v0",
    short: "mountain_car",
    title: "drive an underpowered car out of a valley",
    file: "mountain_car.wgsl",
    source: include_str!("../../shaders/envs/mountain_car.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(MountainCar)),
};

const GOAL_POSITION: f32 = 0.5;
const GOAL_HEIGHT: f32 = 0.998_872_74;

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Least velocity at the flag.
        pub goal_velocity: f32,
        /// Pull of gravity along the slope.
        pub gravity: f32,
        /// Push of the engine.
        pub force: f32,
    }
}

/// Every position and every velocity up to the limits.
pub const AXES: &[Axis] = &[
    Axis {
        name: "position",
        low: valley::MIN_POSITION,
        high: valley::MAX_POSITION,
        wraps: false,
        points: 181,
    },
    Axis { name: "velocity", low: -valley::MAX_SPEED, high: valley::MAX_SPEED, wraps: false, points: 141 },
];

/// The rules.
pub struct MountainCar;

impl World for MountainCar {
    type State = State;
    type Params = Params;
    const ABREAST: bool = true;

    fn reset(&self, _env: &Params, rng: &mut Rng<'_>) -> State {
        valley::reset(rng)
    }

    #[inline(always)]
    fn step(&self, env: &Params, state: &mut State, action: &[u32], _rng: &mut Rng<'_>) -> Outcome {
        let push = (action[0] as f32 - 1.0) * env.force;
        let next = valley::step(*state, push, env.gravity);
        *state = next;
        let terminated = next.position >= GOAL_POSITION && next.velocity >= env.goal_velocity;
        Outcome { reward: -1.0, terminated }
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
