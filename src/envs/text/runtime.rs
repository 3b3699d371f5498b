//! Values of runtime parameters, the members of `EnvParams`: numbers, flags and ranges to draw from.

use super::super::ranges::Allowed;
use super::invalid;
use crate::engine::env::{Number, ParamValue};
use crate::error::Result;
use crate::shared::layout::fits_f32;

/// The value of a runtime parameter: a number, `true`, `false` or `uniform(low,high)`.
pub fn param_value(name: &str, number: Number, value: &str, range: Option<&Allowed>) -> Result<ParamValue> {
    let text = value.trim();
    let allowed = match number {
        Number::F32 => {
            "a finite number, or uniform(low,high); in size 0 or from 1.2e-38 to 3.4e38, which 32 bits hold"
        }
        Number::U32 => "a whole number from 0 to 4294967295, true, false, or uniform(low,high)",
        Number::I32 => "a whole number from -2147483648 to 2147483647, or uniform(low,high)",
    };
    let one = |text: &str| -> Result<f64> {
        let value = match (text.trim().to_lowercase().as_str(), number) {
            ("true", Number::U32) => Some(1.0),
            ("false", Number::U32) => Some(0.0),
            (text, _) => text.parse::<f64>().ok(),
        };
        let value = value.ok_or_else(|| invalid(name, text, allowed))?;
        let fits = match number {
            Number::F32 => fits_f32(value),
            Number::U32 => value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value),
            Number::I32 => {
                value.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value)
            }
        };
        if !fits {
            return Err(invalid(name, text, allowed));
        }
        match range {
            Some(range) if !range.holds(number.value(number.word(value))) => {
                Err(invalid(name, text, &range.to_string()))
            }
            _ => Ok(value),
        }
    };
    let Some(ends) = text.strip_prefix("uniform(").and_then(|rest| rest.strip_suffix(')')) else {
        return Ok(ParamValue::Fixed(one(text)?));
    };
    let (low, high) = ends.split_once(',').ok_or_else(|| invalid(name, value, allowed))?;
    let (low, high) = (one(low)?, one(high)?);
    if low > high {
        return Err(invalid(name, value, "uniform(low,high) with low not above high"));
    }
    Ok(ParamValue::Uniform(low, high))
}
