//! What a table of transitions is solved for, and what comes out.

use crate::envs::mdp::Mdp;
use crate::error::{Error, Result};
use crate::shared::tabular::Sweep;

/// Names for `--method`.
pub const METHODS: &[&str] = &["soft-q-iteration", "soft-policy-iteration"];

/// How to solve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Repeated soft Bellman backups.
    SoftQIteration,
    /// Evaluation and improvement of a policy in turn.
    SoftPolicyIteration,
}

impl Method {
    /// The method of this name.
    pub fn parse(name: &str) -> Result<Method> {
        match name {
            "soft-q-iteration" => Ok(Method::SoftQIteration),
            "soft-policy-iteration" => Ok(Method::SoftPolicyIteration),
            other => Err(Error::unknown("method", other, METHODS.iter().copied())),
        }
    }
}

/// What to solve for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Discount, 0 to 1.
    pub gamma: f64,
    /// Temperature, 0 or more.
    pub alpha: f64,
    /// A sweep that changes no Q by more than this share of `max(1, max |Q|)` is the last. With 0 the sweeps go on until they
    /// change nothing, or rounding alone.
    pub tolerance: f64,
}

/// The table with the settings to solve it for, side by side.
pub struct Problem<'a> {
    /// The table.
    pub mdp: &'a Mdp,
    /// How.
    pub method: Method,
    /// Entropy relative to the uniform policy.
    pub kl: bool,
    /// Sweeps after which a solution is given up.
    pub max_sweeps: u32,
    /// One solution each.
    pub settings: &'a [Setting],
    /// The reference policy `pi_bar(a|s)` of each solution, `[states, actions]`: the objective is the reward less
    /// `alpha KL(pi || pi_bar)`. None, or one per setting.
    pub references: &'a [Vec<f64>],
}

/// One solution.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// `Q(s, a)` `[states, actions]`.
    pub q: Vec<f32>,
    /// `V(s)` `[states]`, the soft maximum of `q`.
    pub values: Vec<f32>,
    /// `pi(a|s)` `[states, actions]`.
    pub policy: Vec<f32>,
    /// `H(pi(.|s))` `[states]`, nats.
    pub entropies: Vec<f32>,
    /// Every sweep in order.
    pub history: Vec<Sweep>,
    /// Improvements of the policy; 0 for soft Q-iteration.
    pub improvements: u32,
    /// Whether the last sweep was within the tolerance.
    pub converged: bool,
    /// Largest ratio of a residual to the one before, among those above rounding: at most gamma for soft Q-iteration.
    pub contraction: Option<f32>,
    /// Largest fall of a Q after the first improvement, 0 up to rounding; for soft Q-iteration none is promised.
    pub drop: Option<f32>,
    /// Most nats that one step can be worth: `ln |A|`, or the largest `-ln pi_bar` of an action that the reference takes.
    pub nats: f64,
}

impl Solution {
    /// Residual of the last sweep.
    pub fn residual(&self) -> f32 {
        self.history.last().map_or(0.0, |sweep| sweep.residual)
    }

    /// Largest distance from the fixed point that the last residual and the rounding of a sweep allow; none with `gamma = 1`.
    pub fn error_bound(&self, setting: &Setting, mdp: &Mdp) -> Option<f64> {
        let gamma = setting.gamma;
        let largest = self.history.last().map_or(1.0, |sweep| sweep.largest.max(1.0));
        // The value, its discount, and the sum over outcomes each round to half a unit in the last place; so do the terms of
        // the logarithm, which are as large as the entropy they stand for.
        let half_ulp = f64::from(f32::EPSILON) / 2.0;
        let entropy = setting.alpha * self.nats;
        let rounding = half_ulp * (f64::from(3 + mdp.most_outcomes()) * f64::from(largest) + 8.0 * entropy);
        (gamma < 1.0).then(|| (gamma * f64::from(self.residual()) + rounding) / (1.0 - gamma))
    }
}
