//! Ranges of parameters, as a comment above them says: `// range: 0 to 1`, `// range: above 0`, `// range: at least 1`,
//! `// range: 2 to below 10`.

use std::fmt;

/// The values that a parameter may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowed {
    /// Least value, and whether it is one.
    low: Option<(f64, bool)>,
    /// Greatest value, and whether it is one.
    high: Option<(f64, bool)>,
}

impl Allowed {
    /// Whether `value` is one of them.
    pub fn holds(&self, value: f64) -> bool {
        // Ends are read as f64 and values as the device has them: 0.1 is the f32 nearest to it.
        let at = |end: f64| value == end || value == f64::from(end as f32);
        let above = self.low.is_none_or(|(low, closed)| if at(low) { closed } else { value > low });
        let below = self.high.is_none_or(|(high, closed)| if at(high) { closed } else { value < high });
        above && below
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.low, self.high) {
            (Some((low, true)), Some((high, true))) => write!(f, "from {low} to {high}"),
            (Some((low, true)), Some((high, false))) => write!(f, "from {low} to below {high}"),
            (Some((low, false)), Some((high, true))) => write!(f, "above {low} to {high}"),
            (Some((low, false)), Some((high, false))) => write!(f, "above {low} to below {high}"),
            (Some((low, true)), None) => write!(f, "at least {low}"),
            (Some((low, false)), None) => write!(f, "above {low}"),
            (None, Some((high, true))) => write!(f, "at most {high}"),
            (None, Some((high, false))) => write!(f, "below {high}"),
            (None, None) => f.write_str("any number"),
        }
    }
}

/// Reads what stands behind `range:`; what follows a comma or semicolon is a remark.
pub fn read(text: &str) -> Result<Allowed, String> {
    let wrong = || {
        format!(
            "'{text}' is no range; write `// range: 0 to 1`, `above 0 to 1`, `0 to below 1`, `at least 0`, `above 0`, `at most 1` or `below 1`"
        )
    };
    let text = text.split([',', ';']).next().unwrap_or("").trim();
    let end = |text: &str| text.trim().parse::<f64>().ok().filter(|end| end.is_finite());
    let (low, high) = match text.split_once(" to ") {
        Some((low, high)) => {
            let low = match low.strip_prefix("above ") {
                Some(low) => (end(low), false),
                None => (end(low.strip_prefix("from ").unwrap_or(low)), true),
            };
            let high = match high.trim().strip_prefix("below ") {
                Some(high) => (end(high), false),
                None => (end(high), true),
            };
            (Some(low), Some(high))
        }
        None => {
            let words = [
                ("above ", true, false),
                ("at least ", true, true),
                ("below ", false, false),
                ("at most ", false, true),
            ];
            let found = words
                .iter()
                .find_map(|(word, low, closed)| Some((*low, (end(text.strip_prefix(word)?), *closed))));
            match found.ok_or_else(wrong)? {
                (true, low) => (Some(low), None),
                (false, high) => (None, Some(high)),
            }
        }
    };
    let known = |end: Option<(Option<f64>, bool)>| match end {
        None => Ok(None),
        Some((Some(value), closed)) => Ok(Some((value, closed))),
        Some((None, _)) => Err(wrong()),
    };
    let allowed = Allowed { low: known(low)?, high: known(high)? };
    match (allowed.low, allowed.high) {
        (Some((low, from)), Some((high, to))) if low > high || low == high && !(from && to) => Err(wrong()),
        _ => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_shown_and_held() {
        for (text, shown, inside, outside) in [
            ("0 to 1", "from 0 to 1", [0.0, 1.0], [-0.1, 1.5]),
            ("above 0", "above 0", [1e-9, 1e9], [0.0, -1.0]),
            ("at least 1, whole", "at least 1", [1.0, 2.0], [0.0, 0.5]),
            ("above 0 to below 1", "above 0 to below 1", [0.1, 0.9], [0.0, 1.0]),
            ("at most 0.1", "at most 0.1", [f64::from(0.1f32), -1.0], [0.2, 1.0]),
            // f32's 0.7 is below 0.7, and its 0.1 above 0.1.
            ("0 to below 0.7", "from 0 to below 0.7", [0.0, 0.6], [f64::from(0.7f32), 0.7]),
            ("above 0.1 to 0.2", "above 0.1 to 0.2", [0.15, f64::from(0.2f32)], [f64::from(0.1f32), 0.1]),
        ] {
            let allowed = read(text).expect(text);
            assert_eq!(allowed.to_string(), shown);
            assert!(inside.into_iter().all(|value| allowed.holds(value)), "{text}");
            assert!(!outside.into_iter().any(|value| allowed.holds(value)), "{text}");
        }
        for text in ["", "x", "1 to 0", "above", "0 to inf", "nan to 1", "above 1 to 1", "1 to below 1"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
