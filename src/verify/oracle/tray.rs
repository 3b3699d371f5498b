//! Tray-v0 in f64: a solid ball on a tray between two lifts.

use super::classic::{beyond, outcome};
use super::dynamics::{Dynamics, Lane, Outcome, float};
use super::random::Random;
use super::{Expect, Num};

/// Steps from the bottom to the top.
const TOP: i64 = 50;

/// The model, if `file` is the tray's.
pub fn dynamics(file: &str) -> Option<Dynamics> {
    (file == "tray.wgsl").then_some(Dynamics { reset, step, observe })
}

fn reset(_: Lane<'_>, random: &mut Random) -> Vec<Expect> {
    let [ball, ball_dot] = [0.2, 0.4].map(|reach| Expect::Float(random.range(-reach, reach)));
    vec![Expect::Bits(0), Expect::Bits(0), ball, ball_dot]
}

fn step(lane: Lane<'_>, state: &[u32], action: &[u32], _: &mut Random) -> Option<Outcome> {
    let number = Num::constant;
    let gravity = Num::exact(f32::from_bits(lane.params[0]));
    let [ball, ball_dot] = [state[2], state[3]].map(|word| Num::exact(f32::from_bits(word)));
    let lifted = |end: usize| (i64::from(state[end]) + i64::from(action[end]) - 1).clamp(0, TOP);
    let (left, right) = (lifted(0), lifted(1));
    let lower = left.min(right);
    let risen = lower - i64::from(state[0].min(state[1]));
    // sin(theta) of a tray of 1 m is the difference of its ends.
    let slope = number(0.02 * (left - right) as f64);
    let ball_dot = ball_dot + number(0.05) * (number(5.0 / 7.0) * gravity * slope);
    let ball = ball + number(0.05) * ball_dot;
    let fallen = beyond(ball.max(-ball), number(0.5))?;
    let end = if fallen { -1.0 } else { f64::from(u8::from(lower == TOP)) };
    let mut outcome =
        outcome([ball, ball_dot], number(0.02 * risen as f64 + end), Some(fallen || lower == TOP))?;
    outcome.next.splice(0..0, [left, right].map(|end| Expect::Bits(end as u32)));
    Some(outcome)
}

fn observe(_: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    let height = |end: &Expect| match end {
        Expect::Bits(steps) => Num::constant(0.02) * Num::exact(*steps as f32),
        other => float(other),
    };
    let (left, right) = (height(&state[0]), height(&state[1]));
    let mean = Num::exact(0.5) * (left + right);
    [mean, right - left, float(&state[2]), float(&state[3])].map(Expect::Float).to_vec()
}
