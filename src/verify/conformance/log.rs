//! An environment log: JSON lines, of which the first is the header.

use serde_json::Value;

use crate::engine::env::ActionSpace;
use crate::verify::conformance::report::{Outcome, Problem, malformed, unsupported};

/// The only version of the format.
const SCHEMA: &str = "sqn-conformance/1";

/// A line of a log.
#[derive(Debug)]
pub struct Line {
    /// Number in the file, from 1.
    pub number: usize,
    value: Value,
}

/// Header and lines of a log.
#[derive(Debug)]
pub struct Log {
    /// The first line.
    pub header: Line,
    /// All others.
    pub lines: Vec<Line>,
}

impl Log {
    /// Parses every line; the first that is no JSON object ends it.
    pub fn parse(bytes: &[u8]) -> Outcome<Log> {
        let text =
            std::str::from_utf8(bytes).map_err(|error| Problem::Malformed(format!("not text: {error}")))?;
        let text = text.trim_start_matches('\u{feff}');
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let number = index + 1;
            let value: Value = serde_json::from_str(line)
                .map_err(|error| Problem::Malformed(format!("line {number} is not JSON: {error}")))?;
            if value.get("kind").and_then(Value::as_str).is_none() {
                return malformed(format!("line {number} has no 'kind'"));
            }
            lines.push(Line { number, value });
        }
        if lines.is_empty() {
            return malformed("the file is empty");
        }
        let header = lines.remove(0);
        if header.kind() != "header" {
            return malformed("the first line is no header");
        }
        match header.text("schema") {
            Some(SCHEMA) => Ok(Log { header, lines }),
            other => unsupported(format!("schema {other:?}; this program reads '{SCHEMA}'")),
        }
    }
}

/// A whole number from 0 on, also where it is written as 5.0.
pub fn whole(value: &Value) -> Option<u32> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0 && *number >= 0.0)?;
    (number <= f64::from(u32::MAX)).then_some(number as u32)
}

impl Line {
    /// What the line holds.
    pub fn kind(&self) -> &str {
        self.text("kind").unwrap_or_default()
    }

    /// A text field.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.value.get(key).and_then(Value::as_str)
    }

    /// Any field.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.value.get(key)
    }

    /// Whether the field is there.
    pub fn has(&self, key: &str) -> bool {
        self.value.get(key).is_some()
    }

    /// A list of numbers.
    pub fn numbers(&self, key: &str) -> Outcome<Vec<f64>> {
        self.list(key)?.iter().map(|value| self.number(key, value)).collect()
    }

    /// A list of lists of numbers, each `width` long.
    pub fn rows(&self, key: &str, width: usize) -> Outcome<Vec<Vec<f64>>> {
        self.list(key)?.iter().map(|row| self.row(key, row, width)).collect()
    }

    /// A list of anything.
    pub fn list(&self, key: &str) -> Outcome<&Vec<Value>> {
        match self.value.get(key).and_then(Value::as_array) {
            Some(list) => Ok(list),
            None => malformed(format!("line {}: '{key}' is no list", self.number)),
        }
    }

    /// One row of numbers.
    pub fn row(&self, key: &str, row: &Value, width: usize) -> Outcome<Vec<f64>> {
        match row.as_array().filter(|row| row.len() == width) {
            Some(row) => row.iter().map(|value| self.number(key, value)).collect(),
            None => {
                malformed(format!("line {}: a row of '{key}' is no list of {width} numbers", self.number))
            }
        }
    }

    /// One number; a flag that is written as a word is 0 or 1.
    pub fn number(&self, key: &str, value: &Value) -> Outcome<f64> {
        match value.as_f64().or(value.as_bool().map(|flag| f64::from(u8::from(flag)))) {
            Some(number) => Ok(number),
            None => malformed(format!("line {}: '{key}' holds {value}, expected a number", self.number)),
        }
    }

    /// A list of flags, 0 or 1.
    pub fn flags(&self, key: &str) -> Outcome<Vec<bool>> {
        self.list(key)?.iter().map(|value| self.flag(key, value)).collect()
    }

    /// One flag.
    pub fn flag(&self, key: &str, value: &Value) -> Outcome<bool> {
        match self.number(key, value)? {
            0.0 => Ok(false),
            1.0 => Ok(true),
            _ => malformed(format!("line {}: '{key}' holds {value}, expected 0 or 1", self.number)),
        }
    }

    /// One action below `limit`.
    fn action(&self, key: &str, value: &Value, limit: u32) -> Outcome<u32> {
        match whole(value).filter(|action| *action < limit) {
            Some(action) => Ok(action),
            None => malformed(format!(
                "line {}: '{key}' holds {value}, expected an action below {limit}",
                self.number
            )),
        }
    }

    /// The words of one action.
    pub fn action_words(&self, key: &str, value: &Value, actions: &ActionSpace) -> Outcome<Vec<u32>> {
        let one = match value {
            Value::Array(list) if list.len() == actions.words() => list.as_slice(),
            other => std::slice::from_ref(other),
        };
        let heads = actions.heads();
        match actions {
            ActionSpace::Box { low, .. } if low.len() == one.len() => {
                one.iter().map(|value| Ok((self.number(key, value)? as f32).to_bits())).collect()
            }
            _ if heads.len() == one.len() && !heads.is_empty() => {
                one.iter().zip(&heads).map(|(value, limit)| self.action(key, value, *limit)).collect()
            }
            _ => malformed(format!("line {}: '{key}' holds {value}, no action of {actions}", self.number)),
        }
    }

    /// A list of actions, as words.
    pub fn actions(&self, key: &str, actions: &ActionSpace) -> Outcome<Vec<Vec<u32>>> {
        self.list(key)?.iter().map(|value| self.action_words(key, value, actions)).collect()
    }

    /// One number or a list of them.
    pub fn one_or_more(&self, key: &str, value: &Value) -> Outcome<Vec<f64>> {
        match value {
            Value::Array(list) => list.iter().map(|value| self.number(key, value)).collect(),
            value => Ok(vec![self.number(key, value)?]),
        }
    }

    /// A whole number from 0 on.
    pub fn index(&self, key: &str, value: &Value) -> Outcome<u32> {
        match whole(value) {
            Some(index) => Ok(index),
            None => malformed(format!("line {}: '{key}' holds {value}, expected an index", self.number)),
        }
    }

    /// A list of whole numbers from 0 on.
    pub fn indices(&self, key: &str) -> Outcome<Vec<u32>> {
        self.list(key)?.iter().map(|value| self.index(key, value)).collect()
    }

    /// Fails unless `actual` rows are there.
    pub fn expect_len(&self, key: &str, actual: usize, expected: usize) -> Outcome<()> {
        if actual == expected {
            return Ok(());
        }
        malformed(format!("line {}: '{key}' has {actual} entries, expected {expected}", self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_log_is_named_by_line() {
        let reason = |text: &str| match Log::parse(text.as_bytes()) {
            Err(Problem::Malformed(reason) | Problem::Unsupported(reason)) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(""), "the file is empty");
        let header = r#"{"kind":"header","schema":"sqn-conformance/1"}"#;
        assert!(reason(&format!("{header}\n\n{{")).starts_with("line 3 is not JSON"));
        assert_eq!(reason(&format!("{header}\n[1]")), "line 2 has no 'kind'");
        assert_eq!(reason(r#"{"kind":"probes"}"#), "the first line is no header");
        assert!(reason(r#"{"kind":"header","schema":"x"}"#).contains("schema"));
        assert_eq!(Log::parse(header.as_bytes()).expect("log").lines.len(), 0);
        assert_eq!(Log::parse(format!("\u{feff}{header}").as_bytes()).expect("log").lines.len(), 0);
    }

    #[test]
    fn flags_and_whole_numbers_are_read_as_python_writes_them() {
        let header = br#"{"kind":"header","schema":"sqn-conformance/1","te":[0,true,1.0],"a":[1.0,2],"no":[0.5],"tr":[2]}"#;
        let line = Log::parse(header).expect("log").header;
        assert_eq!(line.flags("te").expect("flags"), [false, true, true]);
        assert_eq!(line.indices("a").expect("indices"), [1, 2]);
        assert_eq!(line.actions("a", &ActionSpace::Discrete(3)).expect("actions"), [[1], [2]]);
        assert!(line.indices("no").is_err() && line.flags("no").is_err() && line.flags("tr").is_err());
    }
}
