//! Catch-bsuite: the twin of `shaders/envs/catch.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, NoParams, Outcome, World};
use crate::gpu_struct;
use crate::shared::draw::{paint, sd_circle, sd_round_box, sd_segment};
use crate::shared::grid::{choice_of, from, place_of};
use crate::shared::rng::Rng;

/// Catch as bsuite 0.3.6 defines it.
pub static CATCH: BuiltIn = BuiltIn {
    id: "Catch-bsuite",
    short: "catch",
    title: "move a paddle below a falling ball",
    file: "catch.wgsl",
    source: include_str!("../../shaders/envs/catch.wgsl"),
    values: &[],
    twin: |constants| {
        Ok(Box::new(Catch { rows: constants.u32("ROWS")?, columns: constants.u32("COLUMNS")? }))
    },
};

gpu_struct! {
    /// Ball and paddle, in cells of the board.
    pub struct State {
        /// Column of the ball.
        pub ball_x: u32,
        /// Row of the ball, from the top.
        pub ball_y: u32,
        /// Column of the paddle, which stays in the last row.
        pub paddle_x: u32,
    }
}

/// A board.
pub struct Catch {
    rows: u32,
    columns: u32,
}

impl World for Catch {
    type State = State;
    type Params = NoParams;

    fn reset(&self, _: &NoParams, rng: &mut Rng<'_>) -> State {
        State { ball_x: choice_of(rng.uniform(), self.columns), ball_y: 0, paddle_x: self.columns / 2 }
    }

    fn step(&self, _: &NoParams, state: &mut State, action: &[u32], _: &mut Rng<'_>) -> Outcome {
        let action = action[0];
        let mut s = *state;
        if action == 0 {
            s.paddle_x = s.paddle_x.max(1) - 1;
        } else if action == 2 {
            s.paddle_x = (s.paddle_x + 1).min(self.columns - 1);
        }
        s.ball_y = (s.ball_y + 1).min(self.rows - 1);
        *state = s;
        if s.ball_y < self.rows - 1 {
            return Outcome { reward: 0.0, terminated: false };
        }
        Outcome { reward: if s.paddle_x == s.ball_x { 1.0 } else { -1.0 }, terminated: true }
    }

    fn observe(&self, _: &NoParams, state: &State, obs: &mut [f32]) {
        obs.fill(0.0);
        obs[(state.ball_y * self.columns + state.ball_x) as usize] = 1.0;
        obs[((self.rows - 1) * self.columns + state.paddle_x) as usize] = 1.0;
    }

    #[inline(always)]
    fn draw(&self, _: &NoParams, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let place = place_of(uv, self.rows, self.columns);
        let at = place.at;
        let mut colour = if (place.row + place.column) % 2 == 1 { DUSK } else { NIGHT };
        if place.column == state.ball_x && place.row < state.ball_y {
            colour = paint(colour, TRAIL, sd_circle(at, 0.07));
        }
        if place.row == self.rows - 1 && place.column == state.paddle_x {
            colour = paint(colour, PADDLE, sd_round_box(from(at, 0.0, 0.33), [0.48, 0.13], 0.13));
            colour = paint(colour, PADDLE_SHINE, sd_segment(at, [-0.32, 0.28], [0.32, 0.28], 0.03));
        }
        if place.row == state.ball_y && place.column == state.ball_x {
            // In the last row it rests on the paddle, or lies on the ground beside it.
            let last = place.row == self.rows - 1;
            let mut lower = 0.0;
            if last {
                lower = if state.paddle_x == state.ball_x { -0.13 } else { 0.16 };
            }
            let ball = from(at, 0.0, lower);
            colour = paint(colour, BALL, sd_circle(ball, 0.33));
            colour = paint(colour, BALL_SHINE, sd_circle(from(ball, -0.11, -0.12), 0.08));
        }
        colour
    }
}

const NIGHT: [f32; 3] = [0.09, 0.11, 0.20];
const DUSK: [f32; 3] = [0.11, 0.14, 0.25];
const TRAIL: [f32; 3] = [0.19, 0.23, 0.36];
const BALL: [f32; 3] = [0.98, 0.55, 0.16];
const BALL_SHINE: [f32; 3] = [1.0, 0.80, 0.48];
const PADDLE: [f32; 3] = [0.24, 0.72, 0.82];
const PADDLE_SHINE: [f32; 3] = [0.58, 0.90, 0.95];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rng::STREAM_RESET;

    #[test]
    fn the_ball_is_caught_in_its_column_alone() {
        let board = Catch { rows: 10, columns: 5 };
        for (actions, reward) in [([2, 1, 1, 1, 1, 1, 1, 1, 1], 1.0), ([2, 2, 2, 2, 0, 1, 1, 1, 2], -1.0)] {
            let mut state = State { ball_x: 3, ball_y: 0, paddle_x: 2 };
            let mut obs = [0.0; 50];
            for (step, action) in actions.into_iter().enumerate() {
                let outcome = board.step(&0, &mut state, &[action], &mut Rng::new(0, 0, 0, 0));
                let last = step == 8;
                assert_eq!(outcome, Outcome { reward: if last { reward } else { 0.0 }, terminated: last });
                board.observe(&0, &state, &mut obs);
                let lit: Vec<usize> = (0..50).filter(|i| obs[*i] == 1.0).collect();
                let mut expected = vec![(step + 1) * 5 + 3, 45 + state.paddle_x as usize];
                expected.dedup();
                assert_eq!(lit.iter().sum::<usize>(), expected.iter().sum::<usize>(), "{lit:?} {expected:?}");
            }
        }
    }

    #[test]
    fn balls_start_in_every_column_alike() {
        let board = Catch { rows: 4, columns: 7 };
        let mut counts = [0u32; 7];
        for lane in 0..70_000 {
            let state = board.reset(&0, &mut Rng::new(2, STREAM_RESET, 0, lane));
            assert_eq!((state.ball_y, state.paddle_x), (0, 3));
            counts[state.ball_x as usize] += 1;
        }
        let chi_square: f64 = counts.iter().map(|n| (f64::from(*n) - 10_000.0).powi(2) / 10_000.0).sum();
        // 6 degrees of freedom: p = 0.001 at 22.5.
        assert!(chi_square < 22.5, "{chi_square} {counts:?}");
    }
}
