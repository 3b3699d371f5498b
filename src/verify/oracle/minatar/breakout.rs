//! Breakout after the package's `environments/breakout.py`.

use super::{Map, act, known, outcome, randint, seen, single};
use crate::verify::oracle::Expect;
use crate::verify::oracle::dynamics::{Dynamics, Lane, Outcome};
use crate::verify::oracle::random::Random;

/// Breakout.
pub const DYNAMICS: Dynamics = Dynamics { reset, step, observe };

/// Rows of a map from the bits of their cells.
fn rows(map: &mut Map, first: usize, bits: u32) {
    for place in 0..30 {
        map[first + place / 10][place % 10] = bits >> place & 1 == 1;
    }
}

/// The bits of three rows.
fn bits(map: &Map, first: usize) -> u32 {
    (0..30).fold(0, |bits, place| bits | u32::from(map[first + place / 10][place % 10]) << place)
}

fn reset(_: Lane<'_>, random: &mut Random) -> Vec<Expect> {
    let Some(ball_start) = randint(random, 2) else { return vec![Expect::Any; 9] };
    let (ball_x, ball_dir) = [(0, 2), (9, 3)][ball_start as usize];
    [ball_x, 3, ball_dir, ball_x, 3, 4, 0, (1 << 30) - 1, 0].map(Expect::Bits).to_vec()
}

fn step(lane: Lane<'_>, state: &[u32], action: &[u32], random: &mut Random) -> Option<Outcome> {
    let (a, last_action) = act(lane, state[8], action[0], random);
    let [ball_x, ball_y] = [state[0], state[1]].map(i64::from);
    let mut ball_dir = state[2] as usize;
    let mut pos = i64::from(state[5]);
    let mut brick_map = Map::default();
    rows(&mut brick_map, 1, state[7]);
    let mut strike = state[6] == 1;
    let (mut r, mut terminal) = (0, false);
    match a {
        'l' => pos = (pos - 1).max(0),
        'r' => pos = (pos + 1).min(9),
        _ => {}
    }
    let (dx, dy) = [(-1, -1), (1, -1), (1, 1), (-1, 1)][ball_dir];
    let (mut new_x, mut new_y) = (ball_x + dx, ball_y + dy);
    let mut strike_toggle = false;
    if !(0..=9).contains(&new_x) {
        new_x = new_x.clamp(0, 9);
        ball_dir = [1, 0, 3, 2][ball_dir];
    }
    if new_y < 0 {
        new_y = 0;
        ball_dir = [3, 2, 1, 0][ball_dir];
    } else if brick_map[new_y as usize][new_x as usize] {
        strike_toggle = true;
        if !strike {
            r += 1;
            strike = true;
            brick_map[new_y as usize][new_x as usize] = false;
            new_y = ball_y;
            ball_dir = [3, 2, 1, 0][ball_dir];
        }
    } else if new_y == 9 {
        if !brick_map.as_flattened().contains(&true) {
            brick_map[1..4].fill([true; 10]);
        }
        if ball_x == pos {
            ball_dir = [3, 2, 1, 0][ball_dir];
            new_y = ball_y;
        } else if new_x == pos {
            ball_dir = [2, 3, 0, 1][ball_dir];
            new_y = ball_y;
        } else {
            terminal = true;
        }
    }
    if !strike_toggle {
        strike = false;
    }
    let [x, y, last_x, last_y, pos] = [new_x, new_y, ball_x, ball_y, pos].map(|number| number as u32);
    let bricks = bits(&brick_map, 1);
    outcome(
        vec![x, y, ball_dir as u32, last_x, last_y, pos, u32::from(strike), bricks, last_action],
        r,
        terminal,
    )
}

fn observe(_: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    let Some(s) = known(state) else { return vec![Expect::Any; 400] };
    let mut brick_map = Map::default();
    rows(&mut brick_map, 1, s[7]);
    seen(&[single(9, s[5]), single(s[1], s[0]), single(s[4], s[3]), brick_map])
}
