//! From the draws that led to each outcome to probabilities and rewards as their author wrote them.

/// Cells of the unit interval that a random number can tell apart.
pub const CELLS: u32 = 1 << 23;
/// Largest denominator that a measured probability is rounded to.
const MAX_DENOMINATOR: u32 = 1000;
/// Then come decimals.
const DECIMALS: [u32; 3] = [10_000, 100_000, 1_000_000];

/// Different answers with the share of random numbers that leads to them, in the order of the random numbers.
pub fn shares<Answer: Copy + PartialEq>(parts: impl Iterator<Item = (f64, Answer)>) -> Vec<(Answer, f64)> {
    let mut measured: Vec<(Answer, f64)> = Vec::new();
    for (share, answer) in parts {
        match measured.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, sum)) => *sum += share,
            None => measured.push((answer, share)),
        }
    }
    let simple: Vec<f64> = measured.iter().map(|(_, share)| simplest(*share)).collect();
    // Simple fractions that are not a distribution are not what the environment had in mind.
    if (simple.iter().sum::<f64>() - 1.0).abs() < 1e-12 {
        for ((_, share), simple) in measured.iter_mut().zip(simple) {
            *share = simple;
        }
    }
    measured
}

/// The fraction with the smallest denominator, or the shortest decimal, that a probability known to 2^-23 may be; itself if
/// there is none. What may happen is not rounded to never.
fn simplest(probability: f64) -> f64 {
    let fits = |denominator: u32| {
        let fraction = (probability * f64::from(denominator)).round() / f64::from(denominator);
        let near = (fraction - probability).abs() <= 1.5 / f64::from(CELLS);
        let extreme = fraction == 0.0 || fraction == 1.0;
        (near && (!extreme || fraction == probability)).then_some(fraction)
    };
    (1..=MAX_DENOMINATOR).chain(DECIMALS).find_map(fits).unwrap_or(probability)
}

/// Digits of a decimal that an f32 tells apart from all others.
const DIGITS: usize = 6;
/// Largest denominator of a quotient that an f32 is taken for.
const MAX_QUOTIENT: f64 = 10_000.0;

/// The number that an f32 was written as: a decimal of a few digits; else the simplest fraction within a unit in the last place, as
/// of a share of a cost, -0.01 / 12; else its shortest decimal.
pub fn written(value: f32) -> f64 {
    let text = value.to_string();
    let shortest = text.parse().unwrap_or(f64::from(value));
    let digits = text.trim_start_matches(['-', '0', '.']).chars().filter(char::is_ascii_digit).count();
    if digits <= DIGITS || value.fract() == 0.0 || !value.is_normal() {
        return shortest;
    }
    let size = f64::from(value.abs());
    let unit = f64::from(value.abs().next_up()) - size;
    // As it is rounded to, or else one calculation further away.
    let fraction = [0.5 * unit, unit].into_iter().find_map(|off| {
        let (numerator, denominator) = simplest_between(size - off, size + off);
        (denominator <= MAX_QUOTIENT).then_some(numerator / denominator)
    });
    fraction.map_or(shortest, |fraction| fraction.copysign(f64::from(value)))
}

/// Numerator and denominator of the simplest fraction from `low` to `high`, which are positive.
fn simplest_between(low: f64, high: f64) -> (f64, f64) {
    if low.ceil() <= high {
        return (low.ceil(), 1.0);
    }
    let whole = low.floor();
    let (numerator, denominator) = simplest_between(1.0 / (high - whole), 1.0 / (low - whole));
    (whole * numerator + denominator, numerator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_fractions_within_the_resolution() {
        for (numerator, denominator) in [
            (1, 3),
            (2, 3),
            (1, 10),
            (7, 8),
            (999, 1000),
            (0, 1),
            (1, 1),
            (1, 10_000),
            (9999, 10_000),
            (5, 100_000),
        ] {
            let exact = f64::from(numerator) / f64::from(denominator);
            let cells = (exact * f64::from(CELLS)).round() / f64::from(CELLS);
            assert_eq!(simplest(cells), exact);
        }
        let plain = [0.1f32, -0.001, 1.0 - 0.001, -100.0, 0.0, 12_345_678.0];
        assert_eq!(plain.map(written), [0.1, -0.001, 0.999, -100.0, 0.0, 12_345_678.0]);
    }

    #[test]
    fn shares_of_a_cost_are_what_they_are_in_f64() {
        for size in 2..=46u16 {
            let (share, exact) = (0.01 / f32::from(size), 0.01 / f64::from(size));
            for (got, want) in [(written(-share), -exact), (written(1.0 - share), 1.0 - exact)] {
                assert!((got - want).abs() < 1e-15, "{size}: {got} {want}");
            }
        }
        for odd in [f32::MIN_POSITIVE / 8.0, -std::f32::consts::PI, 16_777_217.3, 1e-30] {
            assert!((written(odd) - f64::from(odd)).abs() <= f64::from(odd.abs()) * 1e-6, "{odd}");
        }
    }
}
