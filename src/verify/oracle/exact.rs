//! Soft Q-iteration and soft policy iteration over a table in f64, from the equations: what the device's solutions are
//! measured against. Policies are evaluated by a linear solve, so the two share nothing but the table.

use crate::envs::mdp::Mdp;

/// Sweeps after which an iteration is given up.
const MAX_SWEEPS: usize = 1_000_000;
/// Changes below this share of the largest value are rounding.
const ROUNDING: f64 = 4e-16;

/// Discount, temperature and form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Soft<'a> {
    /// Discount.
    pub gamma: f64,
    /// Temperature; 0 is the hard maximum.
    pub alpha: f64,
    /// Entropy relative to the uniform policy.
    pub kl: bool,
    /// The reference policy `[states, actions]` that the divergence is measured from, in place of entropy.
    pub reference: Option<&'a [f64]>,
}

impl Soft<'_> {
    /// `V(s) = alpha ln sum exp(Q(s, .) / alpha)`, or `alpha ln sum pi_bar(.|s) exp(Q(s, .) / alpha)`.
    pub fn value(&self, state: usize, q: &[f64]) -> f64 {
        let weights = self.weights(state, q.len());
        let top = largest(q, &weights);
        if self.alpha == 0.0 {
            return top;
        }
        let sum: f64 =
            q.iter().zip(&weights).map(|(q, w)| w * ((q - top) / self.alpha).exp().min(1e300)).sum();
        top + self.alpha * sum.ln() - self.uniform(q.len())
    }

    /// `pi(.|s)`, ties split evenly at temperature 0.
    pub fn policy(&self, state: usize, q: &[f64]) -> Vec<f64> {
        let reference = self.weights(state, q.len());
        let top = largest(q, &reference);
        let weight = |(q, w): (&f64, &f64)| match self.alpha {
            0.0 => f64::from(u8::from(*w > 0.0 && top - q <= 1e-9 * top.abs().max(1.0))),
            alpha => w * ((q - top) / alpha).exp().min(1e300),
        };
        let weights: Vec<f64> = q.iter().zip(&reference).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }

    /// `pi_bar(.|s)`, or ones.
    fn weights(&self, state: usize, actions: usize) -> Vec<f64> {
        match self.reference {
            Some(reference) => reference[state * actions..(state + 1) * actions].to_vec(),
            None => vec![1.0; actions],
        }
    }

    fn uniform(&self, actions: usize) -> f64 {
        if self.kl { self.alpha * (actions as f64).ln() } else { 0.0 }
    }

    /// `Q(s, a) = sum p (r + gamma (1 - d) V(s'))`.
    pub fn backup(&self, mdp: &Mdp, values: &[f64]) -> Vec<f64> {
        let term = |outcome: &crate::envs::mdp::Outcome| {
            let future = if outcome.terminated { 0.0 } else { self.gamma * values[outcome.next as usize] };
            outcome.probability * (outcome.reward + future)
        };
        mdp.outcomes.iter().map(|list| list.iter().map(term).sum()).collect()
    }

    fn values(&self, mdp: &Mdp, q: &[f64]) -> Vec<f64> {
        q.chunks(mdp.actions as usize).enumerate().map(|(state, q)| self.value(state, q)).collect()
    }

    /// The fixed point of soft Q-iteration from `Q = 0`, or `None` where it does not come to rest.
    pub fn iterate(&self, mdp: &Mdp) -> Option<Vec<f64>> {
        let mut q = vec![0.0; mdp.outcomes.len()];
        for _ in 0..MAX_SWEEPS {
            let next = self.backup(mdp, &self.values(mdp, &q));
            let largest = next.iter().fold(1.0, |largest: f64, q| largest.max(q.abs()));
            let change = distance(&next, &q);
            q = next;
            // The logarithm of the value's sum rounds in units of the temperature.
            if change <= ROUNDING * largest.max(4.0 * self.alpha) {
                return Some(q);
            }
        }
        None
    }

    /// Sweeps from `Q = 0` until a sweep changes nothing by `bound` or more, and until no Q is as far as `bound` from `fixed`.
    pub fn sweeps_until(&self, mdp: &Mdp, fixed: &[f64], bound: f64) -> Option<[usize; 2]> {
        let mut q = vec![0.0; mdp.outcomes.len()];
        let (mut residual, mut error) = (None, None);
        for sweep in 1..=MAX_SWEEPS {
            let next = self.backup(mdp, &self.values(mdp, &q));
            residual = residual.or((distance(&next, &q) < bound).then_some(sweep));
            error = error.or((distance(&next, fixed) < bound).then_some(sweep));
            if let (Some(residual), Some(error)) = (residual, error) {
                return Some([residual, error]);
            }
            q = next;
        }
        None
    }

    /// `Q` of a policy: `V = sum_a pi (R + gamma P V) + alpha H(pi)` solved as a linear system; `None` if it is singular.
    pub fn evaluate(&self, mdp: &Mdp, policy: &[f64]) -> Option<Vec<f64>> {
        let [states, actions] = [mdp.states, mdp.actions].map(|n| n as usize);
        let mut system = vec![vec![0.0; states + 1]; states];
        for (state, row) in system.iter_mut().enumerate() {
            row[state] = 1.0;
            let pi = &policy[state * actions..][..actions];
            // -KL(pi || pi_bar), or H(pi).
            let taken = pi.iter().zip(self.weights(state, actions)).filter(|(p, _)| **p > 0.0);
            let entropy: f64 = taken.map(|(p, w)| -p * (p / w).ln()).sum();
            row[states] = self.alpha * entropy - self.uniform(actions);
            for (outcomes, pi) in mdp.outcomes[state * actions..].iter().zip(pi) {
                for outcome in outcomes {
                    row[states] += pi * outcome.probability * outcome.reward;
                    if !outcome.terminated {
                        row[outcome.next as usize] -= pi * outcome.probability * self.gamma;
                    }
                }
            }
        }
        Some(self.backup(mdp, &eliminate(system)?))
    }

    /// Soft policy iteration from the uniform policy or the reference: `Q` of every policy on the way. The last one is optimal.
    pub fn policies(&self, mdp: &Mdp) -> Option<Vec<Vec<f64>>> {
        let actions = mdp.actions as usize;
        let mut policy = match self.reference {
            Some(reference) => reference.to_vec(),
            None => vec![1.0 / actions as f64; mdp.outcomes.len()],
        };
        let mut all: Vec<Vec<f64>> = Vec::new();
        for _ in 0..1000 {
            let q = self.evaluate(mdp, &policy)?;
            policy = q.chunks(actions).enumerate().flat_map(|(state, q)| self.policy(state, q)).collect();
            let largest = q.iter().fold(1.0, |largest: f64, q| largest.max(q.abs()));
            let done = all.last().is_some_and(|before| distance(before, &q) <= 1e-13 * largest);
            all.push(q);
            if done {
                return Some(all);
            }
        }
        None
    }
}

/// Largest value of an action that may be taken.
fn largest(q: &[f64], weights: &[f64]) -> f64 {
    q.iter().zip(weights).filter(|(_, w)| **w > 0.0).fold(f64::NEG_INFINITY, |top, (q, _)| top.max(*q))
}

/// Largest difference.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

/// Gaussian elimination with partial pivoting; the last column is the right-hand side.
fn eliminate(mut system: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let count = system.len();
    for column in 0..count {
        let pivot =
            (column..count).max_by(|a, b| system[*a][column].abs().total_cmp(&system[*b][column].abs()))?;
        system.swap(column, pivot);
        let (above, below) = system.split_at_mut(column + 1);
        let row = &above[column];
        if row[column].abs() < 1e-300 {
            return None;
        }
        for other in below.iter_mut().filter(|other| other[column] != 0.0) {
            let factor = other[column] / row[column];
            for (value, of_row) in other[column..].iter_mut().zip(&row[column..]) {
                *value -= factor * of_row;
            }
        }
    }
    let mut solution = vec![0.0; count];
    for row in (0..count).rev() {
        let known: f64 = (row + 1..count).map(|column| system[row][column] * solution[column]).sum();
        solution[row] = (system[row][count] - known) / system[row][row];
    }
    Some(solution)
}
