//! Twin of `shaders/shared/target.wgsl`: what a target rule sees of one row of a batch, and what it gives back.
//!
//! ```
//! use softq::kernels::targets::DOUBLE_Q;
//! use softq::shared::agent::Agent;
//! use softq::shared::rng::{Rng, STREAM_BACKUP};
//! use softq::shared::target::{Row, Source, Target, joined};
//!
//! let q_value = |source: Source, action: usize| match source {
//!     Source::Online => [1.0f32, 2.0][action],
//!     _ => [5.0f32, 3.0][action],
//! };
//! let row = Row {
//!     q_value: &q_value,
//!     actions: 2,
//!     agent: &Agent::default(),
//!     alpha: 1.0,
//!     reward: 0.5,
//!     discount: 0.9,
//!     action: 0,
//!     given: false,
//!     rng: Rng::new(1, STREAM_BACKUP, 0, 0),
//!     entropy: false,
//!     kl: false,
//!     mean: false,
//!     per_state: false,
//!     signed_log: false,
//! };
//! // The online network chooses, its target says what that is worth.
//! assert_eq!(row.argmax(Source::Online), 1);
//! assert_eq!((DOUBLE_Q.twin)(&row), Target { y: 0.5 + 0.9 * 3.0, entropy: 0.0 });
//! assert_eq!([false, true].map(|mean| joined(mean, 5.0, 3.0)), [3.0, 4.0]);
//! ```

use crate::shared::agent::Agent;
use crate::shared::math::log_f32;
use crate::shared::policy::{Softmax, argmax_of, softmax_of};
use crate::shared::rng::Rng;

/// Whose action values a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Source {
    /// `Q'_1(s')`
    Target1 = 0,
    /// `Q'_2(s')`, or `Q'_1(s')` where the twin is off.
    Target2 = 1,
    /// Both, joined by their minimum or mean.
    Target = 2,
    /// `Q_1(s')` of the online net, or the outputs of the policy network at `s'` for the rules of one.
    Online = 3,
    /// `Q'_1(s)`
    Current = 4,
}

/// One row of a batch.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Action values.
    pub q_value: &'a dyn Fn(Source, usize) -> f32,
    /// How many there are.
    pub actions: usize,
    /// Hyperparameters.
    pub agent: &'a Agent,
    /// Temperature.
    pub alpha: f32,
    /// The n-step sum `R`.
    pub reward: f32,
    /// `gamma^m (1 - terminated)`
    pub discount: f32,
    /// The action taken in `s`; for a rule that samples one and is told so, the sample.
    pub action: usize,
    /// Whether it is told so.
    pub given: bool,
    /// For rules that sample.
    pub rng: Rng<'a>,
    /// `alpha H` is part of the value.
    pub entropy: bool,
    /// `alpha ln|A|` is taken off: entropy relative to the uniform policy.
    pub kl: bool,
    /// The twins' mean in the place of their minimum.
    pub mean: bool,
    /// Each state has the temperature at which its entropy is the agent's `target_entropy`.
    pub per_state: bool,
    /// The network learns `sign(x) ln(1 + |x|)` of its values.
    pub signed_log: bool,
}

/// What a rule gives back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Regression target.
    pub y: f32,
    /// `H` of the policy at `s'`, or what the rule has of it.
    pub entropy: f32,
}

/// Minimum or mean.
pub fn joined(mean: bool, first: f32, second: f32) -> f32 {
    if mean { 0.5 * (first + second) } else { first.min(second) }
}

impl Row<'_> {
    /// The values of one source, action by action.
    pub fn q(&self, source: Source) -> impl Fn(usize) -> f32 + Copy {
        let q_value = self.q_value;
        move |action| q_value(source, action)
    }

    /// First action with the largest value.
    pub fn argmax(&self, source: Source) -> usize {
        argmax_of(self.q(source), self.actions)
    }

    /// `softmax(Q / alpha)` of one source.
    pub fn softmax(&self, source: Source) -> Softmax {
        softmax_of(self.q(source), self.actions, self.alpha)
    }

    /// `V(s')` in the form that is asked for.
    pub fn relative_to_uniform(&self, value: f32) -> f32 {
        if self.kl { value - self.alpha * log_f32(self.actions as f32) } else { value }
    }

    /// `y = R + gamma^m (1 - d) V(s')`
    pub fn bootstrapped(&self, value: f32, entropy: f32) -> Target {
        Target { y: self.reward + self.discount * self.relative_to_uniform(value), entropy }
    }
}
