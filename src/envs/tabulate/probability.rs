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

/// The number that an f32 was written as: its shortest decimal.
pub fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
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
        assert_eq!([0.1f32, -0.001, 1.0 - 0.001, -100.0].map(decimal), [0.1, -0.001, 0.999, -100.0]);
    }
}
