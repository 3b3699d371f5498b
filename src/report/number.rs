//! Returns as people read them.

/// `value` with one decimal, and with more where one would put it on the other side of `threshold` or be off by more
/// than one per cent of the larger of the two: 0.65 beside 0.7 is not "0.7".
///
/// ```
/// use softq::report::number::beside;
///
/// assert_eq!(beside(474.96, Some(475.0)), "474.96", "475.0 would have solved it");
/// assert_eq!(beside(123.456, None), "123.5");
/// ```
pub fn beside(value: f64, threshold: Option<f64>) -> String {
    let scale = threshold.map_or(value.abs(), |threshold| threshold.abs().max(value.abs()));
    let fits = |text: &String| {
        let shown: f64 = text.parse().unwrap_or(f64::NAN);
        (shown - value).abs() <= 0.01 * scale
            && threshold.is_none_or(|threshold| (shown >= threshold) == (value >= threshold))
    };
    (1..=6).map(|digits| format!("{value:.digits$}")).find(fits).unwrap_or_else(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stays_on_its_side_of_the_threshold() {
        for (value, threshold, shown) in [
            (0.65, Some(0.7), "0.65"),
            (0.69999, Some(0.7), "0.69999"),
            (0.7, Some(0.7), "0.7"),
            (7.9, Some(8.0), "7.9"),
            (7.95, Some(8.0), "7.95"),
            (474.96, Some(475.0), "474.96"),
            (474.999_999_99, Some(475.0), "474.99999999"),
            (-100.04, Some(-100.0), "-100.04"),
            (500.0, Some(475.0), "500.0"),
            (-83.62, Some(-100.0), "-83.6"),
            (0.012_34, None, "0.0123"),
            (123.456, None, "123.5"),
            (0.0, Some(0.0), "0.0"),
            (f64::NAN, Some(1.0), "NaN"),
            (f64::INFINITY, Some(1.0), "inf"),
        ] {
            assert_eq!(beside(value, threshold), shown);
        }
        for step in 0..20_000 {
            let value = f64::from(step) * 1e-3 + 1e-9;
            let shown: f64 = beside(value, Some(9.9)).parse().unwrap();
            assert_eq!(shown >= 9.9, value >= 9.9, "{value}");
        }
    }
}
