//! Tray-v0: the twin of `shaders/envs/tray.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::draw::{paint, sd_circle, sd_segment};
use crate::shared::rng::Rng;

/// Two lifts, a tray and a ball: an action of two dimensions that must agree.
pub static TRAY: BuiltIn = BuiltIn {
    id: "Tray-v0",
    short: "tray",
    title: "two lifts carry a tray with a ball on it",
    file: "tray.wgsl",
    source: include_str!("../../shaders/envs/tray.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(Tray)),
};

const TOP: u32 = 50;
const RISE: f32 = 0.02;
const EDGE: f32 = 0.5;
const DT: f32 = 0.05;
const KICK: f32 = 0.000_714_285_7;

gpu_struct! {
    /// Tray and ball.
    pub struct State {
        /// Height of the left end, in steps of 0.02 m.
        pub left: u32,
        /// Height of the right end.
        pub right: u32,
        /// Place of the ball, m to the right of the middle.
        pub ball: f32,
        /// Its velocity, m/s.
        pub ball_dot: f32,
    }
}

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Gravity, m/s^2.
        pub gravity: f32,
    }
}

/// The rules.
pub struct Tray;

/// A height after one step of its lift.
fn lifted(height: u32, action: u32) -> u32 {
    match action {
        0 => height.max(1) - 1,
        2 => (height + 1).min(TOP),
        _ => height,
    }
}

impl World for Tray {
    type State = State;
    type Params = Params;

    fn reset(&self, _: &Params, rng: &mut Rng<'_>) -> State {
        let ball = rng.range(-0.2, 0.2);
        let ball_dot = rng.range(-0.4, 0.4);
        State { left: 0, right: 0, ball, ball_dot }
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], _: &mut Rng<'_>) -> Outcome {
        let mut s = *state;
        let before = s.left.min(s.right);
        s.left = lifted(s.left, action[0]);
        s.right = lifted(s.right, action[1]);
        let lower = s.left.min(s.right);
        s.ball_dot += KICK * env.gravity * (s.left as f32 - s.right as f32);
        s.ball += DT * s.ball_dot;
        *state = s;
        let rise = RISE * (lower as f32 - before as f32);
        if s.ball.abs() > EDGE {
            return Outcome { reward: rise - 1.0, terminated: true };
        }
        if lower == TOP {
            return Outcome { reward: rise + 1.0, terminated: true };
        }
        Outcome { reward: rise, terminated: false }
    }

    fn observe(&self, _: &Params, state: &State, obs: &mut [f32]) {
        let height = 0.5 * RISE * (state.left + state.right) as f32;
        let difference = RISE * (state.right as f32 - state.left as f32);
        obs.copy_from_slice(&[height, difference, state.ball, state.ball_dot]);
    }

    #[inline(always)]
    fn draw(&self, _: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let at = [(uv[0] - 0.5) * 75.0, 65.0 - uv[1] * 75.0];
        let left = state.left as f32;
        let right = state.right as f32;
        let mut colour = WALL;
        colour = paint(colour, SHELF, (at[1] - 50.0).abs() - 0.3);
        colour = paint(colour, SHELF, at[1] + 3.0);
        let across = at[0].abs() - 25.0;
        let height = if at[0] > 0.0 { right } else { left };
        let column = (across.abs() - 1.25).max((at[1] - height).max(-3.0 - at[1]));
        colour = paint(colour, COLUMN, column);
        colour = paint(colour, TRAY_TOP, sd_segment(at, [-25.0, left], [25.0, right], 0.7));
        colour = paint(colour, HANDLE, sd_circle([across, at[1] - height], 1.5));
        let share = state.ball + 0.5;
        let under = left + share * (right - left);
        let centre = [at[0] - 50.0 * state.ball, at[1] - 3.2 - under];
        colour = paint(colour, BALL, sd_circle(centre, 2.5));
        paint(colour, SHINE, sd_circle([centre[0] + 0.8, centre[1] - 0.9], 0.6))
    }
}

const WALL: [f32; 3] = [0.95, 0.94, 0.91];
const SHELF: [f32; 3] = [0.80, 0.76, 0.68];
const COLUMN: [f32; 3] = [0.62, 0.66, 0.72];
const TRAY_TOP: [f32; 3] = [0.20, 0.27, 0.38];
const HANDLE: [f32; 3] = [0.85, 0.45, 0.15];
const BALL: [f32; 3] = [0.75, 0.16, 0.20];
const SHINE: [f32; 3] = [0.94, 0.60, 0.58];

#[cfg(test)]
mod tests {
    use super::*;

    const EARTH: Params = Params { gravity: 9.8 };

    /// Plays one pair of actions from a state until the episode ends; the return and the steps.
    fn play(mut state: State, action: [u32; 2]) -> (f32, u32) {
        let mut total = 0.0;
        for step in 1..=200 {
            let outcome = Tray.step(&EARTH, &mut state, &action, &mut Rng::new(0, 0, 0, 0));
            total += outcome.reward;
            if outcome.terminated {
                return (total, step);
            }
        }
        (total, 200)
    }

    #[test]
    fn both_lifts_together_bring_a_ball_at_rest_to_the_top() {
        let (total, steps) = play(State::default(), [2, 2]);
        assert_eq!(steps, TOP);
        assert!((total - 2.0).abs() < 1e-5, "{total}");
    }

    #[test]
    fn one_lift_alone_gains_nothing_and_tips_the_ball_off() {
        for action in [[2, 1], [1, 2], [2, 0], [0, 2]] {
            let (total, steps) = play(State::default(), action);
            assert_eq!(total, -1.0, "{action:?}");
            assert!(steps < 40, "{action:?}: {steps}");
        }
    }

    #[test]
    fn a_ball_rolls_down_and_the_lower_end_counts() {
        let mut state = State { left: 10, right: 5, ball: 0.1, ball_dot: 0.0 };
        let outcome = Tray.step(&EARTH, &mut state, &[0, 2], &mut Rng::new(0, 0, 0, 0));
        assert_eq!((state.left, state.right), (9, 6));
        assert!((outcome.reward - 0.02).abs() < 1e-7 && !outcome.terminated);
        // 5/7 g sin(theta) with sin(theta) = 0.06 over 0.05 s.
        assert!((state.ball_dot - 0.05 * 5.0 / 7.0 * 9.8 * 0.06).abs() < 1e-6, "{}", state.ball_dot);
        assert!(state.ball > 0.1);
    }
}
