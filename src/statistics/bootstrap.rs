//! Percentile bootstrap intervals: draw as many samples with replacement, many times, compute the statistic of each draw, and
//! keep the middle of what comes out. The same seed gives the same interval.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::statistics::quantile;
use crate::statistics::scores::Scores;

/// Confidence of an interval where nothing else is said.
pub const CONFIDENCE: f64 = 0.95;

/// Both ends of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The middle `confidence` of the values, which are sorted for that; `None` where there are none.
    fn of(mut values: Vec<f64>, confidence: f64) -> Option<Interval> {
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - confidence) / 2.0;
        (!values.is_empty())
            .then(|| Interval { low: quantile(&values, tail), high: quantile(&values, 1.0 - tail) })
    }
}

/// Intervals of several statistics over the same resamples, stratified: for each task of each matrix on its own, runs are drawn
/// with replacement; tasks are not resampled. `statistics` is handed a resample of every matrix.
///
/// Without resamples there are no intervals.
///
/// ```
/// use softq::statistics::bootstrap::{CONFIDENCE, Interval, stratified};
/// use softq::statistics::scores::Scores;
///
/// // Runs of a task agree: nothing is uncertain, however far apart the tasks are.
/// let scores = Scores::new(&[vec![1.0, 50.0], vec![1.0, 50.0], vec![1.0, 50.0]]).expect("a matrix");
/// let mean = stratified(&[&scores], 200, CONFIDENCE, 0, |drawn| vec![drawn[0].mean()]);
/// assert_eq!(mean, [Interval { low: 25.5, high: 25.5 }]);
/// ```
pub fn stratified(
    matrices: &[&Scores],
    resamples: usize,
    confidence: f64,
    seed: u64,
    statistics: impl Fn(&[Scores]) -> Vec<f64>,
) -> Vec<Interval> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut drawn: Vec<Scores> = matrices.iter().map(|scores| (*scores).clone()).collect();
    let mut found: Vec<Vec<f64>> = Vec::new();
    for _ in 0..resamples {
        for (drawn, scores) in drawn.iter_mut().zip(matrices) {
            for (drawn, runs) in drawn.columns_mut().zip(scores.columns()) {
                drawn.fill_with(|| runs[rng.random_range(0..runs.len())]);
            }
        }
        let values = statistics(&drawn);
        found.resize_with(values.len(), || Vec::with_capacity(resamples));
        for (found, value) in found.iter_mut().zip(values) {
            found.push(value);
        }
    }
    found.into_iter().filter_map(|values| Interval::of(values, confidence)).collect()
}

/// The median of `samples` with its 95% interval, as `(low, median, high)`.
///
/// Samples that are not finite are left out; without any sample all three are NaN, and without resamples all three
/// are the median.
///
/// ```
/// let (low, median, high) = softq::statistics::bootstrap::median_band(&[1.0, 2.0, 3.0, 4.0, 100.0], 1_000, 0);
/// assert_eq!(median, 3.0);
/// assert!(low <= median && median <= high);
/// ```
pub fn median_band(samples: &[f64], resamples: usize, seed: u64) -> (f64, f64, f64) {
    let mut samples: Vec<f64> = samples.iter().copied().filter(|s| s.is_finite()).collect();
    if samples.is_empty() {
        return (f64::NAN, f64::NAN, f64::NAN);
    }
    samples.sort_by(f64::total_cmp);
    let median = quantile(&samples, 0.5);

    let mut rng = StdRng::seed_from_u64(seed);
    let mut draw = vec![0.0; samples.len()];
    let medians: Vec<f64> = (0..resamples)
        .map(|_| {
            draw.fill_with(|| samples[rng.random_range(0..samples.len())]);
            draw.sort_by(f64::total_cmp);
            quantile(&draw, 0.5)
        })
        .collect();
    match Interval::of(medians, CONFIDENCE) {
        Some(interval) => (interval.low, median, interval.high),
        None => (median, median, median),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_band_matches_the_exact_order_statistics() {
        // The median of a resample of 21 is at most the k-th value with probability P(Binomial(21, k/21) >= 11):
        // 0.018 and 0.056 for k = 6, 7; 0.944 and 0.982 for k = 14, 15. So the 95% interval runs from the 7th to
        // the 15th value.
        let samples: Vec<f64> = (1..=21).rev().map(f64::from).collect();
        assert_eq!(median_band(&samples, 20_000, 1), (7.0, 11.0, 15.0));
        // Two values: the resampled median is 0, 1/2, 1 with probability 1/4, 1/2, 1/4.
        assert_eq!(median_band(&[1.0, 0.0], 2000, 2), (0.0, 0.5, 1.0));
    }

    #[test]
    fn a_band_of_little_data() {
        assert_eq!(median_band(&[4.0; 9], 500, 0), (4.0, 4.0, 4.0));
        assert_eq!(median_band(&[f64::NAN, -3.0, f64::INFINITY], 500, 0), (-3.0, -3.0, -3.0));
        assert_eq!(median_band(&[1.0, 2.0, 9.0], 0, 0), (2.0, 2.0, 2.0));
        assert!(median_band(&[], 500, 0).1.is_nan());
        let samples = [1.0, 5.0, 2.0, 8.0, 3.0, 13.0];
        assert_eq!(median_band(&samples, 300, 7), median_band(&samples, 300, 7));
    }

    #[test]
    fn strata_do_not_mix() {
        // Runs within a task are equal, so no resample can differ, however far the tasks are apart.
        let scores = Scores::new(&[vec![1.0, 50.0], vec![1.0, 50.0], vec![1.0, 50.0]]).expect("a matrix");
        let mean = |drawn: &[Scores]| vec![drawn[0].mean(), drawn[0].median(), drawn[0].optimality_gap(40.0)];
        let intervals = stratified(&[&scores], 200, CONFIDENCE, 5, mean);
        let both = |value: f64| Interval { low: value, high: value };
        assert_eq!(intervals, [both(25.5), both(25.5), both(19.5)]);
        assert_eq!(stratified(&[&scores], 0, CONFIDENCE, 5, mean), []);
    }

    #[test]
    fn the_interval_of_a_mean_is_that_of_the_binomial() {
        // Ten runs, half of them 1: ten times the mean is Binomial(10, 1/2), whose 2.5 and 97.5 percentiles are 2 and 8.
        let rows: Vec<Vec<f64>> = (0..10).map(|run| vec![f64::from(run % 2)]).collect();
        let scores = Scores::new(&rows).expect("a matrix");
        let intervals = stratified(&[&scores], 20_000, CONFIDENCE, 1, |drawn| vec![drawn[0].mean()]);
        assert_eq!(intervals, [Interval { low: 0.2, high: 0.8 }]);
        // Half of the confidence: percentiles 25 and 75 are 4 and 6.
        let intervals = stratified(&[&scores], 20_000, 0.5, 1, |drawn| vec![drawn[0].mean()]);
        assert_eq!(intervals, [Interval { low: 0.4, high: 0.6 }]);
        // Two matrices are drawn apart: the difference of two draws of the same is not always 0.
        let apart = |drawn: &[Scores]| vec![drawn[0].mean() - drawn[1].mean()];
        let intervals = stratified(&[&scores, &scores], 5_000, CONFIDENCE, 1, apart);
        assert!(intervals[0].low <= -0.3 && intervals[0].high >= 0.3, "{intervals:?}");
    }
}
