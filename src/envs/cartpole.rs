//! CartPole-v1: the twin of `shaders/envs/cartpole.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::draw::{paint, sd_circle, sd_round_box};
use crate::shared::math::sincos_f32;
use crate::shared::rng::Rng;

/// CartPole-v1 as Gymnasium 1.4 defines it.
pub static CARTPOLE: BuiltIn = BuiltIn {
    id: "CartPole-v1",
    short: "cartpole",
    title: "balance a pole on a cart",
    file: "cartpole.wgsl",
    source: include_str!("../../shaders/envs/cartpole.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(CartPole)),
};

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

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Gravity, m/s^2.
        pub gravity: f32,
        /// Mass of the cart, kg.
        pub masscart: f32,
        /// Mass of the pole, kg.
        pub masspole: f32,
        /// Half the pole's length, m.
        pub length: f32,
        /// Push of either action, N.
        pub force_mag: f32,
        /// Whether only the fall is rewarded, with -1.
        pub sutton_barto_reward: u32,
    }
}

/// The twin.
pub struct CartPole;

impl World for CartPole {
    type State = State;
    type Params = Params;
    const ABREAST: bool = true;

    /// Each component uniform in (-0.05, 0.05).
    fn reset(&self, _: &Params, rng: &mut Rng<'_>) -> State {
        let x = rng.range(-0.05, 0.05);
        let x_dot = rng.range(-0.05, 0.05);
        let theta = rng.range(-0.05, 0.05);
        let theta_dot = rng.range(-0.05, 0.05);
        State { x, x_dot, theta, theta_dot }
    }

    /// One explicit Euler step.
    #[inline(always)]
    fn step(&self, env: &Params, state: &mut State, action: &[u32], _: &mut Rng<'_>) -> Outcome {
        let s = *state;
        let total_mass = env.masspole + env.masscart;
        let polemass_length = env.masspole * env.length;
        let force = if action[0] == 1 { env.force_mag } else { -env.force_mag };
        let (sine, cosine) = sincos_f32(s.theta);
        let push = (force + polemass_length * s.theta_dot * s.theta_dot * sine) / total_mass;
        let theta_acc = (env.gravity * sine - cosine * push)
            / (env.length * (1.333_333_4 - env.masspole * cosine * cosine / total_mass));
        let x_acc = push - polemass_length * theta_acc * cosine / total_mass;
        let next = State {
            x: s.x + DT * s.x_dot,
            x_dot: s.x_dot + DT * x_acc,
            theta: s.theta + DT * s.theta_dot,
            theta_dot: s.theta_dot + DT * theta_acc,
        };
        *state = next;
        let terminated = next.x.abs() > X_LIMIT || next.theta.abs() > THETA_LIMIT;
        let sutton_barto = if terminated { -1.0 } else { 0.0 };
        Outcome { reward: if env.sutton_barto_reward != 0 { sutton_barto } else { 1.0 }, terminated }
    }

    fn observe(&self, _: &Params, state: &State, obs: &mut [f32]) {
        obs.copy_from_slice(&[state.x, state.x_dot, state.theta, state.theta_dot]);
    }

    #[inline(always)]
    fn draw(&self, _: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let at = [(uv[0] - 0.5) * 4.8, (0.75 - uv[1]) * 3.2];
        let axle = [at[0] - state.x, at[1] - 0.06];
        let (sine, cosine) = sincos_f32(state.theta);
        let along = axle[0] * sine + axle[1] * cosine;
        let pole_frame = [axle[0] * cosine - axle[1] * sine, along - 0.46];
        let mut colour = [1.0, 1.0, 1.0];
        colour = paint(colour, [0.1, 0.1, 0.12], at[1].abs() - 0.008);
        colour = paint(colour, [0.13, 0.14, 0.17], sd_round_box([at[0] - state.x, at[1]], [0.2, 0.12], 0.03));
        colour = paint(colour, [0.792, 0.596, 0.396], sd_round_box(pole_frame, [0.04, 0.5], 0.04));
        paint(colour, [0.506, 0.518, 0.796], sd_circle(axle, 0.04))
    }
}
