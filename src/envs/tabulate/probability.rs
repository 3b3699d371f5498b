//! From the draws that led to each outcome to probabilities and rewards as their author wrote them.

/// Cells of the unit interval that a random number can tell apart.
pub const CELLS: u32 = 1 << 23;
/// Largest denominator that a measured probability is rounded to.
const MAX_DENOMINATOR: u32 = 1000;

/// Different answers with the share of draws that lead to them, in the order of the draws.
pub fn shares<Answer: Copy + PartialEq>(points: &[(u32, Answer)]) -> Vec<(Answer, f64)> {
    let mut widths: Vec<(Answer, u32)> = Vec::new();
    let mut low = 0;
    for (index, (_, answer)) in points.iter().enumerate() {
        // An answer holds up to the first cell of the next different one.
        let high = points.get(index + 1).map_or(CELLS, |(next, _)| *next);
        match widths.iter_mut().find(|(known, _)| known == answer) {
            Some((_, width)) => *width += high - low,
            None => widths.push((*answer, high - low)),
        }
        low = high;
    }
    let measured = |width: u32| f64::from(width) / f64::from(CELLS);
    let simple: Vec<f64> = widths.iter().map(|(_, width)| simplest(measured(*width))).collect();
    // Simple fractions that are not a distribution are not what the environment had in mind.
    let whole = (simple.iter().sum::<f64>() - 1.0).abs() < 1e-12;
    let share = |(index, (answer, width)): (usize, &(Answer, u32))| {
        (*answer, if whole { simple[index] } else { measured(*width) })
    };
    widths.iter().enumerate().map(share).collect()
}

/// The fraction with the smallest denominator that a probability, known to 2^-23, may be; itself if there is none.
fn simplest(probability: f64) -> f64 {
    let fits = |denominator: u32| {
        let fraction = (probability * f64::from(denominator)).round() / f64::from(denominator);
        ((fraction - probability).abs() <= 1.5 / f64::from(CELLS)).then_some(fraction)
    };
    (1..=MAX_DENOMINATOR).find_map(fits).unwrap_or(probability)
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
        for (numerator, denominator) in [(1, 3), (2, 3), (1, 10), (7, 8), (999, 1000), (0, 1), (1, 1)] {
            let exact = f64::from(numerator) / f64::from(denominator);
            let cells = (exact * f64::from(CELLS)).round() / f64::from(CELLS);
            assert_eq!(simplest(cells), exact);
        }
        assert_eq!([0.1f32, -0.001, 1.0 - 0.001, -100.0].map(decimal), [0.1, -0.001, 0.999, -100.0]);
    }
}
