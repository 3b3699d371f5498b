//! Twin of `shaders/shared/policy.wgsl`: the softmax family over one row of action values.
//!
//! ```
//! use softq::shared::policy::{Softmax, argmax_of, softmax_of, temperature_of};
//!
//! let values = [1.0f32, 3.0, 3.0];
//! let q = |action: usize| values[action];
//! assert_eq!(argmax_of(q, 3), 1, "of equal ones the first");
//! let alpha = 0.5;
//! let policy: Softmax = softmax_of(q, 3, alpha);
//! let probability: f32 = values.iter().map(|value| policy.probability(*value, alpha)).sum();
//! assert!((probability - 1.0).abs() < 1e-6);
//! assert_eq!([0.001, 0.1, 0.9].map(|u| policy.sample(q, 3, alpha, u)), [0, 1, 2]);
//! // The temperature at which its entropy is one nat.
//! let alpha = temperature_of(q, 3, 1.0);
//! assert!((softmax_of(q, 3, alpha).entropy - 1.0).abs() < 1e-4);
//! ```

use crate::shared::math::{exp_f32, log_f32};

/// Halvings of `ln 1e-4 .. ln 1e4`: to 1.1e-6.
pub const BISECTIONS: u32 = 24;

/// `pi(a) = exp((q(a) - top) / alpha) / sum`
#[derive(Clone, Copy, Debug)]
pub struct Softmax {
    /// Largest action value.
    pub top: f32,
    /// Normaliser.
    pub sum: f32,
    /// Its logarithm.
    pub log_sum: f32,
    /// Entropy in nats.
    pub entropy: f32,
}

fn scaled(q: f32, top: f32, alpha: f32) -> f32 {
    ((q - top) / alpha).min(0.0)
}

/// First action with the largest value.
pub fn argmax_of(q: impl Fn(usize) -> f32, actions: usize) -> usize {
    let mut best = 0;
    let mut top = q(0);
    for a in 1..actions {
        if q(a) > top {
            top = q(a);
            best = a;
        }
    }
    best
}

/// The softmax of one row.
pub fn softmax_of(q: impl Fn(usize) -> f32, actions: usize, alpha: f32) -> Softmax {
    let top = q(argmax_of(&q, actions));
    let mut weighted = 0.0;
    let mut sum = 0.0;
    for a in 0..actions {
        let z = scaled(q(a), top, alpha);
        let e = exp_f32(z);
        sum += e;
        weighted += e * z;
    }
    let log_sum = log_f32(sum);
    Softmax { top, sum, log_sum, entropy: log_sum - weighted / sum }
}

/// The temperature at which the softmax of a row has the entropy `wanted`, from 1e-4 to 1e4.
#[allow(clippy::excessive_precision, reason = "ln 1e4 as the shader has it")]
pub fn temperature_of(q: impl Fn(usize) -> f32, actions: usize, wanted: f32) -> f32 {
    let mut low = -9.2103404;
    let mut high = 9.2103404;
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        if softmax_of(&q, actions, exp_f32(middle)).entropy < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    exp_f32(0.5 * (low + high))
}

impl Softmax {
    /// `pi(a)` for a value `q` of the row.
    pub fn probability(&self, q: f32, alpha: f32) -> f32 {
        exp_f32(scaled(q, self.top, alpha)) / self.sum
    }

    /// `ln pi(a)`.
    pub fn log_probability(&self, q: f32, alpha: f32) -> f32 {
        scaled(q, self.top, alpha) - self.log_sum
    }

    /// One action by inversion; `u` uniform in (0, 1).
    pub fn sample(&self, q: impl Fn(usize) -> f32, actions: usize, alpha: f32, u: f32) -> usize {
        let mut cumulative = 0.0;
        for a in 0..actions - 1 {
            cumulative += self.probability(q(a), alpha);
            if u < cumulative {
                return a;
            }
        }
        actions - 1
    }
}
