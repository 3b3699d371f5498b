//! Pong-Small and Qbert-Small once more, from their rules: signed places and flat lists.

use super::dynamics::{Dynamics, Lane, Outcome};
use super::random::Random;
use super::{Expect, Num};

/// The model of one of the two games.
pub fn dynamics(file: &str) -> Option<Dynamics> {
    match file {
        "pong.wgsl" => Some(Dynamics { reset: pong_reset, step: pong, observe: pong_seen }),
        "qbert.wgsl" => Some(Dynamics { reset: qbert_reset, step: qbert, observe: qbert_seen }),
        _ => None,
    }
}

/// One of `count`, or `None` where rounding may decide.
fn one_of(random: &mut Random, count: u32) -> Option<i64> {
    let place = random.uniform() * f64::from(count);
    let clear = (place - place.round()).abs() > 1e-6 || count.is_power_of_two();
    clear.then_some(place as i64)
}

fn chance(random: &mut Random, probability: u32) -> bool {
    random.uniform() < f64::from(f32::from_bits(probability))
}

fn outcome(next: &[i64], reward: i64, terminated: bool) -> Option<Outcome> {
    let next = next.iter().map(|word| Expect::Bits(*word as u32)).collect();
    Some(Outcome { next, reward: Num::exact(reward as f32), terminated: Some(terminated) })
}

fn words(state: &[Expect]) -> Option<Vec<i64>> {
    let word = |word: &Expect| match word {
        Expect::Bits(word) => Some(i64::from(*word)),
        _ => None,
    };
    state.iter().map(word).collect()
}

/// Flags cell by cell, channel by channel.
fn flags(channels: i64, lit: impl Fn(i64, i64, i64) -> bool) -> Vec<Expect> {
    let places = (0..100 * channels).map(|k| (k / channels / 10, k / channels % 10, k % channels));
    places
        .map(|(y, x, channel)| Expect::Bits(if lit(y, x, channel) { 1.0f32.to_bits() } else { 0 }))
        .collect()
}

/// `[x, y, slope, right]` of a serve.
fn serve(random: &mut Random) -> Option<[i64; 4]> {
    let draws = [10, 2, 3].map(|count| one_of(random, count));
    let [row, right, slope] = [draws[0]?, draws[1]?, draws[2]?];
    Some([if right == 1 { 4 } else { 5 }, row, slope + 1, right])
}

fn pong_reset(_: Lane<'_>, random: &mut Random) -> Vec<Expect> {
    let Some([x, y, slope, right]) = serve(random) else { return vec![Expect::Any; 11] };
    [x, y, slope, right, x, y, 4, 4, 0, 0, 0].map(|word| Expect::Bits(word as u32)).to_vec()
}

fn pong(lane: Lane<'_>, state: &[u32], action: &[u32], random: &mut Random) -> Option<Outcome> {
    let s: Vec<i64> = state.iter().map(|word| i64::from(*word)).collect();
    let [x, y, slope, right] = [s[0], s[1], s[2] - 2, s[3]];
    let (mut player, mut opponent, mut points) = (s[6], s[7], [s[8], s[9]]);
    let a = if chance(random, lane.params[0]) { s[10] } else { i64::from(action[0]) };
    player = (player + [0, 0, -1, 0, 1, 0][a as usize]).clamp(1, 8);
    if !chance(random, lane.params[1]) {
        opponent = (opponent + (y - opponent).signum()).clamp(1, 8);
    }
    let mut next_x = x + if right == 1 { 1 } else { -1 };
    let (mut next_y, mut next_slope) = (y + slope, slope);
    if !(0..=9).contains(&next_y) {
        next_y = if next_y < 0 { -next_y } else { 18 - next_y };
        next_slope = -slope;
    }
    let mut direction = right;
    let (mut reward, mut last) = (0, [x, y]);
    let edge = if right == 1 { 9 } else { 0 };
    if next_x == edge {
        let paddle = if right == 1 { player } else { opponent };
        if (next_y - paddle).abs() <= 1 {
            next_slope = (next_slope + next_y - paddle).clamp(-2, 2);
            direction = 1 - right;
            next_x = [1, 8][right as usize];
        } else {
            let loser = right as usize;
            points[loser] += 1;
            reward = [1, -1][loser];
            let served = serve(random)?;
            [next_x, next_y, next_slope, direction] = served;
            next_slope -= 2;
            last = [next_x, next_y];
        }
    }
    let next = [
        next_x,
        next_y,
        next_slope + 2,
        direction,
        last[0],
        last[1],
        player,
        opponent,
        points[0],
        points[1],
        a,
    ];
    outcome(&next, reward, reward != 0 && points.contains(&5))
}

fn pong_seen(_: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    let Some(s) = words(state) else { return vec![Expect::Any; 400] };
    flags(4, |y, x, channel| match channel {
        0 => x == 9 && (y - s[6]).abs() <= 1,
        1 => x == 0 && (y - s[7]).abs() <= 1,
        2 => [x, y] == s[..2],
        _ => [x, y] == s[4..6],
    })
}

/// No place.
const NOWHERE: i64 = 63;

/// The cubes row by row, as they are numbered.
fn cubes() -> Vec<i64> {
    (0..7).flat_map(|i| (0..7 - i).map(move |j| 8 * i + j)).collect()
}

fn new_pyramid(interval: i64, a: i64) -> [i64; 11] {
    [1, 0, NOWHERE, NOWHERE, NOWHERE, 10, 10, interval, interval, 3, a]
}

fn qbert_reset(_: Lane<'_>, _: &mut Random) -> Vec<Expect> {
    new_pyramid(4, 0).map(|word| Expect::Bits(word as u32)).to_vec()
}

fn qbert(lane: Lane<'_>, state: &[u32], action: &[u32], random: &mut Random) -> Option<Outcome> {
    let mut s: Vec<i64> = state.iter().map(|word| i64::from(*word)).collect();
    let on = |i: i64, j: i64| i >= 0 && j >= 0 && i + j <= 6;
    let a = if chance(random, lane.params[0]) { s[10] } else { i64::from(action[0]) };
    s[10] = a;
    let (di, dj) = [(0, 0), (0, -1), (-1, 0), (0, 1), (1, 0), (0, 0)][a as usize];
    let (i, j) = (s[1] / 8 + di, s[1] % 8 + dj);
    let disc = [(3, -1), (-1, 3)].iter().position(|place| *place == (i, j));
    let disc = disc.filter(|which| s[9] >> which & 1 == 1);
    match (on(i, j), disc) {
        (true, _) => s[1] = 8 * i + j,
        (false, Some(which)) => {
            s[9] -= 1 << which;
            (s[1], s[4], s[6]) = (0, NOWHERE, 10);
        }
        (false, None) => return outcome(&s, 0, true),
    }
    let number = cubes().iter().position(|cube| *cube == s[1])?;
    let reward = 1 - (s[0] >> number & 1);
    s[0] |= 1 << number;
    let mut caught = s[2..5].contains(&s[1]);
    if s[0] == (1 << 28) - 1 && !caught {
        let ramping = lane.params[1] != 0;
        let interval = if ramping { (s[8] - 1).max(2.min(s[8])) } else { s[8] };
        return outcome(&new_pyramid(interval, a), reward, false);
    }
    s[7] = (s[7] - 1).max(0);
    if s[7] == 0 {
        s[7] = s[8];
        for ball in 2..4 {
            if s[ball] != NOWHERE {
                let low = s[ball] / 8 + s[ball] % 8 == 6;
                s[ball] = if low { NOWHERE } else { s[ball] + [8, 1][one_of(random, 2)? as usize] };
            }
        }
        s[5] = (s[5] - 1).max(0);
        if s[5] == 0 {
            s[5] = 10;
            let ball = [8, 1][one_of(random, 2)? as usize];
            if let Some(free) = (2..4).find(|ball| s[*ball] == NOWHERE) {
                s[free] = ball;
            }
        }
        if s[4] == NOWHERE {
            s[6] = (s[6] - 1).max(0);
            if s[6] == 0 {
                (s[4], s[6]) = (if s[1] % 8 > s[1] / 8 { 48 } else { 6 }, 10);
            }
        } else {
            let (di, dj) = (s[1] / 8 - s[4] / 8, s[1] % 8 - s[4] % 8);
            s[4] +=
                if di.abs() > dj.abs() || di == -dj.abs() && di != 0 { 8 * di.signum() } else { dj.signum() };
        }
        caught |= s[2..5].contains(&s[1]);
    }
    outcome(&s, reward, caught)
}

fn qbert_seen(_: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    let Some(s) = words(state) else { return vec![Expect::Any; 600] };
    let cubes = cubes();
    flags(6, |y, x, channel| {
        if channel == 5 {
            return [(4, 0), (0, 4)]
                .iter()
                .position(|place| *place == (y, x))
                .is_some_and(|d| s[9] >> d & 1 == 1);
        }
        let Some(number) = cubes.iter().position(|cube| (1 + cube / 8, 1 + cube % 8) == (y, x)) else {
            return false;
        };
        match channel {
            0 => s[1] == cubes[number],
            1 => s[0] >> number & 1 == 0,
            2 => s[0] >> number & 1 == 1,
            3 => s[2..4].contains(&cubes[number]),
            _ => s[4] == cubes[number],
        }
    })
}
