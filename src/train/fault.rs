//! What an environment returned that is no number, as an error.

use crate::error::Error;
use crate::shared::agent::FAULT_OBS;

/// The error of lane `lane` of `env`, which holds `fault` ([`crate::shared::agent::Lane::fault`]).
pub fn not_finite(env: &str, lane: impl ToString, fault: u32, during: &'static str) -> Error {
    let step = match fault & !FAULT_OBS {
        0 => "0 (the first observation)".to_owned(),
        after => (after - 1).to_string(),
    };
    Error::NotFinite {
        env: env.into(),
        what: if fault & FAULT_OBS == 0 { "a reward" } else { "an observation" },
        lane: lane.to_string().into(),
        step: step.into(),
        during,
        kept: "".into(),
    }
}
