//! Literals for constants: a new value keeps the type of the old one.

use super::super::ranges::Allowed;
use super::{ConstType, invalid};
use crate::error::Result;
use crate::shared::layout::fits_f32;

/// Numbers that the device reads as what they are.
const FITS_F32: &str = "a finite number; in size 0 or from 1.2e-38 to 3.4e38, which 32 bits hold";

/// A literal of a constant's type. Where the constant names its type, a number without one takes it.
pub(super) fn scalar_like(
    name: &str,
    ty: ConstType,
    typed: bool,
    value: &str,
    allowed: Option<&Allowed>,
) -> Result<String> {
    let within = |number: f64| match allowed {
        Some(allowed) if !allowed.holds(number) => Err(invalid(name, value, &allowed.to_string())),
        _ => Ok(()),
    };
    let (low, high) = match ty {
        ConstType::Bool => {
            return match value.to_lowercase().as_str() {
                "true" | "1" => Ok("true".into()),
                "false" | "0" => Ok("false".into()),
                _ => Err(invalid(name, value, "true or false")),
            };
        }
        ConstType::F32 | ConstType::AbstractFloat => {
            let number = value.parse::<f64>().ok().filter(|number| fits_f32(*number));
            let number = number.ok_or_else(|| invalid(name, value, FITS_F32))? as f32;
            within(f64::from(number))?;
            let suffix = if ty == ConstType::F32 && !typed { "f" } else { "" };
            return Ok(format!("{number:?}{suffix}"));
        }
        ConstType::U32 => (0, i64::from(u32::MAX)),
        ConstType::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::from(i32::MIN), i64::from(u32::MAX)),
    };
    let number = value.parse::<i64>().ok().filter(|number| (low..=high).contains(number));
    let number =
        number.ok_or_else(|| invalid(name, value, &format!("a whole number from {low} to {high}")))?;
    within(number as f64)?;
    Ok(match ty {
        ConstType::U32 if !typed => format!("{number}u"),
        // The least number has no literal with a suffix.
        ConstType::I32 if !typed => format!("i32({number})"),
        _ => number.to_string(),
    })
}

/// A count, 1 or more.
pub(super) fn whole(name: &str, value: &str) -> Result<u32> {
    match value.parse::<u32>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(invalid(name, value, "a whole number from 1 to 4294967295")),
    }
}
