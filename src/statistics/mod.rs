//! Statistics over runs, after Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (2021):
//! point estimates of a matrix of scores ([`scores::Scores`]) and bootstrap intervals of them ([`bootstrap`]).
//!
//! Plain numbers in f64 on the host, which use no other part of this crate. The definitions are those of rliable 1.2, whose
//! recorded numbers `softq verify --conformance` compares.
//!
//! ```
//! use softq::statistics::bootstrap::{CONFIDENCE, stratified};
//! use softq::statistics::scores::Scores;
//!
//! // Five runs of two tasks, normalised.
//! let rows = vec![vec![0.9, 0.2], vec![1.0, 0.3], vec![0.8, 0.1], vec![0.9, 0.2], vec![1.0, 0.9]];
//! let scores = Scores::new(&rows).expect("a matrix");
//! let interval = stratified(&[&scores], 2_000, CONFIDENCE, 0, |drawn| vec![drawn[0].iqm()])[0];
//! assert!(interval.low <= scores.iqm() && scores.iqm() <= interval.high);
//! ```

pub mod bootstrap;
pub mod scores;

/// Quantile of sorted values, linear between neighbours (type 7 of Hyndman and Fan, the default of NumPy).
///
/// Panics where there are no values.
///
/// ```
/// use softq::statistics::quantile;
///
/// let sorted = [1.0, 2.0, 4.0, 8.0];
/// assert_eq!([0.0, 0.5, 1.0].map(|q| quantile(&sorted, q)), [1.0, 3.0, 8.0]);
/// ```
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    // Halves are exact here, and the form cannot overflow as `above - below` could.
    let weight = position.fract();
    below * (1.0 - weight) + above * weight
}

/// Arithmetic mean.
///
/// ```
/// assert_eq!(softq::statistics::mean(&[1.0, 2.0, 6.0]), 3.0);
/// ```
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
