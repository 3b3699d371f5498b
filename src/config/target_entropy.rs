//! Target entropy of the learned temperature: absolute nats, or a share of `ln |A|`.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Target entropy of the learned temperature: absolute nats, or a share of `ln |A|`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TargetEntropy {
    /// Entropy in nats.
    Nats(f64),
    /// Share of the largest possible entropy `ln |A|`.
    Ratio(f64),
}

impl TargetEntropy {
    /// Mean over the dimensions of an action, of which each later one has the weight `later` and the first 1.
    pub fn mean_nats(self, heads: &[u32], later: f64) -> f64 {
        let weighted =
            heads.iter().enumerate().map(|(k, actions)| (if k == 0 { 1.0 } else { later }, *actions));
        let (sum, weights) = weighted.fold((0.0, 0.0), |(sum, weights), (weight, actions)| {
            (sum + weight * self.nats(actions), weights + weight)
        });
        sum / weights
    }

    /// Value in nats for `actions` actions.
    pub fn nats(self, actions: u32) -> f64 {
        match self {
            TargetEntropy::Nats(nats) => nats,
            TargetEntropy::Ratio(ratio) => ratio * f64::from(actions).ln(),
        }
    }
}

impl std::fmt::Display for TargetEntropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TargetEntropy::Nats(nats) => write!(f, "{nats}"),
            TargetEntropy::Ratio(ratio) => write!(f, "{ratio}ln|A|"),
        }
    }
}

impl std::str::FromStr for TargetEntropy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |t: &str| {
            t.trim().trim_end_matches('*').trim().parse::<f64>().map_err(|_| {
                Error::invalid(
                    "target_entropy",
                    text,
                    "nats such as 0.2, or a share of ln|A| such as 0.7ln|A|",
                    "Give one of the two forms.",
                )
            })
        };
        match text.trim().strip_suffix("ln|A|") {
            Some(ratio) => number(ratio).map(TargetEntropy::Ratio),
            None => number(text).map(TargetEntropy::Nats),
        }
    }
}

impl Serialize for TargetEntropy {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            TargetEntropy::Nats(nats) => serializer.serialize_f64(*nats),
            ratio => serializer.serialize_str(&ratio.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for TargetEntropy {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Number(f64),
            Text(String),
        }
        match Raw::deserialize(deserializer)? {
            Raw::Number(nats) => Ok(TargetEntropy::Nats(nats)),
            Raw::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}
