//! MultiGoal-v0: the twin of `shaders/envs/multi_goal.wgsl`, in the same order of operations.

use crate::engine::env::{Axis, BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::draw::{paint, sd_circle};
use crate::shared::normal::normal;
use crate::shared::rng::Rng;

/// The point among four goals of soft Q-learning's paper.
pub static MULTI_GOAL: BuiltIn = BuiltIn {
    id: "MultiGoal-v0",
    short: "multi_goal",
    title: "move a point to the nearest of four goals around it",
    file: "multi_goal.wgsl",
    source: include_str!("../../shaders/envs/multi_goal.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(MultiGoal)),
};

const REACH: f32 = 7.0;
const GOAL_DISTANCE: f32 = 5.0;
const GOAL_RADIUS: f32 = 1.0;

const NEAR: [f32; 3] = [0.97, 0.96, 0.90];
const DARKER: [f32; 3] = [-0.060, -0.048, -0.030];
const GOAL: [f32; 3] = [0.80, 0.20, 0.15];
const POINT: [f32; 3] = [0.05, 0.25, 0.60];

gpu_struct! {
    /// The point.
    pub struct State {
        /// Place along x, within 7 of the middle.
        pub x: f32,
        /// Place along y.
        pub y: f32,
    }
}

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Reward at a goal.
        pub goal_reward: f32,
        /// Cost of a velocity of 1.
        pub actuation_cost: f32,
        /// Cost of a squared distance of 1.
        pub distance_cost: f32,
        /// Standard deviation of the start.
        pub init_sigma: f32,
    }
}

/// The rules.
pub struct MultiGoal;

/// The place as seen from the nearest goal, turned so that this goal is the one on the right: beyond it, and beside it.
fn nearest_goal(x: f32, y: f32) -> [f32; 2] {
    [x.abs().max(y.abs()) - GOAL_DISTANCE, x.abs().min(y.abs())]
}

impl World for MultiGoal {
    type State = State;
    type Params = Params;

    fn reset(&self, env: &Params, rng: &mut Rng<'_>) -> State {
        let x = env.init_sigma * normal(rng);
        let y = env.init_sigma * normal(rng);
        State { x: x.clamp(-REACH, REACH), y: y.clamp(-REACH, REACH) }
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], _rng: &mut Rng<'_>) -> Outcome {
        let dx = f32::from_bits(action[0]).clamp(-1.0, 1.0);
        let dy = f32::from_bits(action[1]).clamp(-1.0, 1.0);
        let x = (state.x + dx).clamp(-REACH, REACH);
        let y = (state.y + dy).clamp(-REACH, REACH);
        *state = State { x, y };
        let offset = nearest_goal(x, y);
        let distance2 = offset[0] * offset[0] + offset[1] * offset[1];
        let arrived = distance2 < GOAL_RADIUS * GOAL_RADIUS;
        let prize = if arrived { env.goal_reward } else { 0.0 };
        Outcome {
            reward: prize - env.actuation_cost * (dx * dx + dy * dy) - env.distance_cost * distance2,
            terminated: arrived,
        }
    }

    fn observe(&self, _env: &Params, state: &State, obs: &mut [f32]) {
        obs.copy_from_slice(&[state.x, state.y]);
    }

    #[inline(always)]
    fn draw(&self, _env: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let x = 15.4 * uv[0] - 7.7;
        let y = 7.7 - 15.4 * uv[1];
        let offset = nearest_goal(x, y);
        let band = (0.2 * (offset[0] * offset[0] + offset[1] * offset[1])).floor().min(9.0);
        let mut colour = [0, 1, 2].map(|i| NEAR[i] + band * DARKER[i]);
        colour = paint(colour, GOAL, sd_circle(offset, GOAL_RADIUS).abs() - 0.06);
        colour = paint(colour, GOAL, sd_circle(offset, 0.2));
        paint(colour, POINT, sd_circle([x - state.x, y - state.y], 0.3))
    }

    fn axes(&self) -> &'static [Axis] {
        const AXES: &[Axis] = &[
            Axis { name: "x", low: -REACH, high: REACH, wraps: false, points: 57 },
            Axis { name: "y", low: -REACH, high: REACH, wraps: false, points: 57 },
        ];
        AXES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rng::STREAM_RESET;

    const PAPER: Params =
        Params { goal_reward: 10.0, actuation_cost: 30.0, distance_cost: 1.0, init_sigma: 0.1 };

    fn step(x: f32, y: f32, action: [f32; 2]) -> (State, Outcome) {
        let mut state = State { x, y };
        let outcome =
            MultiGoal.step(&PAPER, &mut state, &action.map(f32::to_bits), &mut Rng::new(0, 0, 0, 0));
        (state, outcome)
    }

    #[test]
    fn rewards_by_hand() {
        // 30 |a|^2 and the squared distance from (1, 0.5) to (5, 0).
        let (state, outcome) = step(0.5, 0.0, [0.5, 0.5]);
        assert_eq!(state, State { x: 1.0, y: 0.5 });
        assert_eq!(outcome, Outcome { reward: -15.0 - 16.25, terminated: false });
        // Every goal is as good as the others; faster than 1 is no faster and costs no more.
        for (x, y, action) in [
            (3.5, 0.25, [9.0, 0.0]),
            (-3.5, -0.25, [-1.0, 0.0]),
            (0.25, 3.5, [0.0, 1.0]),
            (-0.25, -3.5, [0.0, -2.0]),
        ] {
            let (_, outcome) = step(x, y, action);
            assert_eq!(outcome, Outcome { reward: 10.0 - 30.0 - 0.3125, terminated: true }, "{x}, {y}");
        }
        // Exactly 1 away is not yet there.
        assert_eq!(step(3.0, 0.0, [1.0, 0.0]).1, Outcome { reward: -31.0, terminated: false });
        assert_eq!(step(6.5, -6.5, [1.0, -1.0]).0, State { x: 7.0, y: -7.0 });
    }

    #[test]
    fn starts_are_normal_around_the_middle() {
        let starts: Vec<State> = (0..20_000)
            .map(|lane| MultiGoal.reset(&PAPER, &mut Rng::new(3, STREAM_RESET, 0, lane)))
            .collect();
        let n = starts.len() as f64;
        let mean = |of: fn(&State) -> f32| starts.iter().map(|s| f64::from(of(s))).sum::<f64>() / n;
        // Standard errors of 0.1 / sqrt(n), and of 0.01 sqrt(2 / n) and 0.01 / sqrt(n) for squares and products.
        assert!(mean(|s| s.x).abs() < 0.003 && mean(|s| s.y).abs() < 0.003);
        assert!((mean(|s| s.x * s.x) - 0.01).abs() < 4e-4 && (mean(|s| s.y * s.y) - 0.01).abs() < 4e-4);
        assert!(mean(|s| s.x * s.y).abs() < 3e-4);
    }
}
