//! Catch-Pixels: the twin of `shaders/envs/catch_pixels.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, NoParams, Outcome, World};
use crate::gpu_struct;
use crate::shared::draw::{paint, sd_circle, sd_round_box};
use crate::shared::grid::{choice_of, from, place_of};
use crate::shared::rng::Rng;

/// Catch on a screen of 84 x 84 bytes, four frames deep.
pub static CATCH_PIXELS: BuiltIn = BuiltIn {
    id: "Catch-Pixels",
    short: "catch_pixels",
    title: "catch a drifting ball, seen on the last four screens of 84 x 84 bytes",
    file: "catch_pixels.wgsl",
    source: include_str!("../../shaders/envs/catch_pixels.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(CatchPixels)),
};

gpu_struct! {
    /// The last frames, a word each (see `frame_of`), and where the ball drifts.
    pub struct State {
        /// What is on the screen.
        pub newest: u32,
        /// The screen before.
        pub second: u32,
        /// The one before that.
        pub third: u32,
        /// And before that.
        pub oldest: u32,
        /// Columns per step, and 1.
        pub drift: u32,
    }
}

const SIZE: u32 = 84;
const CELL: u32 = 4;
const CELLS: u32 = SIZE / CELL;
const FRAME_STACK: u32 = 4;
const LAST: u32 = CELLS - 1;
const PADDLE_SHADE: f32 = 102.0 / 255.0;

/// The game.
pub struct CatchPixels;

fn frame_of(ball_x: u32, ball_y: u32, paddle: u32) -> u32 {
    ball_x | (ball_y << 5) | (paddle << 10)
}

fn ball_x_in(frame: u32) -> u32 {
    frame & 31
}

fn ball_y_in(frame: u32) -> u32 {
    (frame >> 5) & 31
}

fn paddle_in(frame: u32) -> u32 {
    frame >> 10
}

fn meets(column: u32, paddle: u32) -> bool {
    column + 1 >= paddle && column <= paddle + 1
}

impl State {
    /// The frames, the oldest first.
    fn frames(&self) -> [u32; FRAME_STACK as usize] {
        [self.oldest, self.third, self.second, self.newest]
    }
}

/// Writes `shade` to the pixels of a cell in `frame`.
fn fill(obs: &mut [f32], frame: usize, row: u32, column: u32, shade: f32) {
    let stack = FRAME_STACK as usize;
    for y in row * CELL..(row + 1) * CELL {
        let first = (y * SIZE + column * CELL) as usize * stack;
        for pixel in obs[first..].chunks_exact_mut(stack).take(CELL as usize) {
            pixel[frame] = shade;
        }
    }
}

impl World for CatchPixels {
    type State = State;
    type Params = NoParams;

    fn reset(&self, _: &NoParams, rng: &mut Rng<'_>) -> State {
        let column = choice_of(rng.uniform(), CELLS);
        let drift = choice_of(rng.uniform(), 3);
        let frame = frame_of(column, 0, CELLS / 2);
        State { newest: frame, second: frame, third: frame, oldest: frame, drift }
    }

    fn step(&self, _: &NoParams, state: &mut State, action: &[u32], _: &mut Rng<'_>) -> Outcome {
        let mut s = *state;
        let mut paddle = paddle_in(s.newest);
        match action[0] {
            0 => paddle = paddle.max(2) - 1,
            2 => paddle = (paddle + 1).min(LAST - 1),
            _ => {}
        }
        let mut next = ball_x_in(s.newest) + s.drift;
        if next == 0 || next == CELLS + 1 {
            s.drift = 2 - s.drift;
            next = ball_x_in(s.newest) + s.drift;
        }
        let ball_x = next - 1;
        let ball_y = (ball_y_in(s.newest) + 1).min(LAST);
        s.oldest = s.third;
        s.third = s.second;
        s.second = s.newest;
        s.newest = frame_of(ball_x, ball_y, paddle);
        *state = s;
        if ball_y < LAST {
            return Outcome { reward: 0.0, terminated: false };
        }
        Outcome { reward: if meets(ball_x, paddle) { 1.0 } else { -1.0 }, terminated: true }
    }

    fn observe(&self, _: &NoParams, state: &State, obs: &mut [f32]) {
        obs.fill(0.0);
        for (index, frame) in state.frames().into_iter().enumerate() {
            for column in (0..CELLS).filter(|column| meets(*column, paddle_in(frame))) {
                fill(obs, index, LAST, column, PADDLE_SHADE);
            }
            fill(obs, index, ball_y_in(frame), ball_x_in(frame), 1.0);
        }
    }

    #[inline(always)]
    fn draw(&self, _: &NoParams, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let place = place_of(uv, CELLS, CELLS);
        let mut colour = if (place.row + place.column) % 2 == 1 { DUSK } else { NIGHT };
        for (frame, (shade, radius)) in
            state.frames().into_iter().zip([(TRAIL, 0.1), (TRAIL, 0.15), (TRAIL, 0.2), (BALL, 0.46)])
        {
            if place.row == ball_y_in(frame) && place.column == ball_x_in(frame) {
                colour = paint(colour, shade, sd_circle(place.at, radius));
            }
        }
        if place.row == LAST && meets(place.column, paddle_in(state.newest)) {
            colour = paint(colour, PADDLE, sd_round_box(from(place.at, 0.0, 0.2), [0.5, 0.3], 0.05));
        }
        colour
    }
}

const NIGHT: [f32; 3] = [0.07, 0.09, 0.16];
const DUSK: [f32; 3] = [0.09, 0.11, 0.20];
const TRAIL: [f32; 3] = [0.45, 0.32, 0.25];
const BALL: [f32; 3] = [0.98, 0.55, 0.16];
const PADDLE: [f32; 3] = [0.24, 0.72, 0.82];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rng::STREAM_RESET;

    fn seen(state: &State) -> Vec<f32> {
        let mut obs = vec![f32::NAN; (SIZE * SIZE * FRAME_STACK) as usize];
        CatchPixels.observe(&0, state, &mut obs);
        obs
    }

    fn step(state: &mut State, action: u32) -> Outcome {
        CatchPixels.step(&0, state, &[action], &mut Rng::new(0, 0, 0, 0))
    }

    #[test]
    fn a_ball_turns_at_the_side_and_is_caught_where_the_paddle_is() {
        for (action, paddle, reward) in [(2, 19, -1.0), (1, 10, -1.0), (0, 1, 1.0)] {
            let frame = frame_of(18, 0, 10);
            let mut state = State { newest: frame, second: frame, third: frame, oldest: frame, drift: 2 };
            for (t, column) in (19..=20).chain((2..=19).rev()).enumerate() {
                let outcome = step(&mut state, action);
                assert_eq!((ball_x_in(state.newest), ball_y_in(state.newest)), (column, t as u32 + 1));
                let last = t == 19;
                assert_eq!(outcome, Outcome { reward: if last { reward } else { 0.0 }, terminated: last });
            }
            assert_eq!(paddle_in(state.newest), paddle);
        }
    }

    #[test]
    fn four_frames_follow_one_another_and_one_of_them_hides_the_drift() {
        let frame = frame_of(5, 0, 10);
        let start = |drift| State { newest: frame, second: frame, third: frame, oldest: frame, drift };
        assert_eq!(seen(&start(0)), seen(&start(2)), "at the start nothing tells them apart");
        let mut state = start(2);
        let first = seen(&state);
        let mut newest = vec![first];
        for action in [2, 2, 1, 0, 0] {
            step(&mut state, action);
            newest.push(seen(&state));
        }
        let frame = |obs: &[f32], index: usize| -> Vec<f32> {
            obs.iter().skip(index).step_by(FRAME_STACK as usize).copied().collect()
        };
        for t in 1..newest.len() {
            for index in 0..3 {
                assert_eq!(
                    frame(&newest[t], index),
                    frame(&newest[t - 1], index + 1),
                    "step {t}, frame {index}"
                );
            }
        }
        let lit = |shade: f32| frame(&newest[5], 3).iter().filter(|x| **x == shade).count();
        assert_eq!((lit(1.0), lit(PADDLE_SHADE)), (16, 48));
    }

    #[test]
    fn columns_and_drifts_are_drawn_alike() {
        let mut counts = [0u32; 63];
        for lane in 0..63_000 {
            let state = CatchPixels.reset(&0, &mut Rng::new(2, STREAM_RESET, 0, lane));
            counts[(3 * ball_x_in(state.newest) + state.drift) as usize] += 1;
        }
        let chi_square: f64 = counts.iter().map(|n| (f64::from(*n) - 1000.0).powi(2) / 1000.0).sum();
        // 62 degrees of freedom: p = 0.001 at 102.2.
        assert!(chi_square < 102.2, "{chi_square} {counts:?}");
    }
}
