//! Qbert-Small: the twin of `shaders/envs/qbert.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::draw::{paint, sd_circle};
use crate::shared::grid::{choice_of, place_of};
use crate::shared::minatar::{self, DOWN, LEFT, RIGHT, SIDE, UP, played};
use crate::shared::rng::Rng;

/// Atari's Q*bert on MinAtar's scale; the shader's head has the rules.
pub static QBERT: BuiltIn = BuiltIn {
    id: "Qbert-Small",
    short: "qbert",
    title: "hop on every cube of a pyramid, away from balls and a snake",
    file: "qbert.wgsl",
    source: include_str!("../../shaders/envs/qbert.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(Qbert)),
};

gpu_struct! {
    /// Cubes, Qbert and its enemies.
    pub struct State {
        /// Changed cubes: cube (i, j) is bit i (15 - i) / 2 + j.
        pub changed: u32,
        /// Where Qbert is: 8 i + j.
        pub place: u32,
        /// Where a ball is, 63 for none.
        pub ball_0: u32,
        /// The other ball.
        pub ball_1: u32,
        /// The snake.
        pub snake: u32,
        /// Hops until a ball comes.
        pub ball_timer: u32,
        /// Hops until the snake comes.
        pub snake_timer: u32,
        /// Frames until the enemies hop.
        pub move_timer: u32,
        /// Frames between two of their hops.
        pub move_interval: u32,
        /// Bit 0: the disc beside column 0; bit 1: that above row 0.
        pub discs: u32,
        /// The action before.
        pub last_action: u32,
    }
}

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Probability that the action before is played again.
        pub sticky_action_prob: f32,
        /// 1: enemies are faster on every pyramid, 0: all are alike.
        pub difficulty_ramping: u32,
    }
}

const NOWHERE: u32 = 63;
const ALL_CUBES: u32 = 0x0fff_ffff;
const SLOWEST: u32 = 4;
const FASTEST: u32 = 2;
const BALL_HOPS: u32 = 10;
const SNAKE_HOPS: u32 = 10;
const DISC: u32 = 3;
const CHANNELS: u32 = 6;

/// The rules.
pub struct Qbert;

fn bit_of(i: u32, j: u32) -> u32 {
    1 << (i * (15 - i) / 2 + j)
}

fn pyramid(interval: u32, last_action: u32) -> State {
    State {
        changed: 1,
        place: 0,
        ball_0: NOWHERE,
        ball_1: NOWHERE,
        snake: NOWHERE,
        ball_timer: BALL_HOPS,
        snake_timer: SNAKE_HOPS,
        move_timer: interval,
        move_interval: interval,
        discs: 3,
        last_action,
    }
}

/// A ball after its hop.
fn fallen(ball: u32, rng: &mut Rng<'_>) -> u32 {
    if ball == NOWHERE || ball / 8 + ball % 8 == 6 {
        return NOWHERE;
    }
    ball + step_of(rng)
}

/// One cube down, or one to the right.
fn step_of(rng: &mut Rng<'_>) -> u32 {
    if choice_of(rng.uniform(), 2) == 1 { 1 } else { 8 }
}

/// The snake after its hop towards `place`.
fn nearer(snake: u32, place: u32) -> u32 {
    let [(i, j), (to_i, to_j)] = [snake, place].map(|at| (at / 8, at % 8));
    let (along_i, along_j) = (i.abs_diff(to_i), j.abs_diff(to_j));
    if along_i > along_j || along_i == along_j && to_i < i {
        return if to_i > i { snake + 8 } else { snake - 8 };
    }
    match to_j.cmp(&j) {
        std::cmp::Ordering::Greater => snake + 1,
        std::cmp::Ordering::Less => snake - 1,
        std::cmp::Ordering::Equal => snake,
    }
}

impl State {
    /// Qbert's hop; whether it is off the pyramid.
    fn hop(&mut self) -> bool {
        let (i, j) = (self.place / 8, self.place % 8);
        match self.last_action {
            LEFT | UP => {
                let left = self.last_action == LEFT;
                let (along, across, which, step) = if left { (j, i, 1, 1) } else { (i, j, 2, 8) };
                if along > 0 {
                    self.place -= step;
                } else if across == DISC && self.discs & which != 0 {
                    self.discs ^= which;
                    self.place = 0;
                    self.snake = NOWHERE;
                    self.snake_timer = SNAKE_HOPS;
                } else {
                    return true;
                }
            }
            RIGHT | DOWN if i + j == 6 => return true,
            RIGHT => self.place += 1,
            DOWN => self.place += 8,
            _ => {}
        }
        false
    }

    fn caught(&self) -> bool {
        self.place == self.ball_0 || self.place == self.ball_1 || self.place == self.snake
    }

    fn enemies_hop(&mut self, rng: &mut Rng<'_>) {
        self.ball_0 = fallen(self.ball_0, rng);
        self.ball_1 = fallen(self.ball_1, rng);
        self.ball_timer = self.ball_timer.max(1) - 1;
        if self.ball_timer == 0 {
            self.ball_timer = BALL_HOPS;
            let ball = step_of(rng);
            if self.ball_0 == NOWHERE {
                self.ball_0 = ball;
            } else if self.ball_1 == NOWHERE {
                self.ball_1 = ball;
            }
        }
        if self.snake != NOWHERE {
            self.snake = nearer(self.snake, self.place);
            return;
        }
        self.snake_timer = self.snake_timer.max(1) - 1;
        if self.snake_timer == 0 {
            self.snake = if self.place % 8 > self.place / 8 { 48 } else { 6 };
            self.snake_timer = SNAKE_HOPS;
        }
    }
}

fn lit(s: &State, y: u32, x: u32, channel: u32) -> bool {
    if channel == 5 {
        return (y, x) == (1 + DISC, 0) && s.discs & 1 != 0 || (y, x) == (0, 1 + DISC) && s.discs & 2 != 0;
    }
    if y == 0 || x == 0 || y + x > 8 {
        return false;
    }
    let place = 8 * (y - 1) + (x - 1);
    match channel {
        0 => place == s.place,
        3 => place == s.ball_0 || place == s.ball_1,
        4 => place == s.snake,
        _ => (s.changed & bit_of(y - 1, x - 1) != 0) == (channel == 2),
    }
}

impl World for Qbert {
    type State = State;
    type Params = Params;

    fn reset(&self, _: &Params, _: &mut Rng<'_>) -> State {
        pyramid(SLOWEST, 0)
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let mut s = *state;
        s.last_action = played(env.sticky_action_prob, s.last_action, action[0], rng);
        if s.hop() {
            *state = s;
            return Outcome { reward: 0.0, terminated: true };
        }
        let cube = bit_of(s.place / 8, s.place % 8);
        let reward = if s.changed & cube == 0 { 1.0 } else { 0.0 };
        s.changed |= cube;
        let mut caught = s.caught();
        if s.changed == ALL_CUBES && !caught {
            let faster = env.difficulty_ramping != 0 && s.move_interval > FASTEST;
            *state = pyramid(s.move_interval - u32::from(faster), s.last_action);
            return Outcome { reward, terminated: false };
        }
        s.move_timer = s.move_timer.max(1) - 1;
        if s.move_timer == 0 {
            s.move_timer = s.move_interval;
            s.enemies_hop(rng);
            caught |= s.caught();
        }
        *state = s;
        Outcome { reward, terminated: caught }
    }

    fn observe(&self, _: &Params, state: &State, obs: &mut [f32]) {
        minatar::observe(obs, CHANNELS, |y, x, channel| lit(state, y, x, channel));
    }

    #[inline(always)]
    fn draw(&self, _: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let place = place_of(uv, SIDE, SIDE);
        let is = |channel| lit(state, place.row, place.column, channel);
        let mut colour = NIGHT;
        if place.at[0].abs().max(place.at[1].abs()) < 0.46 {
            colour = if is(1) { CUBE } else { colour };
            colour = if is(2) { CHANGED } else { colour };
        }
        let round = sd_circle(place.at, 0.34);
        for (channel, of) in [(5, DISC_COLOUR), (3, BALL), (4, SNAKE), (0, QBERT_COLOUR)] {
            if is(channel) {
                colour = paint(colour, of, round);
            }
        }
        colour
    }
}

const NIGHT: [f32; 3] = [0.05, 0.05, 0.09];
const CUBE: [f32; 3] = [0.19, 0.29, 0.55];
const CHANGED: [f32; 3] = [0.90, 0.74, 0.26];
const DISC_COLOUR: [f32; 3] = [0.55, 0.80, 0.55];
const QBERT_COLOUR: [f32; 3] = [0.94, 0.45, 0.13];
const BALL: [f32; 3] = [0.84, 0.16, 0.20];
const SNAKE: [f32; 3] = [0.60, 0.27, 0.75];

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: Params = Params { sticky_action_prob: 0.0, difficulty_ramping: 1 };

    fn step(state: &mut State, action: u32) -> Outcome {
        Qbert.step(&PARAMS, state, &[action], &mut Rng::new(3, 1, state.move_timer, 0))
    }

    #[test]
    fn cubes_have_bits_of_their_own_and_pay_once() {
        let all = (0..7).flat_map(|i| (0..7 - i).map(move |j| bit_of(i, j)));
        assert_eq!(all.clone().fold(0, |bits, bit| bits | bit), ALL_CUBES);
        assert_eq!(all.map(u64::from).sum::<u64>(), u64::from(ALL_CUBES));
        let mut state = pyramid(4, 0);
        let rewards: Vec<f32> =
            [DOWN, UP, DOWN, RIGHT].map(|action| step(&mut state, action).reward).to_vec();
        assert_eq!((rewards, state.place), (vec![1.0, 0.0, 0.0, 1.0], 9));
    }

    #[test]
    fn the_edge_ends_it_but_a_disc_saves() {
        assert!(step(&mut pyramid(4, 0), LEFT).terminated && step(&mut pyramid(4, 0), UP).terminated);
        assert!(step(&mut State { place: 8 * 2 + 4, ..pyramid(4, 0) }, DOWN).terminated);
        let mut state = State { place: 8 * 3, snake: 8 * 4, ..pyramid(4, 0) };
        assert!(!step(&mut state, LEFT).terminated);
        assert_eq!((state.place, state.snake, state.discs), (0, NOWHERE, 2));
        state.place = 8 * 3;
        assert!(step(&mut state, LEFT).terminated, "used");
    }

    #[test]
    fn the_last_cube_makes_a_new_and_faster_pyramid() {
        let mut state = State { changed: ALL_CUBES ^ bit_of(1, 0), ball_0: 20, ..pyramid(4, 0) };
        assert_eq!(step(&mut state, DOWN), Outcome { reward: 1.0, terminated: false });
        assert_eq!(state, pyramid(3, DOWN));
        let mut last = State { changed: ALL_CUBES ^ bit_of(1, 0), ..pyramid(2, 0) };
        step(&mut last, DOWN);
        assert_eq!(last.move_interval, 2);
    }

    #[test]
    fn the_snake_stays_on_the_pyramid_and_arrives() {
        for snake in (0..49).filter(|at| at / 8 + at % 8 <= 6 && at % 8 < 7) {
            for place in (0..49).filter(|at| at / 8 + at % 8 <= 6 && at % 8 < 7) {
                let mut at = snake;
                for _ in 0..12 {
                    at = nearer(at, place);
                    assert!(at / 8 + at % 8 <= 6, "{snake} to {place}: {at}");
                }
                assert_eq!(at, place);
            }
        }
    }
}
