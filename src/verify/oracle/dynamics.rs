//! What a model of an environment in f64 is.

use super::random::Random;
use super::{Expect, Num};
use crate::engine::env::Env;

/// Next state, reward, and whether it is terminal: `None` where rounding may decide that.
pub struct Outcome {
    /// Words of the next state.
    pub next: Vec<Expect>,
    /// Reward.
    pub reward: Num,
    /// Terminated.
    pub terminated: Option<bool>,
}

/// The environment under test in one lane.
#[derive(Clone, Copy)]
pub struct Lane<'a> {
    /// The environment, for its constants.
    pub env: &'a Env,
    /// Its runtime parameters.
    pub params: &'a [u32],
}

/// A model: words in, expectations out. A float of the state is `Expect::Float`, an integer `Expect::Bits`.
pub struct Dynamics {
    /// Initial state.
    pub reset: fn(Lane<'_>, &mut Random) -> Vec<Expect>,
    /// One step from a state with an action; `None` where rounding may decide the outcome.
    pub step: fn(Lane<'_>, &[u32], &[u32], &mut Random) -> Option<Outcome>,
    /// Observation of an expected state.
    pub observe: fn(Lane<'_>, &[Expect]) -> Vec<Expect>,
}

/// A float of an expected state.
pub fn float(expect: &Expect) -> Num {
    match expect {
        Expect::Float(num) => *num,
        Expect::Bits(word) => Num::exact(f32::from_bits(*word)),
        Expect::Any => Num::default(),
    }
}
