//! CartPole-v1: the twin of `shaders/envs/cartpole.wgsl`, in the same order of operations.

use crate::envs::{Env, EnvTwin};
use crate::gpu_struct;
use crate::shared::math::sincos_f32;
use crate::shared::rng::Rng;

/// CartPole-v1 as Gymnasium 1.4 defines it.
pub static CARTPOLE: Env = Env {
    id: "CartPole-v1",
    short: "cartpole",
    source: include_str!("../../shaders/envs/cartpole.wgsl"),
    state_words: 4,
    obs_size: 4,
    num_actions: 2,
    max_episode_steps: 500,
    reward_threshold: 475.0,
    twin: EnvTwin {
        obs_size: 4,
        state_words: 4,
        num_actions: 2,
        max_episode_steps: 500,
        reset: |state, rng| *view(state) = reset(rng),
        step: |state, action, rng| step(view(state), action, rng),
        observe: |state, obs| obs.copy_from_slice(bytemuck::cast_slice(state)),
    },
};

const GRAVITY: f32 = 9.8;
const TOTAL_MASS: f32 = 1.1;
const POLE_MASS: f32 = 0.1;
const HALF_LENGTH: f32 = 0.5;
const POLE_MASS_LENGTH: f32 = 0.05;
const FORCE: f32 = 10.0;
const DT: f32 = 0.02;
const X_LIMIT: f32 = 2.4;
const THETA_LIMIT: f32 = 0.209_439_51;

gpu_struct! {
    /// Cart and pole.
    pub struct State {
        /// Cart position, m.
        pub x: f32,
        /// Cart velocity, m/s.
        pub x_dot: f32,
        /// Pole angle from upright, rad.
        pub theta: f32,
        /// Pole angular velocity, rad/s.
        pub theta_dot: f32,
    }
}

fn view(words: &mut [u32]) -> &mut State {
    &mut bytemuck::cast_slice_mut::<u32, State>(words)[0]
}

/// Initial state: each component uniform in (-0.05, 0.05).
pub fn reset(rng: &mut Rng) -> State {
    let x = rng.range(-0.05, 0.05);
    let x_dot = rng.range(-0.05, 0.05);
    let theta = rng.range(-0.05, 0.05);
    let theta_dot = rng.range(-0.05, 0.05);
    State { x, x_dot, theta, theta_dot }
}

/// One explicit Euler step; returns (reward, terminated).
pub fn step(state: &mut State, action: u32, _rng: &mut Rng) -> (f32, bool) {
    let s = *state;
    let force = if action == 1 { FORCE } else { -FORCE };
    let (sine, cosine) = sincos_f32(s.theta);
    let push = (force + POLE_MASS_LENGTH * s.theta_dot * s.theta_dot * sine) / TOTAL_MASS;
    let theta_acc = (GRAVITY * sine - cosine * push)
        / (HALF_LENGTH * (1.333_333_4 - POLE_MASS * cosine * cosine / TOTAL_MASS));
    let x_acc = push - POLE_MASS_LENGTH * theta_acc * cosine / TOTAL_MASS;
    let next = State {
        x: s.x + DT * s.x_dot,
        x_dot: s.x_dot + DT * x_acc,
        theta: s.theta + DT * s.theta_dot,
        theta_dot: s.theta_dot + DT * theta_acc,
    };
    *state = next;
    (1.0, next.x.abs() > X_LIMIT || next.theta.abs() > THETA_LIMIT)
}
