//! Twin of `shaders/shared/pendulum.wgsl`: the pendulum of Pendulum-v1 and PendulumDiscrete-v1.

use crate::gpu_struct;
use crate::shared::angle::wrap_angle;
use crate::shared::draw::{paint, sd_circle, sd_segment};
use crate::shared::math::sincos_f32;
use crate::shared::outcome::Outcome;
use crate::shared::rng::Rng;

const PI: f32 = std::f32::consts::PI;
/// Largest angular velocity either way, rad/s.
pub const MAX_SPEED: f32 = 8.0;
const MAX_TORQUE: f32 = 2.0;
const DT: f32 = 0.05;

const BACKGROUND: [f32; 3] = [1.0, 1.0, 1.0];
const ROD: [f32; 3] = [0.8, 0.302, 0.302];
const AXLE: [f32; 3] = [0.0, 0.0, 0.0];

gpu_struct! {
    /// The rod.
    pub struct State {
        /// Angle from upright, rad, unbounded.
        pub theta: f32,
        /// Angular velocity, rad/s.
        pub theta_dot: f32,
    }
}

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Gravity, m/s^2.
        pub g: f32,
        /// Mass of the rod, kg.
        pub m: f32,
        /// Length of the rod in the equations, m.
        pub l: f32,
    }
}

/// Initial state: any angle, any velocity up to 1 rad/s.
pub fn reset(rng: &mut Rng<'_>) -> State {
    let theta = rng.range(-PI, PI);
    let theta_dot = rng.range(-1.0, 1.0);
    State { theta, theta_dot }
}

/// One step; the cost is that of the state before it. It never ends the episode.
#[inline(always)]
pub fn step(env: &Params, state: &mut State, torque: f32) -> Outcome {
    let s = *state;
    let u = torque.clamp(-MAX_TORQUE, MAX_TORQUE);
    let angle = wrap_angle(s.theta);
    let cost = angle * angle + 0.1 * s.theta_dot * s.theta_dot + 0.001 * u * u;
    let fall = 1.5 * (env.g / env.l) * sincos_f32(s.theta).0;
    let theta_acc = fall + 3.0 * (u / (env.m * env.l * env.l));
    let theta_dot = (s.theta_dot + DT * theta_acc).clamp(-MAX_SPEED, MAX_SPEED);
    *state = State { theta: s.theta + DT * theta_dot, theta_dot };
    Outcome { reward: -cost, terminated: false }
}

/// cos theta, sin theta, theta_dot.
pub fn observe(state: &State, obs: &mut [f32]) {
    let (sine, cosine) = sincos_f32(state.theta);
    obs.copy_from_slice(&[cosine, sine, state.theta_dot]);
}

/// The picture spans 2.2 m to each side of the axle; positive angles lean left, as Gymnasium draws them.
#[inline(always)]
pub fn draw(state: &State, uv: [f32; 2]) -> [f32; 3] {
    let at = [4.4 * uv[0] - 2.2, 2.2 - 4.4 * uv[1]];
    let (sine, cosine) = sincos_f32(state.theta);
    let end = [-sine, cosine];
    let colour = paint(BACKGROUND, ROD, sd_segment(at, [0.0, 0.0], end, 0.1));
    paint(colour, AXLE, sd_circle(at, 0.05))
}
