//! Twin of `shaders/shared/tabular.wgsl`: records of the exact solver of a table of transitions.

use crate::gpu_struct;

/// `ln 0`, and the value of an action that must not be taken.
pub const NEVER: f32 = -1e30;

/// An action value relative to the reference policy: `softmax(relative / alpha)` is proportional to
/// `pi_bar exp(q / alpha)`. An action that the reference never takes has no share at any temperature.
pub fn relative(q: f32, log_reference: f32, alpha: f32) -> f32 {
    if log_reference <= NEVER { NEVER } else { q + alpha * log_reference }
}

gpu_struct! {
    /// One outcome of an action.
    pub struct Transition {
        /// Its probability.
        pub probability: f32,
        /// State it leads to.
        pub next: u32,
        /// Reward on the way.
        pub reward: f32,
        /// 1 where the episode ends, and the value of `next` does not count.
        pub terminated: f32,
    }
}

gpu_struct! {
    /// One solution: its settings, and how far it has come.
    pub struct Solver {
        /// Discount.
        pub gamma: f32,
        /// Temperature; 0 is the hard maximum.
        pub alpha: f32,
        /// A sweep that changes no Q by more than this share of `max(1, max |Q|)` is the last.
        pub tolerance: f32,
        /// With `alpha = 0`, actions within this share of `max(1, |max Q|)` of the best one are equally good.
        pub tie: f32,
        /// Sweeps done.
        pub sweeps: u32,
        /// Number of the last sweep once it is over, else 0.
        pub converged: u32,
    }
}

gpu_struct! {
    /// What one sweep did to Q.
    pub struct Sweep {
        /// Largest change.
        pub residual: f32,
        /// Largest fall, 0 if nothing fell.
        pub drop: f32,
        /// Largest magnitude after it.
        pub largest: f32,
    }
}
