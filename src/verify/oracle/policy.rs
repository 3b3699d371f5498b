//! The softmax family in f64: `pi(a) = exp(q(a) / alpha) / sum_b exp(q(b) / alpha)`, `H = -sum pi ln pi`,
//! `V = alpha ln sum exp(q / alpha)`.

use super::Num;

/// Margin of a sampled or compared choice below which another index counts as right: 1e-4 in probability.
const CHOICE_MARGIN: f64 = 1e-4;

/// Softmax of one row.
pub struct Policy {
    /// `ln pi(a)`
    pub log_probabilities: Vec<Num>,
    /// `H(pi)`
    pub entropy: Num,
    /// `alpha logsumexp(q / alpha)`
    pub value: Num,
}

impl Policy {
    /// The policy of the action values `q`.
    pub fn new(q: &[f32], alpha: f32) -> Policy {
        let values: Vec<Num> = q.iter().map(|q| Num::exact(*q)).collect();
        Policy::of(&values, alpha)
    }

    /// The same for values that come with an error of their own.
    pub fn of(values: &[Num], alpha: f32) -> Policy {
        let alpha = Num::exact(alpha);
        let top = values.iter().copied().reduce(Num::max).unwrap_or_default();
        let logits: Vec<Num> = values.iter().map(|value| (*value - top) / alpha).collect();
        let log_sum = Num::sum(logits.iter().map(|z| z.exp())).ln();
        let log_probabilities: Vec<Num> = logits.iter().map(|z| *z - log_sum).collect();
        let entropy = -Num::sum(log_probabilities.iter().map(|log_pi| log_pi.exp() * *log_pi));
        Policy { log_probabilities, entropy, value: top + alpha * log_sum }
    }

    /// `pi(a)`
    pub fn probability(&self, action: usize) -> Num {
        self.log_probabilities[action].exp()
    }

    /// The action at `u` of the cumulative distribution, or `None` where rounding may decide otherwise.
    pub fn sample(&self, u: f64) -> Option<usize> {
        let mut cumulative = 0.0;
        let last = self.log_probabilities.len() - 1;
        for action in 0..last {
            cumulative += self.log_probabilities[action].value.exp();
            if (u - cumulative).abs() < CHOICE_MARGIN {
                return None;
            }
            if u < cumulative {
                return Some(action);
            }
        }
        Some(last)
    }
}

/// `ln alpha` in `ln 1e-4 .. ln 1e4` at which the entropy of `q` is `wanted`.
pub fn log_temperature(q: &[f32], wanted: f64) -> f64 {
    let top = q.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut low, mut high) = (1e-4f64.ln(), 1e4f64.ln());
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        let logits: Vec<f64> = q.iter().map(|q| (f64::from(*q) - f64::from(top)) / middle.exp()).collect();
        let sum: f64 = logits.iter().map(|z| z.exp()).sum();
        let mean = logits.iter().map(|z| z.exp() * z).sum::<f64>() / sum;
        if sum.ln() - mean < wanted { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The policies of a row at its own temperature, where f32 may have put it: found for the wanted entropy, and for a little less and
/// a little more.
pub fn at_own_temperature(q: &[f32], wanted: f32) -> [Policy; 3] {
    let wanted = f64::from(wanted);
    [(wanted, 0.0), (wanted - 2e-6, -3e-6), (wanted + 2e-6, 3e-6)]
        .map(|(wanted, shift)| Policy::new(q, (log_temperature(q, wanted) + shift).exp() as f32))
}

/// Position of the first maximum.
pub fn argmax(q: &[f32]) -> usize {
    let top = q.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    q.iter().position(|value| *value == top).unwrap_or(0)
}

/// Linear interpolation from `start` to `end` over `steps`, constant without steps and after them.
pub fn schedule(start: f32, end: f32, steps: f32, now: Num) -> Num {
    let (start, end) = (Num::exact(start), Num::exact(end));
    if steps <= 0.0 {
        return start;
    }
    let one = Num::exact(1.0);
    let share = now / Num::exact(steps);
    // Long after the end the quotient's own error no longer matters.
    start + (end - start) * if share.value - 2.0 * share.bound > 1.0 { one } else { share.min(one) }
}
