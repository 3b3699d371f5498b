//! Twin of `shaders/shared/normal.wgsl`: standard normal numbers by the inverse of their distribution.

use crate::shared::math::{exp_f32, log_f32};
use crate::shared::rng::Rng;

/// `Phi^-1((word + 1/2) / 2^32)` of the next word.
///
/// ```
/// use softq::shared::normal::normal;
/// use softq::shared::rng::Rng;
///
/// // The quantiles of half and of Phi(1), then a word and its mirror image.
/// let words = [0x8000_0000, (0.841_344_75 * 4_294_967_296.0) as u32, 7, !7];
/// let mut rng = Rng { given: &words, ..Rng::new(0, 0, 0, 0) };
/// let drawn = [(); 4].map(|_| normal(&mut rng));
/// assert!(drawn[0].abs() < 1e-6 && (drawn[1] - 1.0).abs() < 1e-5);
/// assert_eq!(drawn[2], -drawn[3]);
/// ```
#[allow(clippy::excessive_precision, clippy::approx_constant, reason = "the polynomial's own constants")]
pub fn normal(rng: &mut Rng<'_>) -> f32 {
    let word = rng.u32();
    let negative = word < 0x8000_0000;
    let count = 2 * (if negative { word } else { !word }) + 1;
    let zeros = count.leading_zeros();
    let tail = ((count << zeros) >> 8) as f32 * f32::from_bits((102 - zeros) << 23);
    let mut w = -log_f32(4.0 * tail * (1.0 - tail));
    let mut poly;
    if w < 5.0 {
        w -= 2.5;
        poly = 2.81022636e-8;
        poly = poly * w + 3.43273939e-7;
        poly = poly * w - 3.5233877e-6;
        poly = poly * w - 4.39150654e-6;
        poly = poly * w + 2.1858087e-4;
        poly = poly * w - 1.25372503e-3;
        poly = poly * w - 4.17768164e-3;
        poly = poly * w + 2.46640727e-1;
        poly = poly * w + 1.50140941;
    } else {
        w = exp_f32(0.5 * log_f32(w)) - 3.0;
        poly = -2.00214257e-4;
        poly = poly * w + 1.00950558e-4;
        poly = poly * w + 1.34934322e-3;
        poly = poly * w - 3.67342844e-3;
        poly = poly * w + 5.73950773e-3;
        poly = poly * w - 7.6224613e-3;
        poly = poly * w + 9.43887047e-3;
        poly = poly * w + 1.00167406;
        poly = poly * w + 2.83297682;
    }
    let size = poly * (1.0 - 2.0 * tail) * 1.41421356;
    if negative { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(word: u32) -> f32 {
        normal(&mut Rng { given: &[word], ..Rng::new(0, 0, 0, 0) })
    }

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        // Phi(z), to 17 digits.
        for (z, phi) in [
            (-6.0, 9.865876450376946e-10),
            (-3.0, 1.3498980316300946e-3),
            (-1.0, 0.158_655_253_931_457_05),
            (-0.01, 0.496_010_643_685_368_4),
            (0.5, 0.691_462_461_274_013_1),
            (1.0, 0.841_344_746_068_542_9),
            (1.96, 0.975_002_104_851_779_5),
            (2.5, 0.993_790_334_674_224),
            (4.0, 0.999_968_328_758_166_9),
        ] {
            let got = f64::from(of((phi * 4_294_967_296.0) as u32));
            // A word is 2^-32 of probability, which at z = -6 is 0.04.
            let width = 1.0 / 4_294_967_296.0 / (f64::exp(-0.5 * z * z) / 2.506_628_274_631);
            assert!((got - z).abs() < 2.0 * width + 5e-7 * z.abs() + 2e-7, "{z}: {got}");
        }
        assert_eq!(of(7), -of(!7));
        assert!(of(0) < -6.0 && of(u32::MAX) > 6.0 && of(u32::MAX).is_finite());
        assert!(of(0x8000_0000) > 0.0 && of(0x8000_0000) < 2e-7);
    }

    #[test]
    fn mean_variance_and_fourth_moment() {
        let n = 200_000;
        let numbers: Vec<f64> = (0..n).map(|lane| f64::from(normal(&mut Rng::new(5, 0, 0, lane)))).collect();
        let moment = |power| numbers.iter().map(|x| x.powi(power)).sum::<f64>() / f64::from(n);
        // Standard errors 0.0022, 0.0032 and 0.022.
        assert!(moment(1).abs() < 0.008, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.011, "{}", moment(2));
        assert!((moment(4) - 3.0).abs() < 0.08, "{}", moment(4));
    }
}
