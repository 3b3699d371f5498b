//! Pong-Small: the twin of `shaders/envs/pong.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::grid::{choice_of, place_of};
use crate::shared::minatar::{self, DOWN, SIDE, UP, played};
use crate::shared::rng::Rng;

/// Atari's Pong on MinAtar's scale; the shader's head has the rules.
pub static PONG: BuiltIn = BuiltIn {
    id: "Pong-Small",
    short: "pong",
    title: "two paddles and a ball, to five points",
    file: "pong.wgsl",
    source: include_str!("../../shaders/envs/pong.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(Pong)),
};

gpu_struct! {
    /// Ball, paddles and points.
    pub struct State {
        /// Column of the ball.
        pub ball_x: u32,
        /// Row of the ball, from the top.
        pub ball_y: u32,
        /// Rows per frame, downwards, and two more.
        pub slope: u32,
        /// Whether it moves to the right.
        pub right: u32,
        /// Column of the ball one frame ago.
        pub last_x: u32,
        /// Its row then.
        pub last_y: u32,
        /// Row of the middle of the player's paddle.
        pub player: u32,
        /// Row of the middle of the opponent's.
        pub opponent: u32,
        /// Points of the player.
        pub won: u32,
        /// Points of the opponent.
        pub lost: u32,
        /// The action before.
        pub last_action: u32,
    }
}

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Probability that the action before is played again.
        pub sticky_action_prob: f32,
        /// Probability that the opponent does not move in a frame.
        pub opponent_lag: f32,
    }
}

const POINTS: u32 = 5;
const CHANNELS: u32 = 4;

/// The rules.
pub struct Pong;

fn serve(s: &mut State, rng: &mut Rng<'_>) {
    let row = choice_of(rng.uniform(), SIDE);
    let right = choice_of(rng.uniform(), 2);
    let slope = 1 + choice_of(rng.uniform(), 3);
    let ball_x = 4 + (1 - right);
    *s = State { ball_x, ball_y: row, slope, right, last_x: ball_x, last_y: row, ..*s };
}

/// The slope behind a paddle that meets the ball in `row`, which is at most one row away.
fn turned(slope: u32, row: u32, paddle: u32) -> u32 {
    (slope + 1 + row - paddle).clamp(1, 5) - 1
}

fn meets(row: u32, paddle: u32) -> bool {
    row + 1 >= paddle && row <= paddle + 1
}

fn lit(s: &State, y: u32, x: u32, channel: u32) -> bool {
    match channel {
        0 => x == 9 && meets(y, s.player),
        1 => x == 0 && meets(y, s.opponent),
        2 => y == s.ball_y && x == s.ball_x,
        _ => y == s.last_y && x == s.last_x,
    }
}

impl World for Pong {
    type State = State;
    type Params = Params;

    fn reset(&self, _: &Params, rng: &mut Rng<'_>) -> State {
        let mut state = State { player: 4, opponent: 4, ..State::default() };
        serve(&mut state, rng);
        state
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let mut s = *state;
        s.last_action = played(env.sticky_action_prob, s.last_action, action[0], rng);
        match s.last_action {
            UP => s.player = s.player.max(2) - 1,
            DOWN => s.player = (s.player + 1).min(8),
            _ => {}
        }
        let awake = rng.uniform() >= env.opponent_lag;
        if awake && s.ball_y < s.opponent {
            s.opponent = s.opponent.max(2) - 1;
        } else if awake && s.ball_y > s.opponent {
            s.opponent = (s.opponent + 1).min(8);
        }
        (s.last_x, s.last_y) = (s.ball_x, s.ball_y);
        s.ball_x = if s.right == 1 { s.ball_x + 1 } else { s.ball_x.max(1) - 1 };
        let row = s.ball_y + s.slope;
        s.ball_y = match row {
            0..2 => 2 - row,
            12.. => 20u32.wrapping_sub(row),
            _ => row - 2,
        };
        if !(2..12).contains(&row) {
            s.slope = 4u32.wrapping_sub(s.slope);
        }
        let mut outcome = Outcome { reward: 0.0, terminated: false };
        if s.right == 1 && s.ball_x == 9 {
            if meets(s.ball_y, s.player) {
                s.slope = turned(s.slope, s.ball_y, s.player);
                (s.right, s.ball_x) = (0, 8);
            } else {
                s.lost += 1;
                outcome = Outcome { reward: -1.0, terminated: s.lost == POINTS };
                serve(&mut s, rng);
            }
        } else if s.right == 0 && s.ball_x == 0 {
            if meets(s.ball_y, s.opponent) {
                s.slope = turned(s.slope, s.ball_y, s.opponent);
                (s.right, s.ball_x) = (1, 1);
            } else {
                s.won += 1;
                outcome = Outcome { reward: 1.0, terminated: s.won == POINTS };
                serve(&mut s, rng);
            }
        }
        *state = s;
        outcome
    }

    fn observe(&self, _: &Params, state: &State, obs: &mut [f32]) {
        minatar::observe(obs, CHANNELS, |y, x, channel| lit(state, y, x, channel));
    }

    #[inline(always)]
    fn draw(&self, _: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let place = place_of(uv, SIDE, SIDE);
        let colours = [(0, PLAYER), (1, OPPONENT), (2, BALL), (3, TRAIL)];
        let shown = colours.iter().find(|(channel, _)| lit(state, place.row, place.column, *channel));
        shown.map_or(NIGHT, |(_, colour)| *colour)
    }
}

const PLAYER: [f32; 3] = [0.24, 0.72, 0.82];
const OPPONENT: [f32; 3] = [0.86, 0.36, 0.32];
const BALL: [f32; 3] = [0.98, 0.93, 0.74];
const TRAIL: [f32; 3] = [0.28, 0.27, 0.30];
const NIGHT: [f32; 3] = [0.09, 0.11, 0.20];

#[cfg(test)]
mod tests {
    use super::*;

    fn play(mut state: State, actions: &[u32]) -> (State, Vec<Outcome>) {
        let params = Params { sticky_action_prob: 0.0, opponent_lag: 1.0 };
        let outcomes = (0..)
            .zip(actions)
            .map(|(step, action)| Pong.step(&params, &mut state, &[*action], &mut Rng::new(1, 1, step, 0)))
            .collect();
        (state, outcomes)
    }

    #[test]
    fn outer_cells_turn_the_ball_and_walls_return_it() {
        let start =
            State { ball_x: 8, ball_y: 5, slope: 2, right: 1, player: 5, opponent: 2, ..State::default() };
        for (player, slope) in [(4, 3), (5, 2), (6, 1)] {
            let (after, _) = play(State { player, ..start }, &[0]);
            assert_eq!((after.ball_x, after.ball_y, after.right, after.slope), (8, 5, 0, slope));
        }
        // At two rows per frame it stays so.
        let (after, _) = play(State { player: 4, slope: 4, ball_y: 3, ..start }, &[0]);
        assert_eq!((after.ball_y, after.slope), (5, 4));
        let (after, _) = play(State { ball_x: 3, ball_y: 1, slope: 0, ..start }, &[0]);
        assert_eq!((after.ball_y, after.slope, after.ball_x), (1, 4, 4));
        let (after, _) = play(State { ball_x: 3, ball_y: 9, slope: 3, ..start }, &[0]);
        assert_eq!((after.ball_y, after.slope), (8, 1));
    }

    #[test]
    fn five_points_end_it() {
        let start =
            State { ball_x: 8, ball_y: 9, slope: 2, right: 1, player: 5, lost: 3, ..State::default() };
        let (after, outcomes) = play(start, &[0]);
        assert_eq!((after.lost, outcomes[0]), (4, Outcome { reward: -1.0, terminated: false }));
        assert!((4..=5).contains(&after.ball_x) && (1..=3).contains(&after.slope));
        let (_, outcomes) = play(State { lost: 4, ..start }, &[0]);
        assert_eq!(outcomes[0], Outcome { reward: -1.0, terminated: true });
        let behind = State { ball_x: 1, right: 0, opponent: 4, won: 4, ..start };
        let (after, outcomes) = play(behind, &[UP]);
        assert_eq!((after.player, outcomes[0]), (4, Outcome { reward: 1.0, terminated: true }));
    }
}
