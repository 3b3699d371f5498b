//! Twin of `shaders/shared/angle.wgsl`: angles modulo whole turns.

use std::f32::consts::{PI, TAU};

/// The angle in `[-pi, pi]`, up to rounding, that differs from `x` by whole turns, for `|x| < 100_000`.
#[inline(always)]
pub fn wrap_angle(x: f32) -> f32 {
    let turns = (x * 0.159_154_94 + 0.5).floor();
    let angle = (x - turns * 6.28125) - turns * 1.935_307_2e-3;
    let lowered = if angle > PI { angle - TAU } else { angle };
    if angle < -PI { angle + TAU } else { lowered }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_angles_keep_their_digits_over_many_turns() {
        let turn = std::f64::consts::TAU;
        for reach in [4.0, 1000.0, 90_000.0] {
            for i in -100_000..=100_000 {
                let x = reach * (i as f32 / 100_000.0);
                let (got, exact) = (f64::from(wrap_angle(x)), f64::from(x));
                let turns = ((exact - got) / turn).round();
                assert!(got.abs() <= turn / 2.0 + 1e-6, "{x}: {got}");
                let error = (exact - turns * turn - got).abs();
                assert!(error < 3e-7 + 2e-10 * turns.abs(), "{x}: {error:e}");
            }
        }
        assert_eq!(wrap_angle(3.0), 3.0);
        assert_eq!(wrap_angle(-3.0), -3.0);
    }
}
