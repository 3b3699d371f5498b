//! Twin of `shaders/shared/valley.wgsl`: the valley of MountainCar-v0 and MountainCarContinuous-v0.

use crate::gpu_struct;
use crate::shared::draw::{paint, sd_circle, sd_round_box};
use crate::shared::math::sincos_f32;
use crate::shared::rng::Rng;

/// The wall on the left, which stops the car.
pub const MIN_POSITION: f32 = -1.2;
/// The end on the right.
pub const MAX_POSITION: f32 = 0.6;
/// Largest velocity either way.
pub const MAX_SPEED: f32 = 0.07;

const SKY: [f32; 3] = [1.0, 1.0, 1.0];
const GROUND: [f32; 3] = [0.0, 0.0, 0.0];
const CAR: [f32; 3] = [0.0, 0.0, 0.0];
const WHEEL: [f32; 3] = [0.502, 0.502, 0.502];
const FLAG: [f32; 3] = [0.8, 0.8, 0.0];

gpu_struct! {
    /// The car.
    pub struct State {
        /// Position along the horizontal, in [-1.2, 0.6].
        pub position: f32,
        /// Position gained per step, in [-0.07, 0.07].
        pub velocity: f32,
    }
}

/// Initial state: at rest near the bottom.
pub fn reset(rng: &mut Rng<'_>) -> State {
    State { position: rng.range(-0.6, -0.4), velocity: 0.0 }
}

/// One step of unit length with `push` from the engine; the position advances with the new velocity.
#[inline(always)]
pub fn step(s: State, push: f32, gravity: f32) -> State {
    let slope = sincos_f32(3.0 * s.position).1;
    let velocity = (s.velocity + push - gravity * slope).clamp(-MAX_SPEED, MAX_SPEED);
    let position = (s.position + velocity).clamp(MIN_POSITION, MAX_POSITION);
    let stopped = position == MIN_POSITION && velocity < 0.0;
    State { position, velocity: if stopped { 0.0 } else { velocity } }
}

/// The valley with the car at `position` and a flag at `goal`, whose height is `goal_height`; 1.8 m wide, 1.2 m high.
#[inline(always)]
pub fn draw(position: f32, goal: f32, goal_height: f32, uv: [f32; 2]) -> [f32; 3] {
    let at = [1.8 * uv[0], 1.2 * uv[1]];
    let here = sincos_f32(5.4 * uv[0] - 3.6);
    let ground = at[1] - (0.65 - 0.45 * here.0);
    let mut colour = paint(SKY, GROUND, ground.abs() / (1.8225 * (here.1 * here.1) + 1.0).sqrt() - 0.004);

    let hill = sincos_f32(3.0 * position);
    let turn = sincos_f32(hill.1);
    let right = at[0] - (position + 1.2);
    let up = (0.62 - 0.45 * hill.0) - at[1];
    let along = right * turn.1 + up * turn.0;
    let across = up * turn.1 - right * turn.0;
    colour = paint(colour, CAR, sd_round_box([along, across - 0.03], [0.06, 0.03], 0.0));
    colour = paint(colour, WHEEL, sd_circle([along - 0.03, across], 0.024));
    colour = paint(colour, WHEEL, sd_circle([along + 0.03, across], 0.024));

    let beyond = at[0] - (goal - MIN_POSITION);
    let depth = 1.2 - goal_height;
    let pole = f32::max(beyond.abs() - 0.0035, (at[1] - (depth - 0.075)).abs() - 0.075);
    let pennant = f32::max(-beyond, (at[1] - (depth - 0.135)).abs() + 0.2 * beyond - 0.015);
    colour = paint(colour, GROUND, pole);
    paint(colour, FLAG, pennant)
}
