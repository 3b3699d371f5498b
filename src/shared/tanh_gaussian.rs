//! Twin of `shaders/shared/tanh_gaussian.wgsl`: a Gaussian squashed by tanh, dimension by dimension.
//!
//! ```
//! use softq::shared::tanh_gaussian::{LogStd, log_slope, log_slope_slope, one_minus_tanh2};
//!
//! // From a network's output to ln sigma: cut, or squashed.
//! let cut = LogStd { low: -5.0, high: 2.0, squashed: 0 };
//! assert_eq!((cut.of(3.0), cut.slope(3.0)), (2.0, 0.0));
//! let squashed = LogStd { squashed: 1, ..cut };
//! assert_eq!((squashed.of(0.0), squashed.slope(0.0)), (-1.5, 3.5));
//!
//! // The density of tanh u is that of u, over the slope of tanh.
//! let u = 0.5f32;
//! assert!((one_minus_tanh2(u) - (1.0 - u.tanh().powi(2))).abs() < 1e-6);
//! assert!((log_slope(u, 1.0, 0.0) - one_minus_tanh2(u).ln()).abs() < 1e-5);
//! assert!((log_slope_slope(u, 1.0, 0.0) + 2.0 * u.tanh()).abs() < 1e-5);
//! // Where tanh u is 1 to the last bit, its logarithm is still there.
//! assert!((log_slope(40.0, 1.0, 0.0) - (4f32.ln() - 80.0)).abs() < 1e-4);
//! ```

use crate::shared::math::{exp_f32, log_f32, tanh_f32};

const LN_2: f32 = std::f32::consts::LN_2;

/// `ln(2 pi) / 2`
pub const HALF_LN_TAU: f32 = 0.918_938_5;

/// Where `ln sigma` may lie, and how a network's output gets there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogStd {
    /// Smallest.
    pub low: f32,
    /// Largest.
    pub high: f32,
    /// 1: squashed by tanh, 0: clamped.
    pub squashed: u32,
}

impl LogStd {
    /// `ln sigma` of a network's output.
    pub fn of(self, raw: f32) -> f32 {
        if self.squashed == 1 {
            return self.low + 0.5 * (self.high - self.low) * (tanh_f32(raw) + 1.0);
        }
        raw.max(self.low).min(self.high)
    }

    /// The slope of [`LogStd::of`].
    pub fn slope(self, raw: f32) -> f32 {
        if self.squashed == 1 {
            return 0.5 * (self.high - self.low) * one_minus_tanh2(raw);
        }
        if raw >= self.low && raw <= self.high { 1.0 } else { 0.0 }
    }
}

/// `1 - tanh^2 u` without cancellation.
pub fn one_minus_tanh2(u: f32) -> f32 {
    let e = exp_f32(-2.0 * u.abs());
    let sum = 1.0 + e;
    4.0 * e / (sum * sum)
}

/// `ln(scale (1 - tanh^2 u) + floor)`
pub fn log_slope(u: f32, scale: f32, floor: f32) -> f32 {
    if floor > 0.0 {
        return log_f32(scale * one_minus_tanh2(u) + floor);
    }
    let e = exp_f32(-2.0 * u.abs());
    log_f32(scale) + 2.0 * (LN_2 - (u.abs() + log_f32(1.0 + e)))
}

/// The slope of [`log_slope`] along `u`.
pub fn log_slope_slope(u: f32, scale: f32, floor: f32) -> f32 {
    let slope = -2.0 * tanh_f32(u);
    if floor > 0.0 {
        let width = scale * one_minus_tanh2(u);
        return slope * (width / (width + floor));
    }
    slope
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_keep_their_digits_where_tanh_saturates() {
        for u in [-40.0f32, -12.0, -3.0, -1e-4, 0.0, 0.5, 9.0, 43.0] {
            let exact = |floor: f64| {
                let sech = 1.0 / f64::from(u).cosh();
                (2.0 * sech * sech + floor).ln()
            };
            for floor in [0.0f32, 1e-6] {
                let (got, want) = (f64::from(log_slope(u, 2.0, floor)), exact(f64::from(floor)));
                assert!((got - want).abs() <= 1e-6 * want.abs().max(1.0), "{u} {floor}: {got} {want}");
                let near = |u: f64| {
                    let sech = 1.0 / u.cosh();
                    (2.0 * sech * sech + f64::from(floor)).ln()
                };
                let h = 1e-4;
                let slope = (near(f64::from(u) + h) - near(f64::from(u) - h)) / (2.0 * h);
                let got = f64::from(log_slope_slope(u, 2.0, floor));
                assert!((got - slope).abs() < 2e-6, "{u} {floor}: {got} {slope}");
            }
        }
    }

    #[test]
    fn deviations_stay_in_their_range() {
        for squashed in [0, 1] {
            let range = LogStd { low: -5.0, high: 2.0, squashed };
            for raw in [-100.0f32, -5.0, -1.0, 0.0, 1.9, 50.0] {
                assert!((-5.0..=2.0).contains(&range.of(raw)), "{raw}");
            }
        }
        assert_eq!(LogStd { low: -5.0, high: 2.0, squashed: 0 }.slope(2.5), 0.0);
    }
}
