//! WGSL's conversions and functions on scalars known within bounds.

use naga::{BinaryOperator as Binary, MathFunction as Math, ScalarKind};

use super::operators::binary;
use super::value::{Range, Scalar};

/// A conversion, `convert`, or the same bits read as another type.
pub fn cast(a: Scalar, kind: ScalarKind, convert: bool) -> Option<Scalar> {
    let range = match (a.range, kind) {
        (Range::Float(..) | Range::AnyFloat, ScalarKind::Float)
        | (Range::Int(..), ScalarKind::Sint)
        | (Range::Uint(..), ScalarKind::Uint)
        | (Range::Bool(..), ScalarKind::Bool) => return Some(a),
        (Range::Int(low, high) | Range::Uint(low, high), ScalarKind::Float) if convert => {
            Range::Float(low as f32, high as f32)
        }
        (Range::Float(low, high), ScalarKind::Sint) if convert => {
            Range::Int((low as i32).into(), (high as i32).into())
        }
        (Range::Float(low, high), ScalarKind::Uint) if convert => {
            Range::Uint((low as u32).into(), (high as u32).into())
        }
        (Range::Bool(yes, no), _) if convert => {
            let (low, high) = (i64::from(!no), i64::from(yes));
            match kind {
                ScalarKind::Float => Range::Float(low as f32, high as f32),
                ScalarKind::Sint => Range::Int(low, high),
                _ => Range::Uint(low, high),
            }
        }
        (Range::Int(low, high) | Range::Uint(low, high), ScalarKind::Bool) => {
            Range::Bool(low != 0 || high != 0, low <= 0 && high >= 0)
        }
        (Range::Int(low, high), ScalarKind::Uint) => Range::integer(false, low.into(), high.into()),
        (Range::Uint(low, high), ScalarKind::Sint) => Range::integer(true, low.into(), high.into()),
        // The bits of positive numbers are in their order.
        (Range::Float(low, high), ScalarKind::Uint | ScalarKind::Sint)
            if low > 0.0 || low.to_bits() == high.to_bits() =>
        {
            let signed = kind == ScalarKind::Sint;
            Range::integer(signed, low.to_bits().into(), high.to_bits().into())
        }
        (Range::Float(..) | Range::AnyFloat, ScalarKind::Uint) => Range::Uint(0, u32::MAX.into()),
        (Range::Float(..) | Range::AnyFloat, ScalarKind::Sint) => {
            Range::Int(i32::MIN.into(), i32::MAX.into())
        }
        (Range::Int(low, high) | Range::Uint(low, high), ScalarKind::Float) => {
            let (low, high) = (f32::from_bits(low as u32), f32::from_bits(high as u32));
            if low > 0.0 && high >= low && high.is_finite() || low.to_bits() == high.to_bits() {
                Range::floats(&[low, high])
            } else {
                Range::AnyFloat
            }
        }
        _ => return None,
    };
    Some(Scalar::new(range, a.from))
}

/// A function of scalars; `None` where there are no bounds for it here.
pub fn math(fun: Math, args: &[Scalar]) -> Option<Scalar> {
    let from = args.iter().fold(0, |from, arg| from | arg.from);
    let [a, rest @ ..] = args else { return None };
    let two = |op: Binary, a: Scalar, b: Scalar| binary(op, a, b);
    let range = match (fun, a.range, rest) {
        (Math::Min | Math::Max, _, [b]) => extreme(fun == Math::Min, a.range, b.range)?,
        (Math::Clamp, _, [low, high]) => extreme(true, extreme(false, a.range, low.range)?, high.range)?,
        (Math::Saturate, range, []) => {
            extreme(true, extreme(false, range, Range::Float(0.0, 0.0))?, Range::Float(1.0, 1.0))?
        }
        (Math::Abs, Range::Float(low, high), []) if low <= 0.0 && high >= 0.0 => {
            Range::Float(0.0, (-low).max(high))
        }
        (Math::Abs, Range::Float(low, high), []) => Range::floats(&[low.abs(), high.abs()]),
        (Math::Abs, Range::Int(low, high), []) if low <= 0 && high >= 0 => {
            Range::integer(true, 0, i128::from((-low).max(high)))
        }
        (Math::Abs, Range::Int(low, high), []) => {
            let (low, high) = (i128::from(low.abs()), i128::from(high.abs()));
            Range::integer(true, low.min(high), low.max(high))
        }
        (Math::Abs, Range::Uint(..), []) => a.range,
        (Math::Fract, Range::Float(low, high), []) if low.floor() == high.floor() => {
            Range::floats(&[low - low.floor(), high - high.floor()])
        }
        (Math::Fract, Range::Float(..), []) => Range::Float(0.0, 1.0),
        (Math::Step, _, [x]) => {
            let above = two(Binary::GreaterEqual, *x, *a)?;
            return cast(above, ScalarKind::Float, true);
        }
        (Math::Mix, _, [b, share]) => {
            let kept = two(Binary::Subtract, Scalar::float(1.0), *share)?;
            return two(Binary::Add, two(Binary::Multiply, *a, kept)?, two(Binary::Multiply, *b, *share)?);
        }
        (Math::Fma, _, [b, c]) => return two(Binary::Add, two(Binary::Multiply, *a, *b)?, *c),
        (_, Range::Float(low, high), []) => match monotone(fun) {
            Some(f) => Range::floats(&[f(low), f(high)]),
            None if low.to_bits() == high.to_bits() => Range::floats(&[wavy(fun)?(low)]),
            None => {
                wavy(fun)?;
                Range::AnyFloat
            }
        },
        (_, Range::AnyFloat, []) => {
            monotone(fun).or(wavy(fun))?;
            Range::AnyFloat
        }
        (Math::Pow, Range::Float(base, _), [exponent]) if a.range.is_known() => match exponent.range {
            Range::Float(power, _) if exponent.range.is_known() => Range::floats(&[base.powf(power)]),
            _ => Range::AnyFloat,
        },
        (Math::Pow | Math::Atan2, _, [_]) => Range::AnyFloat,
        (Math::Sign, Range::Int(low, high), []) => Range::Int(low.signum(), high.signum()),
        (Math::CountOneBits, Range::Uint(low, high), []) if low == high => {
            let count = i64::from((low as u32).count_ones());
            Range::Uint(count, count)
        }
        (Math::CountOneBits, Range::Uint(..), []) => Range::Uint(0, 32),
        _ => return None,
    };
    Some(Scalar::new(range, from))
}

fn extreme(least: bool, a: Range, b: Range) -> Option<Range> {
    let float = |a: f32, b: f32| if a.total_cmp(&b).is_lt() == least { a } else { b };
    let integer = |a: i64, b: i64| if least { a.min(b) } else { a.max(b) };
    Some(match (a, b) {
        (Range::Float(a, c), Range::Float(b, d)) => Range::Float(float(a, b), float(c, d)),
        (Range::Int(a, c), Range::Int(b, d)) => Range::Int(integer(a, b), integer(c, d)),
        (Range::Uint(a, c), Range::Uint(b, d)) => Range::Uint(integer(a, b), integer(c, d)),
        (Range::AnyFloat, _) | (_, Range::AnyFloat) => Range::AnyFloat,
        _ => return None,
    })
}

/// Functions that never fall.
fn monotone(fun: Math) -> Option<fn(f32) -> f32> {
    Some(match fun {
        Math::Floor => f32::floor,
        Math::Ceil => f32::ceil,
        Math::Trunc => f32::trunc,
        Math::Round => f32::round_ties_even,
        Math::Sqrt => f32::sqrt,
        Math::Exp => f32::exp,
        Math::Exp2 => f32::exp2,
        Math::Log => f32::ln,
        Math::Log2 => f32::log2,
        Math::Tanh => f32::tanh,
        Math::Atan => f32::atan,
        Math::Sign => |x| if x == 0.0 { 0.0 } else { x.signum() },
        _ => return None,
    })
}

/// Functions that rise and fall.
fn wavy(fun: Math) -> Option<fn(f32) -> f32> {
    Some(match fun {
        Math::Sin => f32::sin,
        Math::Cos => f32::cos,
        Math::Tan => f32::tan,
        Math::InverseSqrt => |x| 1.0 / x.sqrt(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_wrap_and_conversions_saturate() {
        let minus_one = binary(Binary::Subtract, Scalar::uint(0), Scalar::uint(1)).expect("a value");
        assert_eq!(minus_one.word(), Some(u32::MAX));
        let halves = Scalar::new(Range::Float(0.25, 0.75), 1);
        let tripled = binary(Binary::Multiply, halves, Scalar::float(3.0)).expect("bounds");
        let index = cast(tripled, ScalarKind::Uint, true).expect("bounds");
        assert_eq!((index.range, index.from), (Range::Uint(0, 2), 1));
        let below = cast(Scalar::float(-3.5), ScalarKind::Uint, true).expect("a value");
        assert_eq!(below.word(), Some(0));
    }
}
