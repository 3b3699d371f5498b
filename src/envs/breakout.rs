//! Breakout-MinAtar: the twin of `shaders/envs/breakout.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::grid::choice_of;
use crate::shared::minatar::{self, LEFT, RIGHT, SIDE, played};
use crate::shared::rng::Rng;

/// Breakout as MinAtar 1.0.15 defines it.
pub static BREAKOUT: BuiltIn = BuiltIn {
    id: "Breakout-MinAtar",
    short: "breakout",
    title: "bounce a ball off a paddle into rows of bricks",
    file: "breakout.wgsl",
    source: include_str!("../../shaders/envs/breakout.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(Breakout)),
};

gpu_struct! {
    /// The package's variables, and the action before.
    pub struct State {
        /// Column of the ball.
        pub ball_x: u32,
        /// Row of the ball, from the top.
        pub ball_y: u32,
        /// 0 left up, 1 right up, 2 right down, 3 left down.
        pub ball_dir: u32,
        /// Column of the ball one step ago.
        pub last_x: u32,
        /// Row of the ball one step ago.
        pub last_y: u32,
        /// Column of the paddle.
        pub pos: u32,
        /// Whether the ball has hit a brick and not left the bricks since.
        pub strike: u32,
        /// A bit for each cell of rows 1 to 3.
        pub bricks: u32,
        /// The action before.
        pub last_action: u32,
    }
}

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Probability that the action before is played again.
        pub sticky_action_prob: f32,
    }
}

/// The rules.
pub struct Breakout;

const CHANNELS: u32 = 4;
/// Bricks in all cells of rows 1 to 3.
pub const ALL_BRICKS: u32 = 0x3fff_ffff;

/// The bit of the brick in a cell; none outside of rows 1 to 3.
fn brick_at(y: u32, x: u32) -> u32 {
    if y == 0 || y > 3 { 0 } else { 1 << (y * SIDE + x - SIDE) }
}

fn lit(s: &State, y: u32, x: u32, channel: u32) -> bool {
    match channel {
        0 => y == 9 && x == s.pos,
        1 => y == s.ball_y && x == s.ball_x,
        2 => y == s.last_y && x == s.last_x,
        _ => brick_at(y, x) & s.bricks != 0,
    }
}

impl World for Breakout {
    type State = State;
    type Params = Params;

    fn reset(&self, _: &Params, rng: &mut Rng<'_>) -> State {
        let right = choice_of(rng.uniform(), 2) == 1;
        let (x, ball_dir) = if right { (9, 3) } else { (0, 2) };
        State {
            ball_x: x,
            ball_y: 3,
            ball_dir,
            last_x: x,
            last_y: 3,
            pos: 4,
            strike: 0,
            bricks: ALL_BRICKS,
            last_action: 0,
        }
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let mut s = *state;
        s.last_action = played(env.sticky_action_prob, s.last_action, action[0], rng);
        if s.last_action == LEFT {
            s.pos = s.pos.max(1) - 1;
        } else if s.last_action == RIGHT {
            s.pos = (s.pos + 1).min(9);
        }
        s.last_x = s.ball_x;
        s.last_y = s.ball_y;
        let down = s.ball_dir >= 2;
        if s.ball_dir == 1 || s.ball_dir == 2 {
            s.ball_x = (s.last_x + 1).min(9);
        } else {
            s.ball_x = s.last_x.max(1) - 1;
        }
        // A wall at the side.
        if s.ball_x == s.last_x {
            s.ball_dir ^= 1;
        }
        s.ball_y = if down { (s.last_y + 1).min(9) } else { s.last_y.max(1) - 1 };
        let brick = brick_at(s.ball_y, s.ball_x) & s.bricks;
        let mut outcome = Outcome { reward: 0.0, terminated: false };
        if !down && s.last_y == 0 {
            s.ball_dir ^= 3;
        } else if brick != 0 {
            if s.strike == 0 {
                outcome.reward = 1.0;
                s.bricks ^= brick;
                s.ball_y = s.last_y;
                s.ball_dir ^= 3;
            }
        } else if s.ball_y == 9 {
            if s.bricks == 0 {
                s.bricks = ALL_BRICKS;
            }
            if s.last_x == s.pos {
                s.ball_dir ^= 3;
                s.ball_y = s.last_y;
            } else if s.ball_x == s.pos {
                s.ball_dir ^= 2;
                s.ball_y = s.last_y;
            } else {
                outcome.terminated = true;
            }
        }
        s.strike = u32::from(brick != 0);
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

/// Paddle, ball, trail, brick: seaborn's palette "cubehelix".
const COLOURS: [[f32; 3]; CHANNELS as usize] =
    [[0.086, 0.238, 0.306], [0.329, 0.476, 0.184], [0.815, 0.495, 0.575], [0.759, 0.792, 0.954]];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rng::STREAM_STEP;

    /// Steps with these actions and without stickiness.
    fn play(mut s: State, actions: &[u32]) -> (State, f32, bool) {
        let (mut total, mut terminated) = (0.0, false);
        for action in actions {
            let params = Params { sticky_action_prob: 0.0 };
            let outcome = Breakout.step(&params, &mut s, &[*action], &mut Rng::new(0, STREAM_STEP, 0, 0));
            total += outcome.reward;
            terminated = outcome.terminated;
        }
        (s, total, terminated)
    }

    fn start() -> State {
        let given = [0];
        Breakout
            .reset(&Params { sticky_action_prob: 0.1 }, &mut Rng { given: &given, ..Rng::new(0, 0, 0, 0) })
    }

    #[test]
    fn a_ball_is_lost_beside_the_paddle_and_returns_from_it() {
        // From the left wall the ball reaches row 9 in column 6 on the sixth step.
        let (s, total, terminated) = play(start(), &[0; 6]);
        assert_eq!((s.ball_x, s.ball_y, total, terminated), (6, 9, 0.0, true));
        // Moving below it: the ball stays a row above and flies back.
        let (s, _, terminated) = play(start(), &[RIGHT, RIGHT, 0, 0, 0, 0]);
        assert_eq!((s.ball_x, s.ball_y, s.ball_dir, terminated), (6, 8, 0, false));
        let (s, _, _) = play(start(), &[RIGHT, 0, 0, 0, 0, 0]);
        assert_eq!((s.ball_x, s.ball_y, s.ball_dir), (6, 8, 1), "straight above the paddle before the step");
    }

    #[test]
    fn a_brick_counts_once_and_new_ones_come_in_the_last_row_alone() {
        let hit = State { ball_x: 5, ball_y: 4, ball_dir: 1, bricks: ALL_BRICKS, pos: 4, ..State::default() };
        let (s, total, _) = play(hit, &[0]);
        assert_eq!((total, s.ball_y, s.ball_dir, s.strike), (1.0, 4, 2, 1));
        assert_eq!(s.bricks, ALL_BRICKS ^ (1 << 26));
        // Within the bricks nothing counts until the ball has left them.
        let (s, total, _) = play(State { strike: 1, ..hit }, &[0]);
        assert_eq!((total, s.ball_y, s.bricks), (0.0, 3, ALL_BRICKS));
        let empty = State { ball_x: 3, ball_y: 7, ball_dir: 2, pos: 5, ..State::default() };
        assert_eq!(play(empty, &[0]).0.bricks, 0);
        assert_eq!(play(empty, &[0, 0]).0.bricks, ALL_BRICKS);
    }

    #[test]
    fn actions_stick_with_their_probability() {
        let params = Params { sticky_action_prob: 0.25 };
        let mut stuck = 0;
        for lane in 0..40_000 {
            let mut s = State { last_action: LEFT, pos: 4, bricks: 1, ..State::default() };
            Breakout.step(&params, &mut s, &[RIGHT], &mut Rng::new(3, STREAM_STEP, 0, lane));
            stuck += u32::from(s.pos == 3);
        }
        // The standard error is 87.
        assert!((f64::from(stuck) - 10_000.0).abs() < 350.0, "{stuck}");
    }
}
