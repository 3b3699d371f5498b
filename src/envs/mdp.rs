//! A Markov decision process with few states, written out: for every state and action its outcomes, `P[s][a] = [(probability,
//! next, reward, terminated), ...]`, as Gymnasium's toy-text environments keep it.

use crate::error::{Error, Result};
use crate::shared::tabular::Transition;

/// Probabilities of an action's outcomes sum to 1 this closely.
const SUM_BOUND: f64 = 1e-6;
/// Largest reward; values of 10^6 such steps still are far from the end of f32.
const MAX_REWARD: f64 = 1e30;
/// Most pairs of state and action.
pub const MAX_PAIRS: usize = 1 << 20;

/// One outcome of an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Its probability.
    pub probability: f64,
    /// State it leads to.
    pub next: u32,
    /// Reward on the way.
    pub reward: f64,
    /// Whether the episode ends; then the value of `next` does not count.
    pub terminated: bool,
}

/// The whole table.
#[derive(Clone, Debug, PartialEq)]
pub struct Mdp {
    /// Number of states.
    pub states: u32,
    /// Number of actions, the same in every state.
    pub actions: u32,
    /// Outcomes of pair `state * actions + action`. A state whose pairs have none is where episodes end.
    pub outcomes: Vec<Vec<Outcome>>,
    /// States in which episodes start, with their probabilities.
    pub starts: Vec<(u32, f64)>,
}

impl Mdp {
    /// A table, checked: states exist, probabilities sum to 1, rewards are finite.
    pub fn new(
        states: u32,
        actions: u32,
        outcomes: Vec<Vec<Outcome>>,
        starts: Vec<(u32, f64)>,
    ) -> Result<Mdp> {
        let pairs = states as usize * actions as usize;
        let wrong = |field: &str, value: String, allowed: String| {
            Err(Error::invalid(
                format!("the table's {field}"),
                value,
                allowed,
                "Check how the table was made.",
            ))
        };
        if pairs == 0 || pairs > MAX_PAIRS || outcomes.len() != pairs {
            let allowed = format!("1 to {MAX_PAIRS} pairs with a list of outcomes each");
            return wrong("size", format!("{states} x {actions}, {} lists", outcomes.len()), allowed);
        }
        for (pair, list) in outcomes.iter().enumerate() {
            let place = format!("P[{}][{}]", pair / actions as usize, pair % actions as usize);
            let sum: f64 = list.iter().map(|outcome| outcome.probability).sum();
            let negative = list.iter().any(|outcome| outcome.probability < 0.0);
            let is_one = (sum - 1.0).abs() <= SUM_BOUND;
            if !list.is_empty() && (!is_one || negative) {
                return wrong(&place, format!("probabilities with the sum {sum}"), "shares of 1".into());
            }
            if let Some(outcome) = list.iter().find(|outcome| outcome.next >= states) {
                return wrong(&place, format!("next state {}", outcome.next), format!("below {states}"));
            }
            let allowed = |reward: f64| reward.abs() <= MAX_REWARD;
            if let Some(outcome) = list.iter().find(|outcome| !allowed(outcome.reward)) {
                let allowed = format!("a number between -{MAX_REWARD:e} and {MAX_REWARD:e}");
                return wrong(&place, format!("reward {}", outcome.reward), allowed);
            }
        }
        if let Some((state, _)) = starts.iter().find(|(state, _)| *state >= states) {
            return wrong("start", state.to_string(), format!("below {states}"));
        }
        Ok(Mdp { states, actions, outcomes, starts })
    }

    /// Outcomes of an action.
    pub fn row(&self, state: u32, action: u32) -> &[Outcome] {
        &self.outcomes[(state * self.actions + action) as usize]
    }

    /// Whether episodes end here: nothing leads on.
    pub fn is_end(&self, state: u32) -> bool {
        (0..self.actions).all(|action| self.row(state, action).is_empty())
    }

    /// Outcomes of the pair that has most of them, at least 1.
    pub fn most_outcomes(&self) -> u32 {
        self.outcomes.iter().map(Vec::len).max().unwrap_or(0).max(1) as u32
    }

    /// The table as kernels read it: where each pair's outcomes start, and all outcomes in order.
    pub fn flat(&self) -> (Vec<u32>, Vec<Transition>) {
        let mut first = vec![0];
        let mut transitions = Vec::new();
        for list in &self.outcomes {
            transitions.extend(list.iter().map(|outcome| Transition {
                probability: outcome.probability as f32,
                next: outcome.next,
                reward: outcome.reward as f32,
                terminated: f32::from(u8::from(outcome.terminated)),
            }));
            first.push(transitions.len() as u32);
        }
        (first, transitions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(probability: f64, next: u32, reward: f64) -> Outcome {
        Outcome { probability, next, reward, terminated: false }
    }

    #[test]
    fn wrong_tables_are_named_by_place() {
        let refused = |outcomes: Vec<Vec<Outcome>>| {
            Mdp::new(2, 1, outcomes, Vec::new()).expect_err("must be refused").to_string()
        };
        assert!(refused(vec![vec![]]).contains("2 x 1, 1 lists"));
        assert!(refused(vec![vec![], vec![outcome(0.5, 0, 0.0)]]).contains("P[1][0]"));
        assert!(refused(vec![vec![outcome(1.0, 2, 0.0)], vec![]]).contains("next state 2"));
        assert!(refused(vec![vec![outcome(1.0, 1, f64::NAN)], vec![]]).contains("reward NaN"));
        assert!(refused(vec![vec![outcome(f64::NAN, 1, 0.0)], vec![]]).contains("P[0][0]"));
        assert!(refused(vec![vec![outcome(2.0, 1, 0.0), outcome(-1.0, 0, 0.0)], vec![]]).contains("P[0][0]"));
        assert!(Mdp::new(1, 1, vec![vec![]], vec![(1, 1.0)]).is_err());
    }

    #[test]
    fn the_flat_form_keeps_order_and_places() {
        let rows = vec![vec![outcome(0.25, 1, 2.0), outcome(0.75, 0, -1.0)], vec![]];
        let mdp = Mdp::new(2, 1, rows, vec![(0, 1.0)]).expect("a table");
        let (first, transitions) = mdp.flat();
        assert_eq!(first, [0, 2, 2]);
        assert_eq!(
            transitions.iter().map(|t| (t.probability, t.next, t.reward)).collect::<Vec<_>>(),
            [(0.25, 1, 2.0), (0.75, 0, -1.0)]
        );
        assert_eq!((mdp.most_outcomes(), mdp.is_end(0), mdp.is_end(1)), (2, false, true));
    }
}
