//! Target entropy of the learned temperature: absolute nats, a share of `ln |A|`, or a multiple of an action's dimensions.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::shared::action_size::ActionSize;

/// Target entropy of the learned temperature.
///
/// ```
/// use softq::config::TargetEntropy;
///
/// let half: TargetEntropy = "0.5ln|A|".parse()?;
/// assert_eq!(half, TargetEntropy::Ratio(0.5));
/// assert_eq!(half.nats(4u32), 0.5 * 4f64.ln());
/// assert_eq!("0.2".parse::<TargetEntropy>()?.nats(4u32), 0.2);
/// assert_eq!(TargetEntropy::PerDimension(-1.0).to_string(), "-1dim(A)");
/// # Ok::<(), softq::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TargetEntropy {
    /// Entropy in nats.
    Nats(f64),
    /// Share of the largest possible entropy `ln |A|`.
    Ratio(f64),
    /// Multiple of the dimensions of a real-valued action; -1 is usual (arXiv 1812.05905, appendix D).
    PerDimension(f64),
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

    /// Value in nats for so many actions. What does not go with them has none: `validate` refuses it.
    pub fn nats(self, actions: impl Into<ActionSize>) -> f64 {
        match (self, actions.into()) {
            (TargetEntropy::Nats(nats), _) => nats,
            (TargetEntropy::Ratio(ratio), actions) => ratio * f64::from(actions.choices()).ln(),
            (TargetEntropy::PerDimension(factor), ActionSize::Dimensions(dims)) => factor * f64::from(dims),
            (TargetEntropy::PerDimension(_), ActionSize::Choices(_)) => 0.0,
        }
    }
}

impl std::fmt::Display for TargetEntropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TargetEntropy::Nats(nats) => write!(f, "{nats}"),
            TargetEntropy::Ratio(ratio) => write!(f, "{ratio}ln|A|"),
            TargetEntropy::PerDimension(factor) => write!(f, "{factor}dim(A)"),
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
                    "nats such as 0.2, a share of ln|A| such as 0.7ln|A|, or a multiple of the dimensions such as -1dim(A)",
                    "Give one of the three forms.",
                )
            })
        };
        if let Some(factor) = text.trim().strip_suffix("dim(A)") {
            let factor = if factor.trim() == "-" { "-1" } else { factor };
            return number(factor).map(TargetEntropy::PerDimension);
        }
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
