//! What a parameter of a sweep is drawn from, under the names of Weights & Biases and PufferLib: `values`, `uniform`,
//! `log_uniform`, `int_uniform`.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::shared::rng::pcg4d;

/// The names.
const NAMES: [&str; 4] = ["values", "uniform", "log_uniform", "int_uniform"];

/// A distribution.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// One of a list.
    Values(Vec<Value>),
    /// A number between two.
    Uniform(f64, f64),
    /// A number whose logarithm is uniform.
    LogUniform(f64, f64),
    /// A whole number, both ends included.
    IntUniform(i64, i64),
}

impl Distribution {
    /// Reads `{ values = [...] }` or `{ distribution = "uniform", min = 0, max = 1 }`, which the file gives for `key`.
    pub fn read(key: &str, value: &Value) -> Result<Distribution> {
        let wrong = |allowed: &str, hint: &str| {
            Err(Error::invalid(format!("parameters.{key}"), value, allowed, hint))
        };
        const FORMS: &str = "{ values = [...] } or { distribution = \"...\", min = ..., max = ... }";
        let Some(table) = value.as_object() else {
            return wrong(FORMS, "What all trials share belongs into [settings].");
        };
        if let Some(other) =
            table.keys().find(|name| !["distribution", "values", "min", "max"].contains(&name.as_str()))
        {
            return wrong(FORMS, &format!("'{other}' is none of its words."));
        }
        let named = match table.get("distribution") {
            None => NAMES[0],
            Some(Value::String(name)) => name,
            Some(_) => return wrong(FORMS, "The name of a distribution is a text."),
        };
        let needless: &[&str] = if named == NAMES[0] { &["min", "max"] } else { &["values"] };
        if let Some(other) = needless.iter().find(|word| table.contains_key(**word)) {
            return wrong(FORMS, &format!("'{other}' is none of the words of '{named}'."));
        }
        match named {
            "values" => match table.get("values").and_then(Value::as_array) {
                Some(values) if !values.is_empty() => Ok(Distribution::Values(values.clone())),
                _ => wrong("at least one value in a list", "For example { values = [0.9, 0.99] }."),
            },
            "uniform" | "log_uniform" | "int_uniform" => {
                let Some((low, high)) = ends(table) else {
                    return wrong("min below max, both finite numbers", "Both ends are included.");
                };
                match named {
                    "uniform" => Ok(Distribution::Uniform(low, high)),
                    "log_uniform" if low > 0.0 => Ok(Distribution::LogUniform(low, high)),
                    "log_uniform" => wrong("min above 0", "The logarithm of min must be a number."),
                    _ if low.fract() == 0.0 && high.fract() == 0.0 && low.abs().max(high.abs()) < 9e15 => {
                        Ok(Distribution::IntUniform(low as i64, high as i64))
                    }
                    _ => wrong("whole numbers as min and max", "uniform draws from the numbers between."),
                }
            }
            other => Err(Error::unknown("distribution", other, NAMES)),
        }
    }

    /// The list, if it is one.
    pub fn values(&self) -> Option<&[Value]> {
        match self {
            Distribution::Values(values) => Some(values),
            _ => None,
        }
    }

    /// Everything that must be a value of the setting for all draws to be: a list's values, or both ends.
    pub fn extremes(&self) -> Vec<Value> {
        match self {
            Distribution::Values(values) => values.clone(),
            Distribution::Uniform(low, high) | Distribution::LogUniform(low, high) => {
                vec![(*low).into(), (*high).into()]
            }
            Distribution::IntUniform(low, high) => vec![(*low).into(), (*high).into()],
        }
    }

    /// The value of combination `combination` of a sweep with this seed; it depends on nothing else.
    pub fn draw(&self, key: &str, combination: u64, seed: u64) -> Value {
        // FNV-1a, so that no parameter's draws depend on which others there are.
        let name =
            key.bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
        let words = [combination as u32, name, seed as u32, (seed >> 32) as u32 ^ 0x5eed_5eed];
        let u = (f64::from(pcg4d(words)[0]) + 0.5) / 4_294_967_296.0;
        match self {
            Distribution::Values(values) => {
                values[((u * values.len() as f64) as usize).min(values.len() - 1)].clone()
            }
            Distribution::Uniform(low, high) => (low + u * (high - low)).into(),
            Distribution::LogUniform(low, high) => {
                (low.ln() + u * (high.ln() - low.ln())).exp().clamp(*low, *high).into()
            }
            Distribution::IntUniform(low, high) => {
                let count = (high - low) as f64 + 1.0;
                (low + ((u * count) as i64).min(high - low)).into()
            }
        }
    }
}

fn ends(table: &Map<String, Value>) -> Option<(f64, f64)> {
    let end = |name: &str| table.get(name).and_then(Value::as_f64).filter(|end| end.is_finite());
    let (low, high) = (end("min")?, end("max")?);
    (low < high).then_some((low, high))
}
