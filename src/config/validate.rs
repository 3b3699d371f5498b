//! What must hold between settings, beside the range that each row of the table states for itself; checked before any device
//! is opened. Each refusal names the field, the value, the range and the fix.

use crate::config::{Config, Init, SETTINGS, TargetEntropy};
use crate::error::{Error, Result};
use crate::shared::action_size::ActionSize;
use crate::shared::layout::fits_f32;

impl Config {
    /// Checks everything that does not depend on a device. `actions` is the size of the environment's smallest head or box.
    pub fn validate(&self, actions: impl Into<ActionSize>) -> Result<()> {
        let actions = actions.into();
        for setting in SETTINGS {
            setting.check(self, actions.choices())?;
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
        if self.aims_at_entropy() {
            self.validate_target_entropy(actions)?;
        }
        Ok(())
    }

    /// An entropy that no temperature can reach lets alpha run away.
    fn validate_target_entropy(&self, actions: ActionSize) -> Result<()> {
        let target = self.target_entropy.nats(actions);
        let given = format!("{} ({target:.4} nats)", self.target_entropy);
        match (actions, self.target_entropy) {
            (ActionSize::Choices(1), _) => check(
                false,
                "temperature",
                self.temperature.word(),
                "fixed where a dimension of the action has one choice alone",
                "Its entropy is 0 whatever the temperature. Give it more choices, or leave it out.",
            ),
            (ActionSize::Choices(actions), _) => {
                let limit = f64::from(actions).ln();
                check(
                    target < limit && (target as f32).is_normal() && target > 0.0,
                    "target_entropy",
                    given,
                    format!("above 0 and below ln|A| = {limit:.4} nats for {actions} actions"),
                    "Outside this range no temperature can reach it and alpha runs away; use e.g. 0.5ln|A|.",
                )
            }
            (ActionSize::Dimensions(_), TargetEntropy::Ratio(_)) => check(
                false,
                "target_entropy",
                self.target_entropy,
                "nats or a multiple of the dimensions for actions that are real numbers",
                "A density has no ln|A|; -1dim(A) is usual.",
            ),
            // How much a density can have, its bounds say: `agents::continuous`.
            (ActionSize::Dimensions(_), _) => check(
                fits_f32(target),
                "target_entropy",
                given,
                "a number that f32 holds",
                "-1dim(A) is usual.",
            ),
        }
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
