//! Catch-Pixels once more, from its rules: signed places, and pixels of four frames.

use super::dynamics::{Dynamics, Lane, Outcome};
use super::random::Random;
use super::{Expect, Num};

/// The model of the file, if it is one of these.
pub fn dynamics(file: &str) -> Option<Dynamics> {
    (file == "catch_pixels.wgsl").then_some(Dynamics { reset, step, observe })
}

/// `[column of the ball, its row, middle of the paddle]` of a frame's word.
fn places(frame: u32) -> [i64; 3] {
    [frame % 32, frame / 32 % 32, frame / 1024].map(i64::from)
}

fn word([x, y, paddle]: [i64; 3]) -> Expect {
    Expect::Bits((x + 32 * y + 1024 * paddle) as u32)
}

/// One of `count`, or `None` where rounding may decide.
fn one_of(random: &mut Random, count: u32) -> Option<i64> {
    let place = random.uniform() * f64::from(count);
    ((place - place.round()).abs() > 1e-6).then_some(place as i64)
}

fn reset(_: Lane<'_>, random: &mut Random) -> Vec<Expect> {
    let draws = [21, 3].map(|count| one_of(random, count));
    let [Some(column), Some(drift)] = draws else { return vec![Expect::Any; 5] };
    let frame = word([column, 0, 10]);
    vec![frame, frame, frame, frame, Expect::Bits(drift as u32)]
}

fn step(_: Lane<'_>, state: &[u32], action: &[u32], _: &mut Random) -> Option<Outcome> {
    let [x, y, paddle] = places(state[0]);
    let mut drift = i64::from(state[4]) - 1;
    if !(0..21).contains(&(x + drift)) {
        drift = -drift;
    }
    let paddle = (paddle + i64::from(action[0]) - 1).clamp(1, 19);
    let [x, y] = [x + drift, (y + 1).min(20)];
    let reward = match (y, (x - paddle).abs()) {
        (20, 0 | 1) => 1.0,
        (20, _) => -1.0,
        _ => 0.0,
    };
    let mut next = vec![word([x, y, paddle])];
    next.extend(state[..3].iter().map(|frame| Expect::Bits(*frame)));
    next.push(Expect::Bits((drift + 1) as u32));
    Some(Outcome { next, reward: Num::exact(reward), terminated: Some(y == 20) })
}

fn observe(_: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    let frames: Option<Vec<[i64; 3]>> = state[..4]
        .iter()
        .map(|word| if let Expect::Bits(word) = word { Some(places(*word)) } else { None })
        .collect();
    let Some(frames) = frames else { return vec![Expect::Any; 84 * 84 * 4] };
    let mut seen = Vec::with_capacity(84 * 84 * 4);
    for row in 0..84 {
        for column in 0..84 {
            for [x, y, paddle] in frames.iter().rev() {
                let shade: f32 = if [column / 4, row / 4] == [*x, *y] {
                    1.0
                } else if row >= 80 && (column / 4 - paddle).abs() <= 1 {
                    0.4
                } else {
                    0.0
                };
                seen.push(Expect::Bits(shade.to_bits()));
            }
        }
    }
    seen
}
