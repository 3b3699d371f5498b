//! Freeway-MinAtar: the twin of `shaders/envs/freeway.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::grid::choice_of;
use crate::shared::minatar::{self, DOWN, SIDE, UP, played};
use crate::shared::rng::Rng;

/// Freeway as MinAtar 1.0.15 defines it.
pub static FREEWAY: BuiltIn = BuiltIn {
    id: "Freeway-MinAtar",
    short: "freeway",
    title: "a chicken crosses eight lanes of cars",
    file: "freeway.wgsl",
    source: include_str!("../../shaders/envs/freeway.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(Freeway)),
};

/// The package's variables, and the action before. Cars have 4 bits each, those of row 1 the lowest.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct State {
    /// Row of the chicken, from the top.
    pub pos: u32,
    /// Steps until it may move.
    pub move_timer: u32,
    /// Steps left.
    pub terminate_timer: i32,
    /// Columns of the cars.
    pub x: u32,
    /// Steps until each moves.
    pub timers: u32,
    /// Steps between two moves, and in bit 3 whether they go to the right.
    pub speeds: u32,
    /// The action before.
    pub last_action: u32,
}

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Probability that the action before is played again.
        pub sticky_action_prob: f32,
    }
}

/// The rules.
pub struct Freeway;

const CHANNELS: u32 = 7;
const PLAYER_SPEED: u32 = 3;
const TIME_LIMIT: i32 = 2500;
const CHICKEN_X: u32 = 4;
const TO_THE_RIGHT: u32 = 8;

/// Speeds and directions of all cars, one of ten for each.
fn random_speeds(rng: &mut Rng<'_>) -> u32 {
    let mut speeds = 0;
    for car in 0..8 {
        let choice = choice_of(rng.uniform(), 10);
        let speed = choice / 2 + 1 + (choice & 1) * TO_THE_RIGHT;
        speeds |= speed << (car * 4);
    }
    speeds
}

/// The timers that cars of these speeds start with.
fn timers_of(speeds: u32) -> u32 {
    speeds & 0x7777_7777
}

/// The column after one to the right or to the left, around the edges.
fn next_column(x: u32, right: bool) -> u32 {
    if right { (x + 1) % SIDE } else { (x + 9) % SIDE }
}

fn lit(s: &State, y: u32, x: u32, channel: u32) -> bool {
    if channel == 0 {
        return y == s.pos && x == CHICKEN_X;
    }
    if y == 0 || y == 9 {
        return false;
    }
    let shift = y * 4 - 4;
    let car_x = (s.x >> shift) & 15;
    if channel == 1 {
        return x == car_x;
    }
    let speed = (s.speeds >> shift) & 15;
    speed & 7 == channel - 1 && x == next_column(car_x, speed & TO_THE_RIGHT == 0)
}

impl World for Freeway {
    type State = State;
    type Params = Params;

    fn reset(&self, _: &Params, rng: &mut Rng<'_>) -> State {
        let speeds = random_speeds(rng);
        State {
            pos: 9,
            move_timer: PLAYER_SPEED,
            terminate_timer: TIME_LIMIT,
            x: 0,
            timers: timers_of(speeds),
            speeds,
            last_action: 0,
        }
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let mut s = *state;
        let mut outcome = Outcome { reward: 0.0, terminated: false };
        s.last_action = played(env.sticky_action_prob, s.last_action, action[0], rng);
        if s.last_action == UP && s.move_timer == 0 {
            s.move_timer = PLAYER_SPEED;
            s.pos = s.pos.max(1) - 1;
        } else if s.last_action == DOWN && s.move_timer == 0 {
            s.move_timer = PLAYER_SPEED;
            s.pos = (s.pos + 1).min(9);
        }
        if s.pos == 0 {
            outcome.reward = 1.0;
            s.speeds = random_speeds(rng);
            s.timers = timers_of(s.speeds);
            s.pos = 9;
        }
        for car in 0..8 {
            let shift = car * 4;
            let x = (s.x >> shift) & 15;
            let timer = (s.timers >> shift) & 15;
            let speed = (s.speeds >> shift) & 15;
            let row = car + 1;
            if x == CHICKEN_X && s.pos == row {
                s.pos = 9;
            }
            if timer == 0 {
                let moved = next_column(x, speed & TO_THE_RIGHT != 0);
                s.timers |= (speed & 7) << shift;
                s.x ^= (x ^ moved) << shift;
                if moved == CHICKEN_X && s.pos == row {
                    s.pos = 9;
                }
            } else {
                s.timers -= 1 << shift;
            }
        }
        s.move_timer = s.move_timer.max(1) - 1;
        s.terminate_timer -= 1;
        outcome.terminated = s.terminate_timer < 0;
        *state = s;
        outcome
    }

    fn observe(&self, _: &Params, state: &State, obs: &mut [f32]) {
        minatar::observe(obs, CHANNELS, |y, x, channel| lit(state, y, x, channel));
    }

    #[inline(always)]
    fn draw(&self, _: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        minatar::draw(uv, &COLOURS, |y, x, channel| lit(state, y, x, channel))
    }
}

/// Chicken, car, speeds 1 to 5: seaborn's palette "cubehelix".
const COLOURS: [[f32; 3]; CHANNELS as usize] = [
    [0.104, 0.116, 0.233],
    [0.085, 0.327, 0.297],
    [0.265, 0.468, 0.191],
    [0.633, 0.475, 0.291],
    [0.831, 0.518, 0.663],
    [0.778, 0.707, 0.931],
    [0.796, 0.909, 0.940],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rng::STREAM_STEP;

    const FIRM: Params = Params { sticky_action_prob: 0.0 };

    fn step(s: &mut State, action: u32) -> Outcome {
        Freeway.step(&FIRM, s, &[action], &mut Rng::new(0, STREAM_STEP, 0, 0))
    }

    #[test]
    fn an_episode_ends_with_its_2501st_step() {
        let mut s = Freeway.reset(&FIRM, &mut Rng::new(1, 0, 0, 0));
        let ends = (1..3000).find(|_| step(&mut s, 0).terminated);
        assert_eq!(ends, Some(2501));
    }

    #[test]
    fn the_chicken_moves_every_third_step_and_a_car_sends_it_back() {
        // Cars far from the chicken's column, and none about to move.
        let quiet = State {
            timers: 0x5555_5555,
            speeds: 0x5555_5555,
            terminate_timer: 99,
            pos: 9,
            ..State::default()
        };
        let mut s = quiet;
        let rows: Vec<u32> = (0..5)
            .map(|_| {
                step(&mut s, UP);
                s.pos
            })
            .collect();
        assert_eq!(rows, [8, 8, 8, 7, 7]);
        // The car of row 5 moves to column 4.
        let mut s = State { x: 3 << 16, timers: 0x5550_5555, speeds: 0x555d_5555, pos: 5, ..quiet };
        step(&mut s, 0);
        assert_eq!((s.pos, s.x >> 16 & 15, s.timers >> 16 & 15), (9, 4, 5));
    }

    #[test]
    fn the_top_gives_all_cars_other_speeds() {
        let mut s = State { pos: 1, terminate_timer: 99, x: 0x3333_3333, ..State::default() };
        assert_eq!(step(&mut s, UP), Outcome { reward: 1.0, terminated: false });
        assert_eq!((s.pos, s.x), (9, 0x3333_3333));
        for car in 0..8 {
            let [speed, timer] = [s.speeds, s.timers].map(|all| all >> (4 * car) & 7);
            assert!((1..=5).contains(&speed), "{:x}", s.speeds);
            assert_eq!(timer + 1, speed, "one step of the timer is over");
        }
    }

    #[test]
    fn the_ten_speeds_of_a_car_are_equally_likely() {
        let mut counts = [0u32; 16];
        for lane in 0..100_000 {
            counts[(Freeway.reset(&FIRM, &mut Rng::new(5, 0, 0, lane)).speeds >> 12 & 15) as usize] += 1;
        }
        let drawn: Vec<f64> =
            [1..6, 9..14].into_iter().flatten().map(|speed: usize| f64::from(counts[speed])).collect();
        assert_eq!(drawn.iter().sum::<f64>(), 100_000.0);
        // 9 degrees of freedom: p = 0.001 at 27.9.
        assert!(drawn.iter().map(|n| (n - 10_000.0).powi(2) / 10_000.0).sum::<f64>() < 27.9, "{drawn:?}");
    }
}
