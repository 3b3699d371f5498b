//! Seaquest after the package's `environments/seaquest.py`, with its lists and their removal by value.

mod words;

use super::{Map, act, known, outcome, randint, seen, single};
use crate::verify::oracle::Expect;
use crate::verify::oracle::dynamics::{Dynamics, Lane, Outcome};
use crate::verify::oracle::random::Random;

use words::mark;

/// Seaquest.
pub const DYNAMICS: Dynamics = Dynamics { reset, step, observe };

/// `[x, y, lr, timer, shot timer]`, as far as something has them.
type Item = [i64; 5];

/// The package's variables.
#[derive(Default)]
struct Env {
    sub_x: i64,
    sub_y: i64,
    sub_or: i64,
    surface: bool,
    oxygen: i64,
    diver_count: i64,
    e_spawn_speed: i64,
    e_spawn_timer: i64,
    d_spawn_timer: i64,
    move_speed: i64,
    shot_timer: i64,
    ramp_index: i64,
    f_bullets: Vec<Item>,
    e_bullets: Vec<Item>,
    e_fish: Vec<Item>,
    e_subs: Vec<Item>,
    divers: Vec<Item>,
    terminal: bool,
}

/// `list.remove(item)`: the first that equals it.
fn remove(list: &mut Vec<Item>, item: &Item) -> usize {
    let place = list.iter().position(|other| other == item).unwrap_or(0);
    list.remove(place);
    place
}

impl Env {
    fn at_sub(&self, item: &Item) -> bool {
        item[..2] == [self.sub_x, self.sub_y]
    }

    /// One step along its direction; whether it is still in the field.
    fn advance(item: &mut Item) -> bool {
        item[0] += if item[2] == 1 { 1 } else { -1 };
        (0..=9).contains(&item[0])
    }

    /// `_spawn_enemy`
    fn spawn_enemy(&mut self, random: &mut Random) -> Option<()> {
        let lr = i64::from(random.uniform() < 0.5);
        let is_sub = random.uniform() < 1.0 / 3.0;
        let x = if lr == 1 { 0 } else { 9 };
        let y = i64::from(randint(random, 8)?) + 1;
        if self.e_subs.iter().chain(&self.e_fish).any(|z| z[1] == y && z[2] != lr) {
            return Some(());
        }
        if is_sub {
            self.e_subs.push([x, y, lr, self.move_speed, 10]);
        } else {
            self.e_fish.push([x, y, lr, self.move_speed, 0]);
        }
        Some(())
    }

    /// `_spawn_diver`
    fn spawn_diver(&mut self, random: &mut Random) -> Option<()> {
        let lr = i64::from(random.uniform() < 0.5);
        let y = i64::from(randint(random, 8)?) + 1;
        self.divers.push([if lr == 1 { 0 } else { 9 }, y, lr, 5, 0]);
        Some(())
    }

    fn friendly_bullets(&mut self) -> i64 {
        let mut r = 0;
        for i in (0..self.f_bullets.len()).rev() {
            let inside = Env::advance(&mut self.f_bullets[i]);
            let bullet = self.f_bullets[i];
            let mut gone = !inside;
            for list in [&mut self.e_fish, &mut self.e_subs] {
                if let (false, Some(x)) = (gone, list.iter().find(|x| x[..2] == bullet[..2]).copied()) {
                    remove(list, &x);
                    (gone, r) = (true, r + 1);
                }
            }
            if gone {
                remove(&mut self.f_bullets, &bullet);
            }
        }
        r
    }

    fn update_divers(&mut self) {
        for i in (0..self.divers.len()).rev() {
            let mut diver = self.divers[i];
            let mut gone = false;
            if self.at_sub(&diver) && self.diver_count < 6 {
                gone = true;
                self.diver_count += 1;
            } else if diver[3] == 0 {
                diver[3] = 5;
                gone = !Env::advance(&mut diver);
                if !gone && self.at_sub(&diver) && self.diver_count < 6 {
                    gone = true;
                    self.diver_count += 1;
                }
            } else {
                diver[3] -= 1;
            }
            self.divers[i] = diver;
            if gone {
                self.divers.remove(i);
            }
        }
    }

    /// Submarines with `shoots`, else fish.
    fn update_enemies(&mut self, shoots: bool) -> i64 {
        let mut list = std::mem::take(if shoots { &mut self.e_subs } else { &mut self.e_fish });
        let mut r = 0;
        // As Python walks a list backwards while entries of it vanish.
        let mut index = list.len();
        while index > 0 {
            index -= 1;
            let mut place = Some(index);
            self.terminal |= self.at_sub(&list[index]);
            if list[index][3] == 0 {
                list[index][3] = self.move_speed;
                let inside = Env::advance(&mut list[index]);
                let x = list[index];
                let hit = self.f_bullets.iter().find(|bullet| bullet[..2] == x[..2]).copied();
                if !inside {
                    list.remove(index);
                    // Its bullet would leave the field in this very step.
                    continue;
                } else if self.at_sub(&x) {
                    self.terminal = true;
                } else if let Some(bullet) = hit {
                    if shoots && x[4] == 0 {
                        self.e_bullets.push([x[0], x[1], x[2], 0, 0]);
                    }
                    let removed = remove(&mut list, &x);
                    remove(&mut self.f_bullets, &bullet);
                    r += 1;
                    // Another, equal one may be gone in its place.
                    place = (removed < index).then(|| index - 1);
                }
            } else {
                list[index][3] -= 1;
            }
            let Some(place) = place.filter(|_| shoots) else { continue };
            if list[place][4] == 0 {
                let [x, y, lr, ..] = list[place];
                list[place][4] = 10;
                self.e_bullets.push([x, y, lr, 0, 0]);
            } else {
                list[place][4] -= 1;
            }
        }
        *(if shoots { &mut self.e_subs } else { &mut self.e_fish }) = list;
        r
    }

    fn update_enemy_bullets(&mut self) {
        let mut list = std::mem::take(&mut self.e_bullets);
        for bullet in &mut list {
            self.terminal |= self.at_sub(bullet);
            self.terminal |= Env::advance(bullet) && self.at_sub(bullet);
        }
        list.retain(|bullet| (0..=9).contains(&bullet[0]));
        self.e_bullets = list;
    }

    /// `_surface`
    fn surface(&mut self, ramping: bool) -> i64 {
        self.surface = true;
        let mut r = 0;
        if self.diver_count == 6 {
            self.diver_count = 0;
            r = (self.oxygen * 10).div_euclid(200);
        }
        self.oxygen = 200;
        self.diver_count -= 1;
        if ramping && (self.e_spawn_speed > 1 || self.move_speed > 2) {
            if self.move_speed > 2 && self.ramp_index % 2 == 1 {
                self.move_speed -= 1;
            }
            if self.e_spawn_speed > 1 {
                self.e_spawn_speed -= 1;
            }
            self.ramp_index += 1;
        }
        r
    }
}

fn reset(_: Lane<'_>, _: &mut Random) -> Vec<Expect> {
    let start = Env {
        sub_x: 5,
        surface: true,
        oxygen: 200,
        e_spawn_speed: 20,
        e_spawn_timer: 20,
        d_spawn_timer: 30,
        move_speed: 5,
        ..Env::default()
    };
    start.words(0).into_iter().map(Expect::Bits).collect()
}

fn step(lane: Lane<'_>, state: &[u32], action: &[u32], random: &mut Random) -> Option<Outcome> {
    let (a, last_action) = act(lane, state[12], action[0], random);
    let mut env = Env::read(state);
    if env.e_spawn_timer == 0 {
        env.spawn_enemy(random)?;
        env.e_spawn_timer = env.e_spawn_speed;
    }
    if env.d_spawn_timer == 0 {
        env.spawn_diver(random)?;
        env.d_spawn_timer = 30;
    }
    match a {
        'f' if env.shot_timer == 0 => {
            env.f_bullets.push([env.sub_x, env.sub_y, env.sub_or, 0, 0]);
            env.shot_timer = 5;
        }
        'l' => (env.sub_x, env.sub_or) = ((env.sub_x - 1).max(0), 0),
        'r' => (env.sub_x, env.sub_or) = ((env.sub_x + 1).min(9), 1),
        'u' => env.sub_y = (env.sub_y - 1).max(0),
        'd' => env.sub_y = (env.sub_y + 1).min(8),
        _ => {}
    }
    let mut r = env.friendly_bullets();
    env.update_divers();
    r += env.update_enemies(true);
    env.update_enemy_bullets();
    r += env.update_enemies(false);
    for timer in [&mut env.e_spawn_timer, &mut env.d_spawn_timer, &mut env.shot_timer] {
        *timer = (*timer - 1).max(0);
    }
    env.terminal |= env.oxygen <= 0;
    if env.sub_y > 0 {
        env.oxygen -= 1;
        env.surface = false;
    } else if !env.surface {
        if env.diver_count == 0 {
            env.terminal = true;
        } else {
            r += env.surface(lane.params[1] != 0);
        }
    }
    outcome(env.words(last_action), r, env.terminal)
}

fn observe(_: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    let Some(s) = known(state) else { return vec![Expect::Any; 1000] };
    let env = Env::read(&s);
    let mut channels = [Map::default(); 10];
    channels[0] = single(env.sub_y as u32, env.sub_x as u32);
    mark(&mut channels[1], if env.sub_or == 1 { env.sub_x - 1 } else { env.sub_x + 1 }, env.sub_y);
    for x in 0..10 {
        channels[7][9][x as usize] = x < env.oxygen.max(0) * 10 / 200;
        channels[8][9][x as usize] = (9 - env.diver_count..9).contains(&x);
    }
    let lists =
        [(2, &env.f_bullets), (4, &env.e_bullets), (5, &env.e_fish), (6, &env.e_subs), (9, &env.divers)];
    for (channel, list) in lists {
        for [x, y, lr, ..] in list {
            mark(&mut channels[channel], *x, *y);
            if channel > 4 {
                mark(&mut channels[3], if *lr == 1 { x - 1 } else { x + 1 }, *y);
            }
        }
    }
    seen(&channels)
}
