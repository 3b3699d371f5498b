//! The allowed range of every field, checked before any device is opened. Each refusal names the field, the value, the range
//! and the fix.

use crate::config::{Config, Init, Temperature};
use crate::error::{Error, Result};

/// Largest batch a kernel loops over in one invocation: below the 65,535 iterations after which Mesa 22.3's software
/// driver silently stops an invocation.
pub const MAX_BATCH_SIZE: u32 = 32_768;

impl Config {
    /// Checks every range that does not depend on a device. `actions` is the environment's action count.
    pub fn validate(&self, actions: u32) -> Result<()> {
        check(
            actions > 0,
            "env",
            &self.env,
            format!("an environment with discrete actions for the algorithm '{}'", self.algo),
            "Its actions are continuous: declare NUM_ACTIONS or ACTION_DIMS with a choice of values instead.",
        )?;
        let open_unit = |field: &str, value: f64, hint: &str| {
            check(value > 0.0 && value <= 1.0, field, value, "in (0, 1]", hint)
        };
        let closed_unit = |field: &str, value: f64, hint: &str| {
            check((0.0..=1.0).contains(&value), field, value, "in [0, 1]", hint)
        };
        let positive = |field: &str, value: f64, hint: &str| {
            check(value > 0.0 && value.is_finite(), field, value, "a finite number above 0", hint)
        };
        check(
            (1..=u64::from(u32::MAX)).contains(&self.total_timesteps),
            "total_timesteps",
            self.total_timesteps,
            "1 to 4,294,967,295",
            "CartPole needs about 20,000.",
        )?;
        check(
            (1..=65_536).contains(&self.num_envs),
            "num_envs",
            self.num_envs,
            "1 to 65,536",
            "8 is a good start for one agent.",
        )?;
        check(
            (1..=MAX_BATCH_SIZE).contains(&self.batch_size),
            "batch_size",
            self.batch_size,
            "1 to 32,768",
            "64 to 256 is usual.",
        )?;
        check(
            self.buffer_size >= 1,
            "buffer_size",
            self.buffer_size,
            "at least 1",
            "50,000 is a good start.",
        )?;
        check(
            self.batch_size <= self.buffer_size,
            "batch_size",
            self.batch_size,
            format!("at most buffer_size = {}", self.buffer_size),
            "Lower --batch-size or raise --buffer-size.",
        )?;
        check(
            self.buffer_size <= 16_777_216,
            "buffer_size",
            self.buffer_size,
            "at most 16,777,216",
            "Lower --buffer-size.",
        )?;
        check(
            self.log_frequency >= 1,
            "log_frequency",
            self.log_frequency,
            "at least 1",
            "1,000 is a good start.",
        )?;
        self.validate_replay()?;
        check(
            self.target_update_interval >= 1,
            "target_update_interval",
            self.target_update_interval,
            "at least 1",
            "Use 1 with a small polyak, or e.g. 500 with polyak = 1.",
        )?;
        check(
            (1..=8).contains(&self.hidden.len()),
            "hidden",
            format!("{:?}", self.hidden),
            "1 to 8 layers",
            "For example [64, 64].",
        )?;
        for width in &self.hidden {
            check(
                (1..=4096).contains(width),
                "hidden",
                width,
                "widths of 1 to 4,096",
                "For example [64, 64].",
            )?;
        }
        for (field, value) in [("init_gain", self.init_gain), ("output_gain", self.output_gain)] {
            check((0.0..=100.0).contains(&value), field, value, "in [0, 100]", "1 is usual for the output.")?;
        }
        check(
            self.init_gain == 0.0 || self.init != Init::TorchDefault,
            "init_gain",
            self.init_gain,
            "0 with init = \"torch_default\", whose bound has no gain",
            "Choose --init orthogonal, he or glorot.",
        )?;
        closed_unit("munchausen_scale", self.munchausen_scale, "0.9 is the authors'; 0 is soft DQN.")?;
        check(
            self.munchausen_clip <= 0.0 && self.munchausen_clip.is_finite(),
            "munchausen_clip",
            self.munchausen_clip,
            "a finite number, at most 0",
            "-1 is the authors'.",
        )?;
        open_unit("learning_rate", self.learning_rate, "1e-3 is a good start.")?;
        open_unit("alpha_learning_rate", self.alpha_learning_rate, "1e-3 is a good start.")?;
        closed_unit("gamma", self.gamma, "0.99 is usual.")?;
        open_unit("polyak", self.polyak, "0.005 is usual; 1 copies the weights.")?;
        for (field, value) in [
            ("alpha", self.alpha),
            ("alpha_final", self.alpha_final),
            ("alpha_min", self.alpha_min),
            ("alpha_max", self.alpha_max),
        ] {
            check(
                (1e-6..=1e6).contains(&value),
                field,
                value,
                "in [1e-6, 1e6]",
                "For a policy close to argmax use a small alpha such as 0.01.",
            )?;
        }
        check(
            self.alpha_min <= self.alpha && self.alpha <= self.alpha_max,
            "alpha",
            self.alpha,
            format!("between alpha_min = {} and alpha_max = {}", self.alpha_min, self.alpha_max),
            "Widen the clamp or move alpha inside it.",
        )?;
        closed_unit("epsilon", self.epsilon, "0.05 is usual.")?;
        closed_unit("epsilon_final", self.epsilon_final, "0.05 is usual.")?;
        positive("huber_delta", self.huber_delta, "1 is usual.")?;
        check(
            self.max_grad_norm >= 0.0 && self.max_grad_norm.is_finite(),
            "max_grad_norm",
            self.max_grad_norm,
            "a finite number, 0 for no clipping",
            "10 is usual.",
        )?;
        for (field, value) in [("adam_beta1", self.adam_beta1), ("adam_beta2", self.adam_beta2)] {
            check((0.0..1.0).contains(&value), field, value, "in [0, 1)", "0.9 and 0.999 are usual.")?;
        }
        positive("adam_eps", self.adam_eps, "1e-8 is usual.")?;
        positive("reward_scale", self.reward_scale, "1 keeps the rewards as they are.")?;
        check(
            (1..=65_536).contains(&self.eval_episodes),
            "eval_episodes",
            self.eval_episodes,
            "1 to 65,536",
            "100 is the convention.",
        )?;
        if matches!(self.temperature, Temperature::Learned | Temperature::LearnedExp | Temperature::PerState)
        {
            let target = self.target_entropy.nats(actions);
            let limit = f64::from(actions).ln();
            check(
                target > 0.0 && target < limit,
                "target_entropy",
                format!("{} ({target:.4} nats)", self.target_entropy),
                format!("above 0 and below ln|A| = {limit:.4} nats for {actions} actions"),
                "Outside this range no temperature can reach it and alpha runs away; use e.g. 0.5ln|A|.",
            )?;
        }
        Ok(())
    }
}

pub(super) fn check(
    ok: bool,
    field: &str,
    value: impl ToString,
    allowed: impl Into<String>,
    hint: &str,
) -> Result<()> {
    if ok { Ok(()) } else { Err(Error::invalid(field, value, allowed, hint)) }
}
