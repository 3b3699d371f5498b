//! Asterix after the package's `environments/asterix.py`.

use super::{Map, act, known, outcome, randint, seen, single};
use crate::verify::oracle::Expect;
use crate::verify::oracle::dynamics::{Dynamics, Lane, Outcome};
use crate::verify::oracle::random::Random;

/// Asterix.
pub const DYNAMICS: Dynamics = Dynamics { reset, step, observe };

/// `[x, y, lr, is_gold]`, or nothing, in each slot.
type Entity = Option<(i64, i64, bool, bool)>;

fn entities(s: &[u32]) -> Vec<Entity> {
    let has = |bits: u32, slot: u32| bits >> slot & 1 == 1;
    let entity = |slot: u32| {
        (i64::from(s[5] / 16u32.pow(slot) % 16), i64::from(slot) + 1, has(s[3], slot), has(s[4], slot))
    };
    (0..8).map(|slot| has(s[2], slot).then(|| entity(slot))).collect()
}

fn reset(_: Lane<'_>, _: &mut Random) -> Vec<Expect> {
    [5, 5, 0, 0, 0, 0, 10, 10, 5, 5, 100, 0, 0].map(Expect::Bits).to_vec()
}

fn step(lane: Lane<'_>, state: &[u32], action: &[u32], random: &mut Random) -> Option<Outcome> {
    let (a, last_action) = act(lane, state[12], action[0], random);
    let [mut player_x, mut player_y] = [state[0], state[1]].map(i64::from);
    let mut entities = entities(state);
    let [mut spawn_speed, mut spawn_timer, mut move_speed, mut move_timer] =
        [6, 7, 8, 9].map(|word| i64::from(state[word]));
    let (mut ramp_timer, mut ramp_index) = (i64::from(state[10] as i32), state[11]);
    let (mut r, mut terminal) = (0, false);
    if spawn_timer == 0 {
        let lr = random.uniform() < 0.5;
        let is_gold = random.uniform() < 1.0 / 3.0;
        let slot_options: Vec<usize> = (0..8).filter(|slot| entities[*slot].is_none()).collect();
        if !slot_options.is_empty() {
            let slot = slot_options[randint(random, slot_options.len() as u32)? as usize];
            entities[slot] = Some((if lr { 0 } else { 9 }, slot as i64 + 1, lr, is_gold));
        }
        spawn_timer = spawn_speed;
    }
    match a {
        'l' => player_x = (player_x - 1).max(0),
        'r' => player_x = (player_x + 1).min(9),
        'u' => player_y = (player_y - 1).max(1),
        'd' => player_y = (player_y + 1).min(8),
        _ => {}
    }
    let mut meet = |slot: &mut Entity| match *slot {
        Some((x, y, _, true)) if (x, y) == (player_x, player_y) => {
            *slot = None;
            r += 1;
        }
        Some((x, y, _, false)) if (x, y) == (player_x, player_y) => terminal = true,
        _ => {}
    };
    entities.iter_mut().for_each(&mut meet);
    if move_timer == 0 {
        move_timer = move_speed;
        for slot in &mut entities {
            if let Some((x, y, lr, is_gold)) = *slot {
                let x = if lr { x + 1 } else { x - 1 };
                *slot = (0..10).contains(&x).then_some((x, y, lr, is_gold));
            }
            meet(slot);
        }
    }
    spawn_timer -= 1;
    move_timer -= 1;
    if lane.params[1] != 0 && (spawn_speed > 1 || move_speed > 1) {
        if ramp_timer >= 0 {
            ramp_timer -= 1;
        } else {
            if move_speed > 1 && ramp_index % 2 == 1 {
                move_speed -= 1;
            }
            if spawn_speed > 1 {
                spawn_speed -= 1;
            }
            ramp_index += 1;
            ramp_timer = 100;
        }
    }
    let mut maps = [0u32; 4];
    for (slot, entity) in entities.iter().enumerate() {
        let Some((x, _, lr, is_gold)) = entity else { continue };
        maps[0] |= 1 << slot;
        maps[1] |= u32::from(*lr) << slot;
        maps[2] |= u32::from(*is_gold) << slot;
        maps[3] |= (*x as u32) << (4 * slot);
    }
    let mut next = vec![player_x as u32, player_y as u32];
    next.extend(maps);
    next.extend(
        [spawn_speed, spawn_timer, move_speed, move_timer, ramp_timer].map(|timer| timer as i32 as u32),
    );
    next.extend([ramp_index, last_action]);
    outcome(next, r, terminal)
}

fn observe(_: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    let Some(s) = known(state) else { return vec![Expect::Any; 400] };
    let mut channels = [Map::default(); 4];
    channels[0] = single(s[1], s[0]);
    for (x, y, lr, is_gold) in entities(&s).into_iter().flatten() {
        channels[if is_gold { 3 } else { 1 }][y as usize][x as usize] = true;
        let back_x = if lr { x - 1 } else { x + 1 };
        if (0..10).contains(&back_x) {
            channels[2][y as usize][back_x as usize] = true;
        }
    }
    seen(&channels)
}
