//! How far a float32 step may be from a recorded float64 one: the tolerances that come with the logs, and what an input that
//! is known less precisely than float64 can change.
//!
//! The recorded state `s` is rounded to the float32 `s'` that the engine starts from. The f64 model of the environment is
//! stepped from `s'` and from float32 values that enclose `s`, one field at a time; the sum of the changes bounds what the
//! rounding does to the next state. Where such a change turns termination around, the flag is not compared. Observations
//! carry the bound of the state through the model's own running error analysis.

use serde_json::Value;

use crate::engine::env::Env;
use crate::verify::conformance::report::{Outcome, malformed, unsupported};
use crate::verify::conformance::transition::Within;
use crate::verify::oracle::dynamics::{self, Dynamics, Lane};
use crate::verify::oracle::models;
use crate::verify::oracle::random::Random;
use crate::verify::oracle::{Expect, Num};

/// Suggested share of the float32 error in `tolerances.json`.
const TOLERANCE_FACTOR: f64 = 4.0;
/// Suggested bound on rewards.
const REWARD_BOUND: f64 = 1e-4;

/// Bounds of one environment.
pub struct Bounds<'a> {
    env: &'a Env,
    params: Vec<u32>,
    model: Dynamics,
    /// Largest error of plain float32 arithmetic per field; `None` where no table has the environment.
    float32: Option<Vec<f64>>,
    /// Fields that wrap around at half a turn.
    angles: Vec<bool>,
}

/// A state to start from.
pub struct Input {
    /// Its words.
    pub words: Vec<u32>,
    /// Largest distance of the true value of each field.
    pub spread: Vec<f64>,
}

impl Input {
    /// A recorded state, rounded to float32.
    pub fn rounded(state: &[f64]) -> Input {
        Input {
            words: state.iter().map(|value| (*value as f32).to_bits()).collect(),
            spread: state.iter().map(|value| (value - f64::from(*value as f32)).abs()).collect(),
        }
    }
}

/// What the next step may be.
pub struct Allowed {
    /// The model's own next state.
    pub next: Vec<f64>,
    /// Bound per state field.
    pub fields: Vec<f64>,
    /// Bound on the reward.
    pub reward: f64,
    /// Whether rounding decides about termination.
    pub ambiguous: bool,
}

struct Stepped {
    next: Vec<Num>,
    reward: f64,
    terminated: Option<bool>,
}

impl<'a> Bounds<'a> {
    /// Finds the model, and the tolerances of `id` in the table beside the log.
    pub fn new(env: &'a Env, id: &str, table: Option<&Value>) -> Outcome<Bounds<'a>> {
        let Some(model) = models::dynamics(env) else {
            return unsupported(format!("there is no f64 model of '{}'", env.id));
        };
        let fields = env.state_words as usize;
        let entry = table.and_then(|table| table.get("envs")).and_then(|envs| envs.get(id));
        let read = |entry: &Value| -> Option<Vec<f64>> {
            let list: Vec<f64> = serde_json::from_value(entry.get("float32_max_abs_err")?.clone()).ok()?;
            (list.len() == fields && list.iter().all(|error| error.is_finite() && *error >= 0.0))
                .then_some(list)
        };
        let float32 = match entry.map(read) {
            None => None,
            Some(Some(errors)) => Some(errors),
            Some(None) => return malformed(format!("tolerances.json holds no {fields} errors of '{id}'")),
        };
        // Pendulum-v1 lets its angle grow.
        let wraps = env.file == "acrobot.wgsl";
        let angles = env.state.iter().map(|word| wraps && matches!(&word.name[..], "theta1" | "theta2"));
        Ok(Bounds { env, params: env.lane_params(0, 1), model, float32, angles: angles.collect() })
    }

    /// Whether whole turns of a field make no difference.
    pub fn is_angle(&self, field: usize) -> bool {
        self.angles[field]
    }

    fn lane(&self) -> Lane<'_> {
        Lane { env: self.env, params: &self.params }
    }

    fn step(&self, words: &[u32], action: &[u32]) -> Option<Stepped> {
        let outcome = (self.model.step)(self.lane(), words, action, &mut Random::new(0, 0, 0, 0))?;
        Some(Stepped {
            next: outcome.next.iter().map(dynamics::float).collect(),
            reward: outcome.reward.value,
            terminated: outcome.terminated,
        })
    }

    /// Bounds on a step from this input.
    pub fn step_from(&self, input: &Input, action: &[u32]) -> Outcome<Allowed> {
        let Some(centre) = self.step(&input.words, action) else {
            return malformed("the f64 model cannot take the step");
        };
        let own = |(field, next): (usize, &Num)| match &self.float32 {
            Some(errors) => TOLERANCE_FACTOR * errors[field],
            None => Expect::Float(*next).allowed(),
        };
        let mut allowed = Allowed {
            next: centre.next.iter().map(|next| next.value).collect(),
            fields: centre.next.iter().enumerate().map(own).collect(),
            reward: REWARD_BOUND,
            ambiguous: centre.terminated.is_none(),
        };
        for (field, spread) in input.spread.iter().enumerate().filter(|(_, spread)| **spread > 0.0) {
            let mut changes = vec![0.0f64; allowed.fields.len()];
            let mut reward = 0.0f64;
            for direction in [-1.0, 1.0] {
                let mut words = input.words.clone();
                words[field] = beyond(f32::from_bits(words[field]), direction * spread).to_bits();
                let Some(moved) = self.step(&words, action) else {
                    return malformed("the f64 model cannot take the step");
                };
                for (i, change) in changes.iter_mut().enumerate() {
                    let mut difference = moved.next[i].value - centre.next[i].value;
                    if self.angles[i] {
                        let turns = (difference / std::f64::consts::TAU).round();
                        difference -= turns * std::f64::consts::TAU;
                    }
                    *change = change.max(difference.abs());
                }
                reward = reward.max((moved.reward - centre.reward).abs());
                allowed.ambiguous |= moved.terminated != centre.terminated;
            }
            for (bound, change) in allowed.fields.iter_mut().zip(changes) {
                *bound += change;
            }
            allowed.reward += reward;
        }
        Ok(allowed)
    }

    /// Bounds on the observation of a next state that is known within `fields`.
    pub fn observation(&self, next: &[f64], fields: &[f64], want: &[f64]) -> Vec<Within> {
        let state: Vec<Expect> = next
            .iter()
            .zip(fields)
            .map(|(value, bound)| Expect::Float(Num { value: *value, bound: *bound }))
            .collect();
        let seen = (self.model.observe)(self.lane(), &state);
        let within = |(want, seen): (&f64, &Expect)| Within {
            value: *want,
            // The record is rounded to float32.
            bound: dynamics::float(seen).bound + f64::from(f32::EPSILON) / 2.0 * want.abs(),
        };
        want.iter().zip(&seen).map(within).collect()
    }
}

/// The nearest float32 that is at least as far from `value` as `distance`, and another number than `value`.
fn beyond(value: f32, distance: f64) -> f32 {
    let goal = f64::from(value) + distance;
    let moved = goal as f32;
    let short = |moved: f32| moved == value || (f64::from(moved) - goal) * distance < 0.0;
    match (short(moved), distance > 0.0) {
        (false, _) => moved,
        (true, true) => moved.next_up(),
        (true, false) => moved.next_down(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envs;

    #[test]
    fn neighbours_enclose_the_true_value() {
        for (value, distance) in [(1.0f32, 3e-8), (1.0, -3e-8), (0.0, 1e-3), (-5.5, 1e-9), (3.0, -2e-7)] {
            let moved = beyond(value, distance);
            assert_ne!(moved, value);
            assert!((f64::from(moved) - f64::from(value)).abs() >= distance.abs(), "{value} {distance}");
            assert!((f64::from(moved) - f64::from(value)).signum() == distance.signum());
        }
    }

    #[test]
    fn an_exact_input_adds_nothing_and_a_rounded_one_what_the_model_says() {
        let env = envs::find("CartPole-v1").expect("known");
        let bounds = Bounds::new(env, "CartPole-v1", None).expect("a model");
        let exact = bounds.step_from(&Input::rounded(&[0.5, 0.25, 0.125, -1.0]), &[1]).expect("a step");
        let state = [0.5, 0.25, 0.125 + 1e-9, -1.0];
        let input = Input::rounded(&state);
        assert_eq!(input.words[2], 0.125f32.to_bits());
        let rounded = bounds.step_from(&input, &[1]).expect("a step");
        let added: Vec<f64> = rounded.fields.iter().zip(&exact.fields).map(|(a, b)| a - b).collect();
        // Neither position depends on theta but theta itself; an ulp of 0.125 is 1.5e-8.
        assert!(added[0] == 0.0 && added[2] > 7e-9 && added[2] < 2e-8, "{added:?}");
        assert!(added[3] > 1e-9 && added[3] < 1e-8, "{added:?}");
        assert!(!rounded.ambiguous && rounded.next.len() == 4);
    }

    #[test]
    fn a_threshold_within_the_rounding_is_ambiguous() {
        let env = envs::find("CartPole-v1").expect("known");
        let bounds = Bounds::new(env, "CartPole-v1", None).expect("a model");
        for (x, ambiguous) in [(2.4f64, true), (2.4 + 1e-5, false), (2.4 - 1e-5, false)] {
            let allowed = bounds.step_from(&Input::rounded(&[x, 0.0, 0.01, 0.0]), &[1]).expect("a step");
            assert_eq!(allowed.ambiguous, ambiguous, "{x}");
        }
    }
}
