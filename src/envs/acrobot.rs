//! Acrobot-v1: the twin of `shaders/envs/acrobot.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::angle::wrap_angle;
use crate::shared::draw::{paint, sd_circle, sd_round_box};
use crate::shared::math::sincos_f32;
use crate::shared::rng::Rng;

/// Acrobot-v1 as Gymnasium 1.4 defines it.
pub static ACROBOT: BuiltIn = BuiltIn {
    id: "Acrobot-v1",
    short: "acrobot",
    title: "swing two links above a line",
    file: "acrobot.wgsl",
    source: include_str!("../../shaders/envs/acrobot.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(Acrobot)),
};

const DT: f32 = 0.2;
const HALF_DT: f32 = 0.1;
const SIXTH_DT: f32 = 0.033_333_335;
const MAX_SPEED_1: f32 = 12.566_371;
const MAX_SPEED_2: f32 = 28.274_334;

const BACKGROUND: [f32; 3] = [1.0, 1.0, 1.0];
const LINE: [f32; 3] = [0.0, 0.0, 0.0];
const LINK: [f32; 3] = [0.0, 0.8, 0.8];
const JOINT: [f32; 3] = [0.8, 0.8, 0.0];

gpu_struct! {
    /// The two links.
    pub struct State {
        /// Angle of the first link, rad, 0 hanging down.
        pub theta1: f32,
        /// Angle of the second link relative to the first, rad.
        pub theta2: f32,
        /// Velocity of theta1, rad/s.
        pub theta1_dot: f32,
        /// Velocity of theta2, rad/s.
        pub theta2_dot: f32,
    }
}

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Gravity, m/s^2.
        pub gravity: f32,
        /// Length of the first link in the equations, m.
        pub link_length_1: f32,
        /// Mass of the first link, kg.
        pub link_mass_1: f32,
        /// Mass of the second link, kg.
        pub link_mass_2: f32,
        /// Centre of mass of the first link, m from its joint.
        pub link_com_pos_1: f32,
        /// Centre of mass of the second link, m from its joint.
        pub link_com_pos_2: f32,
        /// Moment of inertia of either link, kg m^2.
        pub link_moi: f32,
        /// Largest random torque added to the action.
        pub torque_noise_max: f32,
        /// Equations of the 1996 paper, which lack a term of the book's.
        pub nips: u32,
    }
}

/// The rules.
pub struct Acrobot;

impl World for Acrobot {
    type State = State;
    type Params = Params;
    const ABREAST: bool = true;

    fn reset(&self, _env: &Params, rng: &mut Rng<'_>) -> State {
        let theta1 = rng.range(-0.1, 0.1);
        let theta2 = rng.range(-0.1, 0.1);
        let theta1_dot = rng.range(-0.1, 0.1);
        let theta2_dot = rng.range(-0.1, 0.1);
        State { theta1, theta2, theta1_dot, theta2_dot }
    }

    #[inline(always)]
    fn step(&self, env: &Params, state: &mut State, action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let mut torque = action[0] as f32 - 1.0;
        if env.torque_noise_max > 0.0 {
            torque += rng.range(-env.torque_noise_max, env.torque_noise_max);
        }
        let y = [state.theta1, state.theta2, state.theta1_dot, state.theta2_dot];
        let along = |h: f32, k: [f32; 4]| std::array::from_fn(|i| y[i] + h * k[i]);
        let k1 = derivative(env, y, torque);
        let k2 = derivative(env, along(HALF_DT, k1), torque);
        let k3 = derivative(env, along(HALF_DT, k2), torque);
        let k4 = derivative(env, along(DT, k3), torque);
        let next = along(SIXTH_DT, std::array::from_fn(|i| k1[i] + 2.0 * (k2[i] + k3[i]) + k4[i]));
        let theta1 = wrap_angle(next[0]);
        let theta2 = wrap_angle(next[1]);
        *state = State {
            theta1,
            theta2,
            theta1_dot: next[2].clamp(-MAX_SPEED_1, MAX_SPEED_1),
            theta2_dot: next[3].clamp(-MAX_SPEED_2, MAX_SPEED_2),
        };
        let height = -sincos_f32(theta1).1 - sincos_f32(theta1 + theta2).1;
        let terminated = height > 1.0;
        Outcome { reward: (i32::from(terminated) - 1) as f32, terminated }
    }

    fn observe(&self, _env: &Params, state: &State, obs: &mut [f32]) {
        let (sine1, cosine1) = sincos_f32(state.theta1);
        let (sine2, cosine2) = sincos_f32(state.theta2);
        obs.copy_from_slice(&[cosine1, sine1, cosine2, sine2, state.theta1_dot, state.theta2_dot]);
    }

    #[inline(always)]
    fn draw(&self, _env: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let at = [4.4 * uv[0] - 2.2, 4.4 * uv[1] - 2.2];
        let first = sincos_f32(state.theta1);
        let second = sincos_f32(state.theta1 + state.theta2);
        let beyond = [at[0] - first.0, at[1] - first.1];
        let mut colour = paint(BACKGROUND, LINE, (4.4 * uv[1] - 1.2).abs() - 0.01);
        colour = paint(colour, LINK, link(at, first));
        colour = paint(colour, JOINT, sd_circle(at, 0.1));
        colour = paint(colour, LINK, link(beyond, second));
        paint(colour, JOINT, sd_circle(beyond, 0.1))
    }
}

/// Time derivative of (theta1, theta2, theta1_dot, theta2_dot).
#[inline(always)]
fn derivative(env: &Params, y: [f32; 4], torque: f32) -> [f32; 4] {
    let link1 = sincos_f32(y[0]);
    let link2 = sincos_f32(y[1]);
    let sine_of_both = link1.0 * link2.1 + link1.1 * link2.0;
    let coupling = env.link_mass_2 * (env.link_length_1 * env.link_com_pos_2);
    let inertia1 = env.link_mass_1 * (env.link_com_pos_1 * env.link_com_pos_1)
        + env.link_moi
        + env.link_mass_2 * (env.link_length_1 * env.link_length_1);
    let inertia2 = env.link_mass_2 * (env.link_com_pos_2 * env.link_com_pos_2) + env.link_moi;
    let d2 = inertia2 + coupling * link2.1;
    let d1 = inertia1 + inertia2 + 2.0 * (coupling * link2.1);
    let pull = coupling * link2.0;
    let weight1 = env.link_mass_1 * env.link_com_pos_1 + env.link_mass_2 * env.link_length_1;
    let phi2 = env.link_mass_2 * env.link_com_pos_2 * env.gravity * sine_of_both;
    let phi1 = weight1 * env.gravity * link1.0 - pull * (y[3] * (y[3] + 2.0 * y[2])) + phi2;
    let centrifugal = if env.nips == 1 { 0.0 } else { pull * (y[2] * y[2]) };
    let ratio = d2 / d1;
    let theta2_acc = (torque + ratio * phi1 - centrifugal - phi2) / (inertia2 - d2 * ratio);
    let theta1_acc = -(d2 * theta2_acc + phi1) / d1;
    [y[2], y[3], theta1_acc, theta2_acc]
}

/// Distance from a link of 1 m by 0.2 m that starts at the origin in direction `along`.
fn link(at: [f32; 2], along: (f32, f32)) -> f32 {
    let forward = at[0] * along.0 + at[1] * along.1;
    let aside = at[1] * along.0 - at[0] * along.1;
    sd_round_box([forward - 0.5, aside], [0.5, 0.1], 0.0)
}
