//! What a benchmark prints: a row per thing that was timed, with its spread, what it is compared with, and whether its result
//! was right.

use serde::{Deserialize, Serialize};

use crate::statistics::quantile;

/// What was timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// What the device can do at most.
    Roofline,
    /// One dispatch of a kernel.
    Kernel,
    /// Environments under random play.
    Environment,
    /// Training.
    Training,
}

impl Group {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Group::Roofline => "roofline",
            Group::Kernel => "kernel",
            Group::Environment => "environment",
            Group::Training => "training",
        }
    }
}

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// 10^9 bytes per second.
    #[serde(rename = "GB/s")]
    Bytes,
    /// 10^9 floating-point operations per second.
    #[serde(rename = "GFLOP/s")]
    Floats,
    /// 10^9 integer operations per second.
    #[serde(rename = "GOP/s")]
    Integers,
    /// Microseconds: less is better.
    #[serde(rename = "us")]
    Micros,
    /// Environment steps per second.
    #[serde(rename = "steps/s")]
    Steps,
    /// Updates per second.
    #[serde(rename = "updates/s")]
    Updates,
}

impl Unit {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Bytes => "GB/s",
            Unit::Floats => "GFLOP/s",
            Unit::Integers => "GOP/s",
            Unit::Micros => "us",
            Unit::Steps => "steps/s",
            Unit::Updates => "updates/s",
        }
    }
}

/// Median and extremes of the repeats.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Median.
    pub median: f64,
    /// Smallest.
    pub low: f64,
    /// Largest.
    pub high: f64,
}

impl Spread {
    /// Of at least one value.
    pub fn of(values: &[f64]) -> Spread {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |q| if sorted.is_empty() { 0.0 } else { quantile(&sorted, q) };
        Spread { median: at(0.5), low: at(0.0), high: at(1.0) }
    }

    /// Of something that is `f` of these values, and falls or rises with them.
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Spread {
        let (a, b) = (f(self.low), f(self.high));
        Spread { median: f(self.median), low: a.min(b), high: a.max(b) }
    }

    /// Whether its values are in their order, and none is negative or infinite.
    pub fn is_ordered(&self) -> bool {
        0.0 <= self.low && self.low <= self.median && self.median <= self.high && self.high.is_finite()
    }

    /// Whether no value of either lies among the other's.
    pub fn is_apart_from(&self, other: &Spread) -> bool {
        self.high < other.low || other.high < self.low
    }

    /// Distance of the extremes as a share of the median.
    pub fn relative(&self) -> f64 {
        if self.median > 0.0 { (self.high - self.low) / self.median } else { 0.0 }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What was timed.
    pub group: Group,
    /// Kernel, environment, preset, or what of the device.
    pub name: String,
    /// Sizes.
    pub shape: String,
    /// What `value` counts.
    pub unit: Unit,
    /// The measurement, by the wall clock.
    pub value: Spread,
    /// Repeats behind it.
    pub repeats: usize,
    /// Microseconds of one dispatch by the device's own clock, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_us: Option<Spread>,
    /// Floating-point operations of a dispatch, by the kernel's declaration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<u64>,
    /// Bytes that a dispatch moves, by the kernel's declaration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// 10^9 operations per second, of the device's time where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gflops: Option<f64>,
    /// 10^9 bytes per second, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gb_per_s: Option<f64>,
    /// Least time that the roofline allows, as a share of the time taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roofline: Option<f64>,
    /// What the result was compared with, and how it came out.
    pub checked: String,
    /// Whether the result was right.
    pub passed: bool,
    /// What else there is to know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Row {
    /// A row without the columns that only kernels have.
    pub fn new(
        group: Group,
        name: impl Into<String>,
        shape: impl Into<String>,
        unit: Unit,
        values: &[f64],
    ) -> Row {
        Row {
            group,
            name: name.into(),
            shape: shape.into(),
            unit,
            value: Spread::of(values),
            repeats: values.len(),
            device_us: None,
            operations: None,
            bytes: None,
            gflops: None,
            gb_per_s: None,
            roofline: None,
            checked: String::new(),
            passed: true,
            note: String::new(),
        }
    }

    /// The row with what its result was compared with: right, or how it is wrong.
    pub fn judged(self, against: &str, verdict: Result<(), String>) -> Row {
        match verdict {
            Ok(()) => Row { checked: against.into(), ..self },
            Err(wrong) => Row { checked: format!("WRONG: {wrong}"), passed: false, ..self },
        }
    }

    /// What makes two rows of different files the same measurement.
    pub fn key(&self) -> (Group, &str, &str, &'static str) {
        (self.group, &self.name, &self.shape, self.unit.name())
    }

    /// How many times as fast as an earlier measurement.
    pub fn speed_up(&self, earlier: &Row) -> f64 {
        match self.unit {
            Unit::Micros => earlier.value.median / self.value.median,
            _ => self.value.median / earlier.value.median,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_turn_around_where_rates_fall_with_time() {
        let times = Spread::of(&[4.0, 1.0, 2.0]);
        assert_eq!((times.median, times.low, times.high), (2.0, 1.0, 4.0));
        let rates = times.map(|time| 8.0 / time);
        assert_eq!((rates.median, rates.low, rates.high), (4.0, 2.0, 8.0));
        assert_eq!(times.relative(), 1.5);
    }

    #[test]
    fn less_time_and_more_rate_are_both_faster() {
        let row = |unit, value| Row::new(Group::Kernel, "adam", "", unit, &[value]);
        assert_eq!(row(Unit::Micros, 5.0).speed_up(&row(Unit::Micros, 10.0)), 2.0);
        assert_eq!(row(Unit::Steps, 5.0).speed_up(&row(Unit::Steps, 10.0)), 0.5);
    }
}
