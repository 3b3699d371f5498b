//! Freeway after the package's `environments/freeway.py`.

use super::{Map, act, known, outcome, randint, seen, single};
use crate::verify::oracle::Expect;
use crate::verify::oracle::dynamics::{Dynamics, Lane, Outcome};
use crate::verify::oracle::random::Random;

/// Freeway.
pub const DYNAMICS: Dynamics = Dynamics { reset, step, observe };

/// `[x, y, timer, speed]` of each car.
fn cars(x: u32, timers: u32, speeds: u32) -> Vec<[i64; 4]> {
    let of = |all: u32, car: u32| i64::from(all / 16u32.pow(car) % 16);
    let speed = |bits: i64| if bits >= 8 { bits - 8 } else { -bits };
    (0..8).map(|car| [of(x, car), i64::from(car) + 1, of(timers, car), speed(of(speeds, car))]).collect()
}

/// The words of cars.
fn car_words(cars: &[[i64; 4]]) -> [u32; 3] {
    let packed =
        |of: &dyn Fn(&[i64; 4]) -> i64| cars.iter().rev().fold(0, |all, car| all * 16 + of(car) as u32);
    [
        packed(&|car| car[0]),
        packed(&|car| car[2]),
        packed(&|car| car[3].abs() + if car[3] > 0 { 8 } else { 0 }),
    ]
}

/// `_randomize_cars`: a speed and a direction, ten in all, for each car.
fn randomize_cars(cars: &mut [[i64; 4]], random: &mut Random) -> Option<()> {
    let mut clear = true;
    for car in cars {
        // All are drawn even where one is in doubt.
        match randint(random, 10) {
            Some(choice) => {
                let speed = i64::from(choice / 2) + 1;
                (car[2], car[3]) = (speed, if choice % 2 == 1 { speed } else { -speed });
            }
            None => clear = false,
        }
    }
    clear.then_some(())
}

fn reset(_: Lane<'_>, random: &mut Random) -> Vec<Expect> {
    let mut cars = cars(0, 0, 0);
    match randomize_cars(&mut cars, random) {
        Some(()) => {
            let [x, timers, speeds] = car_words(&cars);
            [9, 3, 2500, x, timers, speeds, 0].map(Expect::Bits).to_vec()
        }
        None => vec![Expect::Any; 7],
    }
}

fn step(lane: Lane<'_>, state: &[u32], action: &[u32], random: &mut Random) -> Option<Outcome> {
    let (a, last_action) = act(lane, state[6], action[0], random);
    let (mut pos, mut move_timer) = (i64::from(state[0]), i64::from(state[1]));
    let mut cars = cars(state[3], state[4], state[5]);
    let mut r = 0;
    if a == 'u' && move_timer == 0 {
        move_timer = 3;
        pos = (pos - 1).max(0);
    } else if a == 'd' && move_timer == 0 {
        move_timer = 3;
        pos = (pos + 1).min(9);
    }
    if pos == 0 {
        r += 1;
        randomize_cars(&mut cars, random)?;
        pos = 9;
    }
    for car in &mut cars {
        if car[..2] == [4, pos] {
            pos = 9;
        }
        if car[2] == 0 {
            car[2] = car[3].abs();
            car[0] = (car[0] + car[3].signum()).rem_euclid(10);
            if car[..2] == [4, pos] {
                pos = 9;
            }
        } else {
            car[2] -= 1;
        }
    }
    let terminate_timer = i64::from(state[2] as i32) - 1;
    let [x, timers, speeds] = car_words(&cars);
    let move_timer = (move_timer - 1).max(0) as u32;
    let next = vec![pos as u32, move_timer, terminate_timer as i32 as u32, x, timers, speeds, last_action];
    outcome(next, r, terminate_timer < 0)
}

fn observe(_: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    let Some(s) = known(state) else { return vec![Expect::Any; 700] };
    let mut channels = [Map::default(); 7];
    channels[0] = single(s[0], 4);
    for [x, y, _, speed] in cars(s[3], s[4], s[5]) {
        channels[1][y as usize][x as usize] = true;
        let back_x = (x - speed.signum()).rem_euclid(10);
        channels[1 + speed.unsigned_abs() as usize][y as usize][back_x as usize] = true;
    }
    seen(&channels)
}
