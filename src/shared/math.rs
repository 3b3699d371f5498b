//! Twin of `shaders/shared/math.wgsl`: exp, log, sin, cos and tanh from the four operations and bit operations.
//!
//! Cephes single-precision polynomials (S. Moshier). Written operation by operation like the shader, so that both round
//! alike wherever the device's `+ - * /` are correctly rounded.

/// Operations of [`exp_f32`] within its range.
pub const EXP_OPERATIONS: u64 = 21;

/// Operations of [`log_f32`].
pub const LOG_OPERATIONS: u64 = 27;

/// `e^x`; 0 below -87, `e^88` above 88.
#[allow(clippy::excessive_precision, clippy::approx_constant, reason = "the polynomial's own constants")]
pub fn exp_f32(x: f32) -> f32 {
    if x < -87.0 {
        return 0.0;
    }
    let clamped = x.min(88.0);
    let k = (clamped * 1.44269504 + 0.5).floor();
    let r = (clamped - k * 0.693359375) + k * 2.12194440e-4;
    let mut poly = 1.9875691500e-4;
    poly = poly * r + 1.3981999507e-3;
    poly = poly * r + 8.3334519073e-3;
    poly = poly * r + 4.1665795894e-2;
    poly = poly * r + 1.6666665459e-1;
    poly = poly * r + 5.0000001201e-1;
    poly = poly * r + 1.0;
    poly = poly * r + 1.0;
    poly * f32::from_bits(((k as i32 + 127) as u32) << 23)
}

/// `ln x` for normal `x > 0`; smaller arguments count as the smallest normal number.
#[allow(clippy::excessive_precision, reason = "the polynomial's own constants")]
pub fn log_f32(x: f32) -> f32 {
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    let shifted = bits.wrapping_sub(0x3f35_04f3);
    let k = ((shifted as i32) >> 23) as f32;
    let f = f32::from_bits((shifted & 0x007f_ffff) + 0x3f35_04f3) - 1.0;
    let z = f * f;
    let mut poly = 7.0376836292e-2;
    poly = poly * f - 1.1514610310e-1;
    poly = poly * f + 1.1676998740e-1;
    poly = poly * f - 1.2420140846e-1;
    poly = poly * f + 1.4249322787e-1;
    poly = poly * f - 1.6668057665e-1;
    poly = poly * f + 2.0000714765e-1;
    poly = poly * f - 2.4999993993e-1;
    poly = poly * f + 3.3333331174e-1;
    let tail = (f * z) * poly + k * -2.12194440e-4;
    ((tail - 0.5 * z) + f) + k * 0.693359375
}

/// `e^x - 1` without the cancellation near 0.
#[allow(clippy::excessive_precision, reason = "the polynomial's own constants")]
pub fn expm1_f32(x: f32) -> f32 {
    if x.abs() > 0.35 {
        return exp_f32(x) - 1.0;
    }
    let mut poly = 1.98412698e-4;
    poly = poly * x + 1.38888889e-3;
    poly = poly * x + 8.33333333e-3;
    poly = poly * x + 4.16666667e-2;
    poly = poly * x + 1.66666667e-1;
    poly = poly * x + 5.0e-1;
    (poly * (x * x)) + x
}

/// `tanh x`.
pub fn tanh_f32(x: f32) -> f32 {
    let e = expm1_f32((2.0 * x).clamp(-40.0, 40.0));
    e / (e + 2.0)
}

/// `(sin x, cos x)` for `|x| < 8192`.
#[allow(clippy::excessive_precision, clippy::approx_constant, reason = "the polynomial's own constants")]
#[inline(always)]
pub fn sincos_f32(x: f32) -> (f32, f32) {
    let k = (x * 0.636619772 + 0.5).floor();
    let r = ((x - k * 1.5703125) - k * 4.837512969970703125e-4) - k * 7.54978995489188216e-8;
    let z = r * r;
    let sine = ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1) * z * r + r;
    let cosine =
        (((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) * z - 0.5) * z + 1.0;
    let quadrant = (k + 12_582_912.0).to_bits();
    let (s, c) = if quadrant & 1 == 1 { (cosine, sine) } else { (sine, cosine) };
    let signed = |value: f32, quadrant: u32| f32::from_bits(value.to_bits() ^ ((quadrant & 2) << 30));
    (signed(s, quadrant), signed(c, quadrant.wrapping_add(1)))
}

/// False for NaN and the infinities.
#[inline(always)]
pub fn is_finite_f32(x: f32) -> bool {
    x.to_bits() & 0x7f80_0000 != 0x7f80_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worst error of `f` against an f64 function over `points`, as (absolute, relative).
    fn worst(
        f: impl Fn(f32) -> f32,
        exact: impl Fn(f64) -> f64,
        points: impl Iterator<Item = f32>,
    ) -> (f64, f64) {
        points.fold((0.0, 0.0), |(abs, rel), x| {
            let (got, want) = (f64::from(f(x)), exact(f64::from(x)));
            let error = (got - want).abs();
            (f64::max(abs, error), f64::max(rel, error / want.abs().max(1e-30)))
        })
    }

    fn grid(low: f32, high: f32) -> impl Iterator<Item = f32> {
        (0..=200_000).map(move |i| low + (high - low) * (i as f32 / 200_000.0))
    }

    #[test]
    fn exp_is_within_2e7_relative() {
        assert!(worst(exp_f32, f64::exp, grid(-87.0, 88.0)).1 < 2e-7);
        assert_eq!(exp_f32(0.0), 1.0);
        assert_eq!(exp_f32(-100.0), 0.0);
        assert!(exp_f32(1e30).is_finite());
    }

    #[test]
    fn log_is_within_2e7_relative_away_from_one_and_6e8_absolute_near_it() {
        assert!(worst(log_f32, f64::ln, grid(2.0, 1e6)).1 < 2e-7);
        assert!(worst(log_f32, f64::ln, grid(1e-6, 0.5)).1 < 2e-7);
        assert!(worst(log_f32, f64::ln, grid(0.5, 2.0)).0 < 6e-8);
        assert_eq!(log_f32(1.0), 0.0);
        assert!(log_f32(0.0).is_finite());
    }

    #[test]
    fn expm1_and_tanh_keep_their_digits_near_zero() {
        assert!(worst(expm1_f32, f64::exp_m1, grid(-0.35, 0.35)).1 < 3e-7);
        assert!(worst(expm1_f32, f64::exp_m1, grid(-20.0, 20.0)).1 < 6e-7);
        assert!(worst(tanh_f32, f64::tanh, grid(-30.0, 30.0)).1 < 6e-7);
        assert_eq!(tanh_f32(0.0), 0.0);
    }

    #[test]
    fn sincos_is_within_one_and_a_half_ulp_of_one() {
        for (low, high) in [(-0.3, 0.3), (-4.0, 4.0), (-200.0, 200.0), (-8000.0, 8000.0)] {
            let (sine, _) = worst(|x| sincos_f32(x).0, f64::sin, grid(low, high));
            let (cosine, _) = worst(|x| sincos_f32(x).1, f64::cos, grid(low, high));
            assert!(sine < 1.8e-7 && cosine < 1.8e-7, "[{low}, {high}]: {sine:e} {cosine:e}");
        }
    }
}
