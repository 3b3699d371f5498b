//! States where an environment's rules turn: limits, walls, seams of angles.

use super::minatar_edges;
use crate::engine::env::Env;
use crate::verify::draw::Draw;

/// A state around the limits of an environment, if any are listed here.
pub fn state(draw: &mut Draw, env: &Env) -> Option<Vec<u32>> {
    let floats = match env.file.as_str() {
        "cartpole.wgsl" => cartpole(draw),
        "mountain_car.wgsl" | "mountain_car_continuous.wgsl" => valley(draw),
        "acrobot.wgsl" => vec![
            angle(draw, 0),
            angle(draw, 0),
            speed(draw, 4.0 * std::f32::consts::PI),
            speed(draw, 9.0 * std::f32::consts::PI),
        ],
        "pendulum.wgsl" | "pendulum_discrete.wgsl" => vec![angle(draw, 20), speed(draw, 8.0)],
        "multi_goal.wgsl" => multi_goal(draw),
        "reacher.wgsl" => reacher(draw),
        "tray.wgsl" => return Some(tray(draw)),
        "pong.wgsl" => return Some(pong(draw)),
        "qbert.wgsl" => return Some(qbert(draw)),
        "catch_pixels.wgsl" => return Some(catch_pixels(draw)),
        _ => return minatar_edges::state(draw, &env.file).or_else(|| any_cell(draw, env)),
    };
    Some(floats.into_iter().map(f32::to_bits).collect())
}

fn cartpole(draw: &mut Draw) -> Vec<f32> {
    // Exactly on a limit is not beyond it.
    match draw.int(0, 511) {
        0 => return vec![2.4, 0.0, 0.0, 0.0],
        1 => return vec![0.0, 0.0, 0.209_439_51, 0.0],
        _ => {}
    }
    let reach = [1.3, 1.0][usize::from(draw.one_in(2))];
    let x = draw.float(-2.4, 2.4) * reach;
    let theta = draw.float(-0.2094, 0.2094) * reach;
    vec![x, draw.float(-3.0, 3.0), theta, draw.float(-3.0, 3.0)]
}

/// The left wall, the goals at 0.45 and 0.5, the right end.
fn valley(draw: &mut Draw) -> Vec<f32> {
    let position = match draw.int(0, 5) {
        0 => -1.2,
        1 => draw.float(-1.2, -1.1),
        2 => draw.float(0.38, 0.52),
        3 => 0.6,
        _ => draw.float(-1.2, 0.6),
    };
    vec![position, speed(draw, 0.07)]
}

/// Around each goal at about 1, on the diagonals between them, at the walls.
fn multi_goal(draw: &mut Draw) -> Vec<f32> {
    let sign = |draw: &mut Draw| [-1.0f32, 1.0][usize::from(draw.one_in(2))];
    let (across, along) = match draw.int(0, 4) {
        // One step of 1 ahead of the edge of a goal.
        0 => (draw.float(3.0, 3.01), 0.0),
        1 => (draw.float(3.0, 7.0), draw.float(0.0, 2.0)),
        2 => (3.5, 3.5),
        3 => (7.0, draw.float(0.0, 7.0)),
        _ => (draw.float(0.0, 7.0), draw.float(0.0, 7.0)),
    };
    let place = [across * sign(draw), along * sign(draw)];
    if draw.one_in(2) { place.to_vec() } else { vec![place[1], place[0]] }
}

/// The second joint at and next to its stops, slow and fast, many turns of the first.
fn reacher(draw: &mut Draw) -> Vec<f32> {
    let theta2 = match draw.int(0, 3) {
        0 => 3.0,
        1 => -3.0,
        _ => draw.float(-3.0, 3.0),
    };
    let fast = [2.0, 40.0][usize::from(draw.one_in(2))];
    let turns = [3.0, 80.0][usize::from(draw.one_in(4))];
    vec![
        draw.float(-turns, turns),
        theta2,
        draw.float(-fast, fast),
        draw.float(-fast, fast),
        draw.float(-0.2, 0.2),
        draw.float(-0.2, 0.2),
    ]
}

/// Ends at the bottom, at the top and between, and a ball about to fall to either side.
fn tray(draw: &mut Draw) -> Vec<u32> {
    let mut height = || [0, 1, 25, 49, 50, draw.int(0, 50)][draw.int(0, 5) as usize];
    let (left, right) = (height(), height());
    let ball = draw.float(-0.5, 0.5) * [1.0, 1.2][usize::from(draw.one_in(2))];
    vec![left, right, ball.to_bits(), draw.float(-2.0, 2.0).to_bits()]
}

/// Balls next to a paddle and to a wall, paddles that meet them and that do not, the last point.
fn pong(draw: &mut Draw) -> Vec<u32> {
    let row = [0, 1, 8, 9, draw.int(0, 9)][draw.int(0, 4) as usize];
    let x = [1, 2, 7, 8, draw.int(1, 8)][draw.int(0, 4) as usize];
    let near = |draw: &mut Draw| (row + draw.int(0, 4)).clamp(3, 10) - 2;
    let paddles = [near(draw), near(draw)];
    let points = [draw.int(3, 4), draw.int(0, 4)];
    let last = [draw.int(1, 8), draw.int(0, 9)];
    let [slope, right, action] = [4, 1, 5].map(|most| draw.int(0, most));
    [&[x, row, slope, right], &last[..], &paddles, &points, &[action]].concat()
}

/// Qbert at an edge, beside a disc, with one cube left, next to enemies; enemies about to hop and to come.
fn qbert(draw: &mut Draw) -> Vec<u32> {
    let cube = |draw: &mut Draw| {
        let i = draw.int(0, 6);
        8 * i + draw.int(0, 6 - i)
    };
    let place = [0, 3, 24, 48, 6, cube(draw)][draw.int(0, 5) as usize];
    let (i, j) = (place / 8, place % 8);
    let here = 1 << (i * (15 - i) / 2 + j);
    let changed = [1 | here, 0x0fff_ffff ^ (1 << draw.int(1, 27)) | here, draw.bits() & 0x0fff_ffff | here];
    let changed = changed[draw.int(0, 2) as usize];
    // With all cubes changed there is a new pyramid already.
    let changed = if changed == 0x0fff_ffff { 0x0fff_ffff ^ (2 | here) | here } else { changed };
    let enemies = [0, 1, 2].map(|_| if draw.one_in(3) { 63 } else { cube(draw) });
    let [balls, snakes, moves] = [10, 10, 4].map(|most| if draw.one_in(2) { 1 } else { draw.int(1, most) });
    let (interval, discs) = (draw.int(2, 4), draw.int(0, 3));
    [&[changed, place], &enemies[..], &[balls, snakes, moves.min(interval), interval, discs, draw.int(0, 5)]]
        .concat()
}

/// Balls at a side and above the last row, paddles at the edges and under the ball; frames of any game.
fn catch_pixels(draw: &mut Draw) -> Vec<u32> {
    let mut frames: Vec<u32> = (0..4)
        .map(|_| {
            let x = [0, 1, 19, 20, draw.int(0, 20)][draw.int(0, 4) as usize];
            let y = [0, 18, 19, 20, draw.int(0, 20)][draw.int(0, 4) as usize];
            let paddle = [1, 2, 19, x.clamp(1, 19), draw.int(1, 19)][draw.int(0, 4) as usize];
            x | y << 5 | paddle << 10
        })
        .collect();
    frames.push(draw.int(0, 2));
    frames
}

/// An angle, often next to half a turn, up to `turns` turns away.
fn angle(draw: &mut Draw, turns: u32) -> f32 {
    let pi = std::f32::consts::PI;
    let angle = match draw.int(0, 3) {
        0 => pi + draw.float(-1e-3, 1e-3),
        1 => -pi + draw.float(-1e-3, 1e-3),
        _ => draw.float(-pi, pi),
    };
    angle + 2.0 * pi * (draw.int(0, 2 * turns) as f32 - turns as f32)
}

/// A speed, sometimes 0 or the limit.
fn speed(draw: &mut Draw, limit: f32) -> f32 {
    match draw.int(0, 5) {
        0 => 0.0,
        1 => limit,
        2 => -limit,
        _ => draw.float(-limit, limit),
    }
}

/// Any state of the environments with few of them: random play from the start rarely gets far.
fn any_cell(draw: &mut Draw, env: &Env) -> Option<Vec<u32>> {
    let cell = draw.int(0, env.obs_size - 1);
    match env.file.as_str() {
        "frozen_lake.wgsl" => Some(vec![cell, draw.int(0, 3)]),
        "cliff_walking.wgsl" => Some(vec![cell]),
        "taxi.wgsl" => Some(vec![cell, draw.int(0, 1), draw.int(0, 3)]),
        "catch.wgsl" => Some(vec![draw.int(0, 4), draw.int(0, 9), draw.int(0, 4)]),
        // The last row, where everything happens, more often; the state after the end too.
        "deep_sea.wgsl" if draw.one_in(2) => Some(vec![9, [0, 9][usize::from(draw.one_in(2))]]),
        "deep_sea.wgsl" => Some(vec![draw.int(0, 10), draw.int(0, 9)]),
        _ => None,
    }
}
