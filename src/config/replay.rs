//! Settings of replay: how transitions are chosen, how long windows are, how often updates come.

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::config::validate::check;
use crate::error::Result;

/// How a batch is chosen from the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replay {
    /// Every transition is equally likely.
    Uniform,
    /// In proportion to `(|TD error| + priority_eps)^priority_exponent` (Schaul et al., arXiv 1511.05952).
    Prioritized,
}

/// Largest `n_step`: a window costs one read per step.
pub const MAX_N_STEP: u32 = 64;

/// Most vector steps or updates of one iteration: each is recorded.
const MAX_PER_ITERATION: u32 = 4096;

impl Config {
    /// Updates per environment step: `gradient_steps / (train_frequency num_envs)`, in lowest terms.
    pub fn update_ratio(&self) -> (u64, u64) {
        let (updates, steps) =
            (u64::from(self.gradient_steps), u64::from(self.train_frequency) * u64::from(self.num_envs));
        let (mut a, mut b) = (updates, steps);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        (updates / a.max(1), steps / a.max(1))
    }

    /// Transitions that the ring holds: `buffer_size`, rounded up to whole vector steps.
    pub fn capacity(&self) -> u32 {
        self.buffer_size.div_ceil(self.num_envs) * self.num_envs
    }

    pub(super) fn validate_replay(&self) -> Result<()> {
        for (field, value) in
            [("train_frequency", self.train_frequency), ("gradient_steps", self.gradient_steps)]
        {
            check(
                (1..=MAX_PER_ITERATION).contains(&value),
                field,
                value,
                "1 to 4,096",
                "Updates per environment step are gradient_steps / (train_frequency num_envs).",
            )?;
        }
        check((1..=MAX_N_STEP).contains(&self.n_step), "n_step", self.n_step, "1 to 64", "1 to 5 is usual.")?;
        let rows = self.capacity() / self.num_envs;
        check(
            self.n_step <= rows,
            "n_step",
            self.n_step,
            format!("at most buffer_size / num_envs = {rows}, the steps of one environment in the ring"),
            "Raise --buffer-size or lower --num-envs.",
        )?;
        let unit = |field: &str, value: f64, hint: &str| {
            check((0.0..=1.0).contains(&value), field, value, "in [0, 1]", hint)
        };
        unit("priority_exponent", self.priority_exponent, "0.6 is usual; 0 makes all transitions alike.")?;
        unit("importance_exponent", self.importance_exponent, "0.4 is usual; 1 corrects in full.")?;
        unit("importance_exponent_final", self.importance_exponent_final, "1 is usual.")?;
        check(
            self.priority_eps > 0.0 && self.priority_eps <= 1e6,
            "priority_eps",
            self.priority_eps,
            "above 0, at most 1e6",
            "1e-6 is usual; it keeps transitions without an error in play.",
        )?;
        if self.replay == Replay::Prioritized {
            check(
                self.batch_size <= MAX_PRIORITIZED_BATCH,
                "batch_size",
                self.batch_size,
                "at most 2,048 with replay = \"prioritized\"",
                "Lower --batch-size, or use --replay uniform.",
            )?;
        }
        Ok(())
    }
}

/// Largest batch of prioritized replay; `priority_update` keeps its errors in workgroup memory.
pub const MAX_PRIORITIZED_BATCH: u32 = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ratio_of_updates_to_steps_can_be_had() {
        for (p, q) in [(1, 1), (1, 2), (3, 7), (10, 1), (5, 16), (1, 256), (17, 13)] {
            for num_envs in [1, 4, 8, 10] {
                // p updates per q environment steps: num_envs p updates per q vector steps.
                let config = Config {
                    num_envs,
                    train_frequency: q,
                    gradient_steps: p * num_envs,
                    ..Config::default()
                };
                config.validate(2).expect("in range");
                assert_eq!(config.update_ratio(), (u64::from(p), u64::from(q)));
            }
        }
    }

    #[test]
    fn windows_longer_than_the_ring_are_refused() {
        let config = Config { n_step: 8, num_envs: 16, buffer_size: 64, ..Config::default() };
        let text = config.validate(2).expect_err("4 rows").to_string();
        assert!(text.contains("n_step") && text.contains("= 4"), "{text}");
    }
}
