//! Twin of `shaders/shared/agent.wgsl`: per-agent and per-environment records. WGSL's [`Agent`] is written from the one here.
//! `src/config/table.rs` says which setting fills which hyperparameter; a new one is appended, so that no word moves.
//!
//! ```
//! use softq::shared::agent::{Agent, Lane, TdError};
//! use softq::train::event::Evaluation;
//!
//! // The words of a buffer are records, and records are words.
//! let agent = Agent { seed: 7, gamma: 0.99, ..Agent::default() };
//! let words: &[u32] = bytemuck::cast_slice(std::slice::from_ref(&agent));
//! assert_eq!((words[0], words[1]), (7, 0.99f32.to_bits()));
//! let sample: TdError = bytemuck::cast([1.5f32.to_bits(), 1.125f32.to_bits()]);
//! assert_eq!((sample.error, sample.loss), (1.5, 1.125));
//! // An evaluation takes the first episode of every environment.
//! let lane = Lane { episodes: 2, first_return: 9.0, episode_return: 3.0, ..Lane::default() };
//! assert_eq!(Evaluation::of_lanes(&[lane]).returns, [9.0]);
//! ```

use crate::gpu_struct;

gpu_struct! {
    /// One agent: hyperparameters, constant during a run, then what learning changes besides the weights, then the sums of
    /// the current metrics window.
    pub struct Agent {
        /// Seed of all the agent's random streams.
        pub seed: u32,
        /// Discount.
        pub gamma: f32,
        /// Huber threshold.
        pub huber_delta: f32,
        /// Adam step size of `log_alpha`.
        pub alpha_learning_rate: f32,
        /// Target entropy, nats.
        pub target_entropy: f32,
        /// `ln alpha` at the start of a schedule.
        pub log_alpha_initial: f32,
        /// `ln alpha` at its end.
        pub log_alpha_final: f32,
        /// Lower clamp.
        pub log_alpha_min: f32,
        /// Upper clamp.
        pub log_alpha_max: f32,
        /// Length of the alpha schedule, environment steps.
        pub alpha_decay_steps: f32,
        /// Random share at the start.
        pub epsilon: f32,
        /// Random share at the end.
        pub epsilon_final: f32,
        /// Length of the epsilon schedule, environment steps.
        pub epsilon_decay_steps: f32,
        /// Factor on stored rewards.
        pub reward_scale: f32,
        /// Exponent of `|delta| + priority_eps` in a priority.
        pub priority_exponent: f32,
        /// Offset of `|delta|`.
        pub priority_eps: f32,
        /// Exponent of the importance weights at the start.
        pub importance_exponent: f32,
        /// At the end.
        pub importance_exponent_final: f32,
        /// Length of its schedule, environment steps.
        pub importance_steps: f32,
        /// Munchausen: factor of the log-probability added to the reward.
        pub munchausen_scale: f32,
        /// Its lower clip, at most 0.
        pub munchausen_clip: f32,
        /// Updates done.
        pub updates: u32,
        /// 0, or the number of the update that first met a NaN or an infinity.
        pub nonfinite: u32,
        /// `ln alpha`.
        pub log_alpha: f32,
        /// Temperature.
        pub alpha: f32,
        /// First moment of `log_alpha`'s Adam.
        pub alpha_m: f32,
        /// Second moment.
        pub alpha_v: f32,
        /// Entropy of the last batch: the mean over rows, summed over heads with their weights.
        pub entropy: f32,
        /// Largest priority so far.
        pub max_priority: f32,
        /// Updates in the window.
        pub window_updates: u32,
        /// Sum of mean entropies in the window.
        pub entropy_sum: f32,
        /// Sum of mean losses in the window.
        pub loss_sum: f32,
        /// Sum of mean values in the window.
        pub q_sum: f32,
        /// Sum of gradient norms in the window.
        pub grad_norm_sum: f32,
        /// Share of the later return in a lambda return; a hyperparameter.
        pub q_lambda: f32,
    }
}

gpu_struct! {
    /// Bookkeeping of one environment.
    pub struct Lane {
        /// Steps taken.
        pub step: u32,
        /// Steps in the running episode.
        pub episode_step: u32,
        /// Return of the running episode.
        pub episode_return: f32,
        /// Episodes finished.
        pub episodes: u32,
        /// Return of the first finished episode: what an evaluation reads.
        pub first_return: f32,
        /// Episodes finished in the window.
        pub window_episodes: u32,
        /// Sum of their returns.
        pub window_return: f32,
        /// Sum of their lengths.
        pub window_length: f32,
        /// 0, or what first was not finite: 1 + the step that returned it (0 for the first observation), with [`FAULT_OBS`]
        /// for an observation instead of a reward.
        pub fault: u32,
    }
}

/// The bit of [`Lane::fault`] that stands for an observation.
pub const FAULT_OBS: u32 = 0x8000_0000;

gpu_struct! {
    /// TD error of one sample under one net, and its weighted loss.
    pub struct TdError {
        /// `Q_i(s, a) - y`
        pub error: f32,
        /// Loss times importance weight.
        pub loss: f32,
    }
}

/// Linear schedule from `start` to `end` over `steps`; `start` throughout when `steps` is 0.
///
/// ```
/// use softq::shared::agent::schedule;
///
/// let epsilon = |now| schedule(1.0, 0.0, 100.0, now);
/// assert_eq!([0.0, 25.0, 100.0, 900.0].map(epsilon), [1.0, 0.75, 0.0, 0.0]);
/// assert_eq!(schedule(1.0, 0.0, 0.0, 50.0), 1.0);
/// ```
pub fn schedule(start: f32, end: f32, steps: f32, now: f32) -> f32 {
    if steps <= 0.0 {
        return start;
    }
    start + (end - start) * (now / steps).min(1.0)
}
