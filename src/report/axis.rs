//! One axis of a learning curve: the range that holds the data, round tick positions and short labels. Shared by
//! the SVG, the terminal's curve and the live view so that all read the same.

/// Values beyond this are dropped as not drawable: their differences would overflow to infinity.
const LARGEST: f64 = 1e300;

/// Whether a value can be placed on an axis: finite, and far enough from overflow.
pub(super) fn drawable(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// A closed range `low < high` with ticks every `step`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// Its begin.
    pub low: f64,
    /// Its end.
    pub high: f64,
    step: f64,
}

impl Axis {
    /// The range of `values` with a little room on both sides, and about `ticks` ticks.
    pub(super) fn padded(values: impl IntoIterator<Item = f64>, ticks: usize) -> Axis {
        let (low, high) = extent(values);
        let room = 0.05 * (high - low);
        Axis::new(low - room, high + room, ticks)
    }

    /// The range of `values` widened to whole ticks, about `ticks` of them.
    pub fn snapped(values: impl IntoIterator<Item = f64>, ticks: usize) -> Axis {
        let (low, high) = extent(values);
        let step = round_step((high - low) / ticks.max(1) as f64);
        Axis { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// Environment steps: from zero to the largest of `values`.
    pub(super) fn steps(values: impl IntoIterator<Item = f64>, ticks: usize) -> Axis {
        Axis::new(0.0, values.into_iter().fold(0.0, f64::max).max(10.0), ticks)
    }

    fn new(low: f64, high: f64, ticks: usize) -> Axis {
        Axis { low, high, step: round_step((high - low) / ticks.max(1) as f64) }
    }

    /// Multiples of the step inside the range.
    pub fn ticks(&self) -> Vec<f64> {
        // A hair of slack keeps an end that is itself a tick, whatever its rounding.
        let first = (self.low / self.step - 1e-6).ceil();
        let last = (self.high / self.step + 1e-6).floor();
        (0..=(last - first).max(0.0) as usize).map(|i| (first + i as f64) * self.step).collect()
    }

    /// Where `value` lies, 0 at the low end and 1 at the high end.
    pub(super) fn fraction(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// A short label: "250k", "-1.5M", "0.25". One unit serves the whole axis, so neighbours compare at a glance.
    pub fn label(&self, value: f64) -> String {
        let largest = self.low.abs().max(self.high.abs());
        if largest >= 1e15 {
            return if value.abs() < self.step * 1e-3 { "0".to_owned() } else { format!("{value:.2e}") };
        }
        let (unit, suffix) = match largest {
            l if l >= 2e9 => (1e9, "G"),
            l if l >= 2e6 => (1e6, "M"),
            l if l >= 1e4 => (1e3, "k"),
            _ => (1.0, ""),
        };
        // One digit more than the step needs, because the threshold need not lie on a tick.
        let decimals = (1.0 - (self.step / unit).log10().floor()).clamp(0.0, 12.0) as usize;
        let digits = format!("{:.decimals$}", value / unit);
        let digits = if decimals > 0 { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
        match digits {
            "0" | "-0" => "0".to_owned(),
            digits => format!("{digits}{suffix}"),
        }
    }
}

/// Smallest and largest drawable value, kept apart when all values agree and `0..1` when there are none.
fn extent(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .into_iter()
        .filter(|v| drawable(*v))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    // Differences near the resolution of an f64 are noise, and ticks between them would not be distinct numbers.
    let magnitude = low.abs().max(high.abs());
    if high - low > (1e-6 * magnitude).max(1e-6) {
        return (low, high);
    }
    let half = (0.1 * magnitude).max(0.5);
    (low - half, high + half)
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= rough * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = Axis::padded([9.0, 500.0], 6);
        assert_eq!(axis.ticks(), [0.0, 100.0, 200.0, 300.0, 400.0, 500.0]);
        let axis = Axis::snapped([9.0, 500.0], 5);
        assert_eq!((axis.low, axis.high), (0.0, 500.0));
        let axis = Axis::steps([50_000.0], 5);
        assert_eq!(axis.ticks().last(), Some(&50_000.0));
    }

    #[test]
    fn labels_share_one_unit() {
        let axis = Axis::steps([100_000.0], 4);
        let labels: Vec<String> = axis.ticks().into_iter().map(|v| axis.label(v)).collect();
        assert_eq!(labels, ["0", "50k", "100k"]);
        let axis = Axis::padded([-0.3, 0.3], 6);
        assert_eq!(axis.label(-0.1), "-0.1");
        assert_eq!(axis.label(-0.0), "0");
        assert_eq!(Axis::padded([0.0, 500.0], 5).label(475.0), "475");
        assert_eq!(Axis::padded([-1600.0, -100.0], 5).label(-1500.0), "-1500");
    }

    #[test]
    fn degenerate_data_still_gives_a_range() {
        let cases: [&[f64]; 8] = [
            &[],
            &[f64::NAN],
            &[f64::INFINITY, f64::MAX],
            &[0.0],
            &[1e15, 1e15 + 0.125],
            &[-1e300, 1e300],
            &[1e-310],
            &[-5.0, -5.0, -5.0],
        ];
        for values in cases {
            for axis in [Axis::padded(values.iter().copied(), 6), Axis::snapped(values.iter().copied(), 6)] {
                let ticks = axis.ticks();
                assert!(axis.low < axis.high && (axis.high - axis.low).is_finite(), "{values:?}: {axis:?}");
                assert!((2..=14).contains(&ticks.len()), "{values:?}: {ticks:?}");
                assert!(ticks.iter().all(|t| axis.label(*t).len() < 14), "{values:?}: {axis:?}");
            }
        }
    }
}
