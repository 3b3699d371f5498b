//! What one file came to: worst error and bound per quantity, verdict and reason.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Error;

/// Why a file could not be compared to the end.
#[derive(Debug)]
pub enum Problem {
    /// The file contradicts its format; the text says where.
    Malformed(String),
    /// The engine lacks what the file needs.
    Unsupported(String),
    /// The engine refused or the device failed.
    Engine(Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            // A network or batch that does not fit this device says nothing about correctness.
            Error::TooLarge { .. } | Error::OutOfMemory { .. } => Problem::Unsupported(error.to_string()),
            other => Problem::Engine(other),
        }
    }
}

/// Result of everything that reads or replays a file.
pub type Outcome<T> = std::result::Result<T, Problem>;

/// [`Problem::Malformed`] as an error value.
pub fn malformed<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Problem::Malformed(message.into()))
}

/// [`Problem::Unsupported`] as an error value.
pub fn unsupported<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Problem::Unsupported(message.into()))
}

/// Outcome of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Every comparison is within its bound.
    Pass,
    /// A comparison is not, or the file is malformed.
    Fail,
    /// The engine has no such algorithm, network or environment.
    Unsupported,
}

/// The line of one file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileReport {
    /// Path below the folder.
    pub file: String,
    /// Reference tensors or recorded transitions compared.
    pub cases: u64,
    /// Largest error of each quantity: the one closest to, or furthest above, its bound.
    pub worst: BTreeMap<String, f64>,
    /// The bound that belongs to it.
    pub bound: BTreeMap<String, f64>,
    /// The outcome.
    pub verdict: Verdict,
    /// Why it failed or cannot be replayed; for a pass, which parts were left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl FileReport {
    /// One line of text: the quantities that fail first, then those closest to their bounds.
    pub fn text(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::Unsupported => "UNSUPPORTED",
        };
        let mut text = format!("{verdict:<11}  {}  {} cases", self.file, self.cases);
        let bound_of = |quantity: &String| self.bound.get(quantity).copied().unwrap_or(0.0);
        let share = |quantity: &String, error: f64| match bound_of(quantity) {
            _ if error == 0.0 => 0.0,
            bound if bound > 0.0 && !error.is_nan() => error / bound,
            _ => f64::INFINITY,
        };
        let mut worst: Vec<(&String, &f64)> = self.worst.iter().collect();
        worst.sort_by(|a, b| share(b.0, *b.1).total_cmp(&share(a.0, *a.1)));
        for (index, (quantity, error)) in worst.into_iter().enumerate() {
            let bound = bound_of(quantity);
            text += if index == 0 { ": " } else { ", " };
            text += &format!("{quantity} {} of {}", number(*error), number(bound));
        }
        if let Some(reason) = &self.reason {
            text += &format!(" - {reason}");
        }
        text
    }
}

fn number(value: f64) -> String {
    if value == 0.0 { "0".into() } else { format!("{value:.1e}") }
}

/// How many files came to which verdict: the last line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Files within all bounds.
    pub passed: u64,
    /// Files outside a bound, or malformed.
    pub failed: u64,
    /// Files the engine cannot replay.
    pub unsupported: u64,
}

impl Totals {
    /// Counts one file.
    pub fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.passed += 1,
            Verdict::Fail => self.failed += 1,
            Verdict::Unsupported => self.unsupported += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_file_errors_bounds_and_reason() {
        let report = FileReport {
            file: "a.json".into(),
            cases: 3,
            worst: [("a".to_owned(), 1e-6), ("q".to_owned(), 2e-5), ("v".to_owned(), 0.0)].into(),
            bound: [("a".to_owned(), 1e-5), ("q".to_owned(), 1e-5), ("v".to_owned(), 0.0)].into(),
            verdict: Verdict::Fail,
            reason: Some("q[3]".into()),
        };
        assert_eq!(
            report.text(),
            "FAIL         a.json  3 cases: q 2.0e-5 of 1.0e-5, a 1.0e-6 of 1.0e-5, v 0 of 0 - q[3]"
        );
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["verdict"], "FAIL");
        assert_eq!(json["bound"]["q"], 1e-5);
    }
}
