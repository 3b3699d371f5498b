//! Comparing two outputs word by word: worst absolute, relative and ULP error, where it is, and whether it is allowed.
//!
//! Non-finite values are told apart by their bits: NaN equals NaN, an infinity equals itself, and either is infinitely far
//! from everything else. The relative error is taken against the larger of the wanted value and 1/1000 of the largest
//! value of the same output (of the same field, for structs), because the digits of a sum that cancels to almost nothing mean nothing.
//!
//! ```
//! use softq::shared::layout::Scalar;
//! use softq::verify::compare::{Comparison, Difference, Tolerance, compare};
//!
//! let [got, want] = [[1.0f32, 2.0, 3.5], [1.0, 2.0, 3.0]].map(|values| values.map(f32::to_bits));
//! let exact: Comparison = compare(&got, &want, &[Scalar::F32], Tolerance::EXACT);
//! assert_eq!((exact.words, exact.failing, exact.abs), (3, 1, 0.5));
//! assert_eq!(exact.worst, Some(Difference { index: 2, got: got[2], want: want[2] }));
//! assert!(compare(&got, &want, &[Scalar::F32], Tolerance { abs: 0.5, rel: 0.0 }).passed());
//! ```

use crate::shared::layout::Scalar;
use crate::shared::math::is_finite_f32;

/// Allowed difference: `abs + rel * |want|`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Absolute part.
    pub abs: f64,
    /// Part relative to the wanted value.
    pub rel: f64,
}

impl Tolerance {
    /// No difference at all.
    pub const EXACT: Tolerance = Tolerance { abs: 0.0, rel: 0.0 };

    /// Whether `got` may stand for `want`.
    pub fn allows(&self, got: f32, want: f32) -> bool {
        same(got, want)
            || error(got, f64::from(want)) <= self.abs + self.rel * f64::from(want).abs()
                && is_finite_f32(want)
    }
}

/// The worst difference of a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Word index.
    pub index: usize,
    /// Word on the side under test.
    pub got: u32,
    /// Word of the reference.
    pub want: u32,
}

/// Result of [`compare`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Words compared.
    pub words: usize,
    /// Words whose bits differ.
    pub differing: usize,
    /// Words beyond the tolerance.
    pub failing: usize,
    /// Largest absolute error.
    pub abs: f64,
    /// Largest relative error.
    pub rel: f64,
    /// Largest distance in units in the last place.
    pub ulp: u64,
    /// Where the error is worst: among the failing words if there are any, else among the differing ones.
    pub worst: Option<Difference>,
}

impl Comparison {
    /// Whether every word is within the tolerance.
    pub fn passed(&self) -> bool {
        self.failing == 0
    }
}

/// Compares `got` with `want`, floats within `tolerance` and integers bit by bit. `scalars` are the types of the words of
/// one element, repeated over the slice. A length difference fails every missing word.
pub fn compare(got: &[u32], want: &[u32], scalars: &[Scalar], tolerance: Tolerance) -> Comparison {
    let missing = got.len().abs_diff(want.len());
    let mut result = Comparison {
        words: got.len().max(want.len()),
        differing: missing,
        failing: missing,
        ..Comparison::default()
    };
    let floors = floors(want, scalars);
    let mut worst = (false, -1.0);
    for (index, (got, want)) in got.iter().zip(want).enumerate() {
        let field = index % scalars.len();
        let Some(difference) = differ(*got, *want, scalars[field], floors[field]) else { continue };
        let allowed =
            scalars[field] == Scalar::F32 && tolerance.allows(f32::from_bits(*got), f32::from_bits(*want));
        result.differing += 1;
        result.failing += usize::from(!allowed);
        result.abs = result.abs.max(difference.abs);
        result.rel = result.rel.max(difference.rel);
        result.ulp = result.ulp.max(difference.ulp);
        if (!allowed, difference.abs) > worst {
            worst = (!allowed, difference.abs);
            result.worst = Some(Difference { index, got: *got, want: *want });
        }
    }
    result
}

/// Size of one difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Absolute.
    pub abs: f64,
    /// Relative.
    pub rel: f64,
    /// Units in the last place; 1 per unit for integers.
    pub ulp: u64,
}

/// How far two words are apart; `None` where they are the same.
///
/// ```
/// use softq::shared::layout::Scalar;
/// use softq::verify::compare::{Size, differ, ulp_distance};
///
/// let apart = |got: f32, want: f32| differ(got.to_bits(), want.to_bits(), Scalar::F32, 0.0);
/// assert_eq!(apart(2.5, 2.0), Some(Size { abs: 0.5, rel: 0.25, ulp: ulp_distance(2.5, 2.0) }));
/// assert_eq!(ulp_distance(2.5, 2.0), 1 << 21);
/// // Both zeros are the same number, and NaN is far from every number.
/// assert_eq!(apart(-0.0, 0.0), None);
/// assert!(apart(f32::NAN, 0.0).is_some_and(|size| size.abs == f64::INFINITY));
/// ```
pub fn differ(got: u32, want: u32, scalar: Scalar, floor: f64) -> Option<Size> {
    if got == want {
        return None;
    }
    match scalar {
        Scalar::F32 => {
            let (got, want) = (f32::from_bits(got), f32::from_bits(want));
            if same(got, want) {
                return None;
            }
            let abs = error(got, f64::from(want));
            Some(Size { abs, rel: relative(abs, f64::from(want), floor), ulp: ulp_distance(got, want) })
        }
        Scalar::U32 => {
            let distance = got.abs_diff(want);
            let abs = f64::from(distance);
            Some(Size { abs, rel: abs / f64::from(want.max(1)), ulp: u64::from(distance) })
        }
    }
}

/// 1/1000 of the largest finite magnitude of each field of an element.
///
/// ```
/// use softq::shared::layout::Scalar;
/// use softq::verify::compare::{floor_of, floors, relative};
///
/// // Elements of two fields: (8, 2000) and (0, 1).
/// let words = [8.0f32, 2000.0, 0.0, 1.0].map(f32::to_bits);
/// assert_eq!(floors(&words, &[Scalar::F32; 2]), [0.008, 2.0]);
/// assert_eq!(floor_of([8.0, f64::NAN].into_iter()), 0.008);
/// // An error of 1 is never put against less than the floor.
/// assert_eq!([relative(1.0, 4.0, 2.0), relative(1.0, 0.0, 2.0)], [0.25, 0.5]);
/// ```
pub fn floors(words: &[u32], scalars: &[Scalar]) -> Vec<f64> {
    (0..scalars.len())
        .map(|field| {
            let values = words.iter().skip(field).step_by(scalars.len());
            floor_of(values.map(|word| f64::from(f32::from_bits(*word))))
        })
        .collect()
}

/// Absolute error; infinite when `got` is not a finite number.
pub fn error(got: f32, want: f64) -> f64 {
    if is_finite_f32(got) && want.is_finite() { (f64::from(got) - want).abs() } else { f64::INFINITY }
}

/// `abs` relative to `want`, but never to less than `floor`.
pub fn relative(abs: f64, want: f64, floor: f64) -> f64 {
    if abs == 0.0 { 0.0 } else { abs / want.abs().max(floor).max(f64::MIN_POSITIVE) }
}

/// 1/1000 of the largest finite magnitude.
pub fn floor_of(values: impl Iterator<Item = f64>) -> f64 {
    values.filter(|value| value.is_finite()).fold(0.0, |top, value| f64::max(top, value.abs())) * 1e-3
}

/// Representable numbers between two values; both zeros count as one.
pub fn ulp_distance(a: f32, b: f32) -> u64 {
    let ordered = |x: f32| {
        let magnitude = i64::from(x.to_bits() & 0x7fff_ffff);
        if x.is_sign_negative() { -magnitude } else { magnitude }
    };
    ordered(a).abs_diff(ordered(b))
}

/// Equal as numbers, or the same kind of non-number.
fn same(got: f32, want: f32) -> bool {
    got.to_bits() == want.to_bits() || is_nan(got) && is_nan(want) || got == want && is_finite_f32(got)
}

fn is_nan(x: f32) -> bool {
    x.to_bits() & 0x7fff_ffff > 0x7f80_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn reports_index_values_and_worst_errors() {
        let got = bits(&[1.0, 2.0, 3.5, 4.0]);
        let want = bits(&[1.0, 2.0 + 2.4e-7, 3.0, 4.0]);
        let result = compare(&got, &want, &[Scalar::F32], Tolerance { abs: 0.0, rel: 1e-6 });
        assert_eq!((result.words, result.differing, result.failing), (4, 2, 1));
        assert_eq!(result.abs, 0.5);
        let worst = result.worst.expect("a difference");
        assert_eq!((worst.index, f32::from_bits(worst.got), f32::from_bits(worst.want)), (2, 3.5, 3.0));
        assert!(compare(&got, &want, &[Scalar::F32], Tolerance { abs: 0.5, rel: 0.0 }).passed());
        assert!(!compare(&got, &want[..3], &[Scalar::F32], Tolerance { abs: 9.0, rel: 0.0 }).passed());
    }

    #[test]
    fn nan_and_infinity_never_pass_for_a_number() {
        let loose = Tolerance { abs: 1e30, rel: 1e30 };
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(!compare(&bits(&[bad]), &bits(&[1.0]), &[Scalar::F32], loose).passed(), "{bad}");
            assert!(!compare(&bits(&[1.0]), &bits(&[bad]), &[Scalar::F32], loose).passed(), "{bad}");
            assert!(
                compare(&bits(&[bad]), &bits(&[bad]), &[Scalar::F32], Tolerance::EXACT).passed(),
                "{bad}"
            );
        }
        assert!(!compare(&bits(&[f32::NAN]), &bits(&[f32::INFINITY]), &[Scalar::F32], loose).passed());
        assert!(compare(&[0x7fc0_0001], &[0xffc0_0000], &[Scalar::F32], Tolerance::EXACT).passed());
        assert!(!compare(&[0x7fc0_0001], &[0xffc0_0000], &[Scalar::U32], loose).passed());
    }

    #[test]
    fn ulp_counts_across_zero() {
        assert_eq!(ulp_distance(1.0, 1.0 + f32::EPSILON), 1);
        assert_eq!(ulp_distance(-0.0, 0.0), 0);
        assert_eq!(ulp_distance(-f32::from_bits(1), f32::from_bits(2)), 3);
    }
}
