//! States of MinAtar's games where rules turn.

use crate::envs::seaquest;
use crate::verify::draw::Draw;

/// A state of the game in a file, if it is one of them.
pub fn state(draw: &mut Draw, file: &str) -> Option<Vec<u32>> {
    match file {
        "breakout.wgsl" => Some(breakout(draw)),
        "freeway.wgsl" => Some(freeway(draw)),
        "asterix.wgsl" => Some(asterix(draw)),
        "space_invaders.wgsl" => Some(space_invaders(draw)),
        "seaquest.wgsl" => Some(seaquest(draw)),
        _ => None,
    }
}

/// A ball anywhere above the paddle's row, bricks in any number, none at all among them.
fn breakout(draw: &mut Draw) -> Vec<u32> {
    let cell = |draw: &mut Draw| draw.int(0, 9);
    let bricks = [0, 0x3fff_ffff, draw.bits() & 0x3fff_ffff][draw.int(0, 2) as usize];
    let row = [0, 3, 4, 7, 8, draw.int(0, 8)][draw.int(0, 5) as usize];
    let (x, pos) = (cell(draw), cell(draw));
    let near = [pos, x][usize::from(draw.one_in(2))];
    let (last_x, last_y) = (cell(draw), draw.int(0, 8));
    vec![x, row, draw.int(0, 3), last_x, last_y, near, draw.int(0, 1), bricks, draw.int(0, 5)]
}

/// Eight groups of 4 bits, each below a limit.
fn nibbles(draw: &mut Draw, most: u32) -> u32 {
    (0..8).fold(0, |all, _| all << 4 | draw.int(0, most))
}

/// A chicken about to arrive or to be met, cars at the edges and about to move, the last steps of an episode.
fn freeway(draw: &mut Draw) -> Vec<u32> {
    let pos = [1, 9, draw.int(1, 9)][draw.int(0, 2) as usize];
    let terminate_timer = [0, 1, draw.int(0, 2500)][draw.int(0, 2) as usize];
    let mut x = nibbles(draw, 9);
    if draw.one_in(2) {
        x = 0x3333_5544 ^ draw.int(0, 1);
    }
    let speeds = (0..8).fold(0, |all, _| all << 4 | draw.int(1, 5) | (8 * draw.int(0, 1)));
    let timers = nibbles(draw, 1) * draw.int(0, 5);
    vec![pos, draw.int(0, 3) * draw.int(0, 1), terminate_timer, x, timers, speeds, draw.int(0, 5)]
}

/// Rows full or nearly so, a player next to what crosses them, everything about to come, to move and to grow harder.
fn asterix(draw: &mut Draw) -> Vec<u32> {
    let (player_x, player_y) = (draw.int(0, 9), draw.int(1, 8));
    let present = [255, 127, draw.int(0, 255)][draw.int(0, 2) as usize];
    let (right, gold) = (draw.int(0, 255) & present, draw.int(0, 255) & present);
    let near = [player_x, player_x.max(1) - 1, (player_x + 1).min(9)][draw.int(0, 2) as usize];
    let columns = (0..8).fold(0, |all, row| {
        let x = [near, 0, 9, draw.int(0, 9)][draw.int(0, 3) as usize];
        all | (x * (present >> row & 1)) << (4 * row)
    });
    let (spawn_speed, move_speed) = (draw.int(1, 10), draw.int(1, 5));
    let timers = [draw.int(0, 10) * draw.int(0, 1), draw.int(0, 5) * draw.int(0, 1)];
    let ramp_timer = [u32::MAX, 0, draw.int(0, 100)][draw.int(0, 2) as usize];
    let mut state = vec![player_x, player_y, present, right, gold, columns];
    state.extend([
        spawn_speed,
        timers[0],
        move_speed,
        timers[1],
        ramp_timer,
        draw.int(0, 20),
        draw.int(0, 5),
    ]);
    state
}

/// Few aliens and many, at the edges and in the last row, bullets everywhere, timers about to end.
fn space_invaders(draw: &mut Draw) -> Vec<u32> {
    let mut state = Vec::new();
    for map in 0..3 {
        let full = [0x3fff_ffff, 0x3fff_ffff, 0x3fff_ffff, 0x3ff];
        let words = full.map(|cells| match draw.int(0, 3) {
            0 => cells & draw.bits() & draw.bits() & draw.bits(),
            1 => cells & draw.bits(),
            _ => 0,
        });
        // There are always aliens.
        let alone = map == 0 && words == [0; 4];
        state.extend(if alone { [0, 0, 1 << draw.int(0, 29), 0] } else { words });
    }
    let timers = [draw.int(0, 12) * draw.int(0, 1), draw.int(0, 10) * draw.int(0, 1)];
    state.extend([draw.int(0, 9), [1, u32::MAX][usize::from(draw.one_in(2))], timers[0], timers[1]]);
    state.extend([draw.int(6, 12), draw.int(0, 6), draw.int(0, 5) * draw.int(0, 1), draw.int(0, 5)]);
    state
}

/// Enemies, divers and bullets near the submarine and at the edges, timers about to end, nearly no oxygen, the surface, divers
/// from a debt to six.
fn seaquest(draw: &mut Draw) -> Vec<u32> {
    let (sub_x, sub_y) = (draw.int(1, 8), [0, 1, draw.int(0, 8)][draw.int(0, 2) as usize]);
    let place = |draw: &mut Draw| {
        let x = [sub_x, sub_x - 1, sub_x + 1, 0, 9, draw.int(0, 9)][draw.int(0, 5) as usize];
        let y = [sub_y.clamp(1, 8), draw.int(1, 8)][usize::from(draw.one_in(2))];
        x | (y - 1) << 4 | draw.int(0, 1) << 7
    };
    let timer = |draw: &mut Draw, most: u32| draw.int(0, most) * draw.int(0, 1);
    let mut s = seaquest::State { sub_x, sub_y, sub_or: draw.int(0, 1), ..seaquest::State::default() };
    s.surface = draw.int(0, 1);
    s.oxygen = [0, 1, 200, draw.int(0, 200) as i32][draw.int(0, 3) as usize];
    s.diver_count = [-1, 0, 5, 6, draw.int(0, 6) as i32 - 3][draw.int(0, 4) as usize];
    (s.e_spawn_speed, s.move_speed) = (draw.int(1, 20), draw.int(2, 5));
    (s.e_spawn_timer, s.d_spawn_timer) = (timer(draw, 20), timer(draw, 30));
    (s.shot_timer, s.ramp_index, s.last_action) = (timer(draw, 5), draw.int(0, 20), draw.int(0, 5));
    s.f_count = draw.int(0, 2);
    for i in 0..s.f_count {
        let bullet = place(draw);
        s.f_bullets |= (bullet & 15 | ((bullet >> 4 & 7) + 1) << 4 | (bullet >> 7) << 8) << (9 * i);
    }
    s.d_count = draw.int(0, 3);
    for i in 0..s.d_count {
        s.divers[(i / 2) as usize] |= (place(draw) | timer(draw, 5) << 8) << (16 * (i % 2));
    }
    s.e_count = [draw.int(0, 4), draw.int(0, 30)][usize::from(draw.one_in(4))];
    for i in 0..s.e_count {
        let kind = if draw.one_in(2) { 1 << 11 | timer(draw, 10) << 12 } else { 0 };
        s.set_enemy(i, place(draw) | timer(draw, 5) << 8 | kind);
    }
    for map in [&mut s.e_right, &mut s.e_left] {
        *map =
            [0x3fff_ffff, 0x3fff_ffff, 0xf_ffff].map(|cells| cells & draw.bits() & draw.bits() & draw.bits());
    }
    s.settle();
    bytemuck::cast_slice(&[s]).to_vec()
}
