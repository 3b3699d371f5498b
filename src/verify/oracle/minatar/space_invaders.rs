//! Space Invaders after the package's `environments/space_invaders.py`.

use super::{Map, act, known, outcome, seen, single};
use crate::verify::oracle::Expect;
use crate::verify::oracle::dynamics::{Dynamics, Lane, Outcome};
use crate::verify::oracle::random::Random;

/// Space Invaders.
pub const DYNAMICS: Dynamics = Dynamics { reset, step, observe };

/// The map in four words.
fn map_of(words: &[u32]) -> Map {
    let mut map = Map::default();
    for (word, bits) in words.iter().enumerate() {
        for place in 0..if word == 3 { 10 } else { 30 } {
            map[3 * word + place / 10][place % 10] = bits >> place & 1 == 1;
        }
    }
    map
}

/// The four words of a map.
fn words_of(map: &Map) -> [u32; 4] {
    let mut words = [0; 4];
    for (y, row) in map.iter().enumerate() {
        for (x, lit) in row.iter().enumerate() {
            words[y / 3] |= u32::from(*lit) << (y % 3 * 10 + x);
        }
    }
    words
}

/// The aliens of a new wave.
fn wave() -> Map {
    let mut map = Map::default();
    for row in &mut map[..4] {
        row[2..8].fill(true);
    }
    map
}

fn count_nonzero(map: &Map) -> i64 {
    map.as_flattened().iter().filter(|lit| **lit).count() as i64
}

fn reset(_: Lane<'_>, _: &mut Random) -> Vec<Expect> {
    let mut state = words_of(&wave()).to_vec();
    state.extend([0; 8]);
    state.extend([5, u32::MAX, 12, 10, 12, 0, 0, 0]);
    state.into_iter().map(Expect::Bits).collect()
}

/// `_nearest_alien`: row and column.
fn nearest_alien(alien_map: &Map, pos: i64) -> Option<(usize, usize)> {
    let mut search_order: Vec<i64> = (0..10).collect();
    search_order.sort_by_key(|x| (x - pos).abs());
    search_order
        .into_iter()
        .map(|x| x as usize)
        .find_map(|x| Some(((0..10).rev().find(|y| alien_map[*y][x])?, x)))
}

fn step(lane: Lane<'_>, state: &[u32], action: &[u32], random: &mut Random) -> Option<Outcome> {
    let (a, last_action) = act(lane, state[19], action[0], random);
    let [mut alien_map, mut f_bullet_map, mut e_bullet_map] =
        [&state[..4], &state[4..8], &state[8..12]].map(map_of);
    let mut pos = i64::from(state[12]);
    let mut alien_dir = i64::from(state[13] as i32);
    let [mut alien_move_timer, mut alien_shot_timer, mut enemy_move_interval, mut ramp_index, mut shot_timer] =
        [14, 15, 16, 17, 18].map(|word| i64::from(state[word]));
    match a {
        'f' if shot_timer == 0 => {
            f_bullet_map[9][pos as usize] = true;
            shot_timer = 5;
        }
        'l' => pos = (pos - 1).max(0),
        'r' => pos = (pos + 1).min(9),
        _ => {}
    }
    let cannon = pos as usize;
    f_bullet_map.rotate_left(1);
    f_bullet_map[9] = [false; 10];
    e_bullet_map.rotate_right(1);
    e_bullet_map[0] = [false; 10];
    let mut terminal = e_bullet_map[9][cannon] || alien_map[9][cannon];
    if alien_move_timer == 0 {
        alien_move_timer = count_nonzero(&alien_map).min(enemy_move_interval);
        let at = |x: usize| alien_map.iter().any(|row| row[x]);
        if (at(0) && alien_dir < 0) || (at(9) && alien_dir > 0) {
            alien_dir = -alien_dir;
            terminal |= alien_map[9].contains(&true);
            alien_map.rotate_right(1);
        } else {
            let columns = alien_dir.rem_euclid(10) as usize;
            alien_map.iter_mut().for_each(|row| row.rotate_right(columns));
        }
        terminal |= alien_map[9][cannon];
    }
    if alien_shot_timer == 0 {
        alien_shot_timer = 10;
        // The package has always aliens here.
        if let Some((y, x)) = nearest_alien(&alien_map, pos) {
            e_bullet_map[y][x] = true;
        }
    }
    let mut r = 0;
    for y in 0..10 {
        for x in 0..10 {
            if alien_map[y][x] && f_bullet_map[y][x] {
                (alien_map[y][x], f_bullet_map[y][x]) = (false, false);
                r += 1;
            }
        }
    }
    shot_timer = (shot_timer - 1).max(0);
    alien_move_timer -= 1;
    alien_shot_timer -= 1;
    if count_nonzero(&alien_map) == 0 {
        if enemy_move_interval > 6 && lane.params[1] != 0 {
            enemy_move_interval -= 1;
            ramp_index += 1;
        }
        alien_map = wave();
    }
    let mut next: Vec<u32> = [alien_map, f_bullet_map, e_bullet_map].iter().flat_map(words_of).collect();
    let timers = [alien_move_timer, alien_shot_timer, enemy_move_interval, ramp_index, shot_timer];
    next.extend([pos, alien_dir].map(|number| number as i32 as u32));
    next.extend(timers.map(|number| number as u32));
    next.push(last_action);
    outcome(next, r, terminal)
}

fn observe(_: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    let Some(s) = known(state) else { return vec![Expect::Any; 600] };
    let [aliens, f_bullets, e_bullets] = [&s[..4], &s[4..8], &s[8..12]].map(map_of);
    let (mut left, mut right) = (Map::default(), aliens);
    if (s[13] as i32) < 0 {
        std::mem::swap(&mut left, &mut right);
    }
    seen(&[single(9, s[12]), aliens, left, right, f_bullets, e_bullets])
}
