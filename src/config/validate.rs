//! What must hold between settings, beside the range that each row of the table states for itself; checked before any device
//! is opened. Each refusal names the field, the value, the range and the fix.

use crate::config::{Config, Init, SETTINGS, Temperature};
use crate::error::{Error, Result};

impl Config {
    /// Checks everything that does not depend on a device. `actions` is the environment's action count.
    pub fn validate(&self, actions: u32) -> Result<()> {
        check(
            actions > 0,
            "env",
            &self.env,
            format!("an environment with discrete actions for the algorithm '{}'", self.algo),
            "Its actions are continuous: declare NUM_ACTIONS or ACTION_DIMS with a choice of values instead.",
        )?;
        for setting in SETTINGS {
            setting.check(self, actions)?;
        }
        check(
            self.batch_size <= self.buffer_size,
            "batch_size",
            self.batch_size,
            format!("at most buffer_size = {}", self.buffer_size),
            "Lower --batch-size or raise --buffer-size.",
        )?;
        self.validate_replay()?;
        check(
            (1..=8).contains(&self.hidden.len()),
            "hidden",
            format!("{:?}", self.hidden),
            "1 to 8 layers",
            "For example [64, 64].",
        )?;
        check(
            self.init_gain == 0.0 || self.init != Init::TorchDefault,
            "init_gain",
            self.init_gain,
            "0 with init = \"torch_default\", whose bound has no gain",
            "Choose --init orthogonal, he or glorot.",
        )?;
        check(
            self.alpha_min <= self.alpha && self.alpha <= self.alpha_max,
            "alpha",
            self.alpha,
            format!("between alpha_min = {} and alpha_max = {}", self.alpha_min, self.alpha_max),
            "Widen the clamp or move alpha inside it.",
        )?;
        if matches!(self.temperature, Temperature::Learned | Temperature::LearnedExp | Temperature::PerState)
        {
            let target = self.target_entropy.nats(actions);
            let limit = f64::from(actions).ln();
            check(
                target < limit && (target as f32).is_normal() && target > 0.0,
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
