//! Replay: how many transitions the ring holds, how often updates come, and what must hold between these settings.

use crate::config::validate::check;
use crate::config::{Config, Replay};
use crate::error::Result;

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

    /// Why this run would end without one update, if so: the warm-up, rounded up to whole vector steps, is all of it.
    pub fn without_updates(&self) -> Option<String> {
        let lanes = u64::from(self.num_envs);
        let warm_up = self.learning_starts.min(self.total_timesteps).div_ceil(lanes).saturating_mul(lanes);
        (warm_up >= self.total_timesteps).then(|| {
            format!(
                "no update will be made: learning_starts = {}, in whole steps of num_envs = {lanes} environments, is not below \
                 total_timesteps = {}. The agent stays as it was initialised; lower --learning-starts or --num-envs, or raise \
                 --total-timesteps.",
                self.learning_starts, self.total_timesteps
            )
        })
    }

    /// Transitions of a rollout: `train_frequency` steps of every environment.
    pub fn rollout(&self) -> u32 {
        self.train_frequency * self.num_envs
    }

    /// Transitions that the ring holds: `buffer_size`, rounded up to whole vector steps.
    pub fn capacity(&self) -> u32 {
        self.buffer_size.div_ceil(self.num_envs) * self.num_envs
    }

    pub(super) fn validate_replay(&self) -> Result<()> {
        let rows = self.capacity() / self.num_envs;
        check(
            self.n_step <= rows,
            "n_step",
            self.n_step,
            format!("at most buffer_size / num_envs = {rows}, the steps of one environment in the ring"),
            "Raise --buffer-size or lower --num-envs.",
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
    use crate::config::find;
    use crate::shared::sum_tree::levels;

    #[test]
    fn shaders_have_room_for_every_level_of_the_largest_ring() {
        let text = include_str!("../../shaders/shared/sum_tree.wgsl");
        let room = text.lines().find_map(|line| line.strip_prefix("const MAX_LEVELS = ")?.strip_suffix("u;"));
        let room: usize = room.and_then(|room| room.parse().ok()).expect("a number");
        for (key, range) in [("buffer_size", "1 to 16,777,216"), ("num_envs", "1 to 65,536")] {
            assert_eq!(find(key).expect("a setting").range(), range);
        }
        // Rounded up to whole vector steps of three environments; then of any number.
        let capacity = Config { buffer_size: 1 << 24, num_envs: 3, ..Config::default() }.capacity();
        assert_eq!((levels(1 << 24).len(), levels(capacity).len()), (7, 8));
        assert!(room >= levels((1 << 24) + 65_535).len(), "{room}");
    }

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
    fn a_run_that_is_all_warm_up_is_known() {
        for (learning_starts, total_timesteps, num_envs, none) in [
            (20_000, 5_000, 8, true),
            (1_000, 1_000, 8, true),
            (1_000, 1_001, 8, false),
            (1_000, 2_000, 4_096, true),
            (0, 100, 4_096, false),
        ] {
            let config = Config { learning_starts, total_timesteps, num_envs, ..Config::default() };
            assert_eq!(
                config.without_updates().is_some(),
                none,
                "{learning_starts} {total_timesteps} {num_envs}"
            );
        }
    }

    #[test]
    fn windows_longer_than_the_ring_are_refused() {
        let config = Config { n_step: 8, num_envs: 16, buffer_size: 64, ..Config::default() };
        let text = config.validate(2).expect_err("4 rows").to_string();
        assert!(text.contains("n_step") && text.contains("= 4"), "{text}");
    }
}
