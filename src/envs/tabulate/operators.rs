//! WGSL's operators on scalars known within bounds: the result's bounds hold whatever the operands are.
//!
//! Rounding to f32 is monotone, so the rounded bounds of an operation bound its rounded results.

use naga::{BinaryOperator as Binary, UnaryOperator as Unary};

use super::value::{Range, Scalar};

/// A unary operator.
pub fn unary(op: Unary, a: Scalar) -> Option<Scalar> {
    let range = match (op, a.range) {
        (Unary::Negate, Range::Float(low, high)) => Range::Float(-high, -low),
        (Unary::Negate, Range::AnyFloat) => Range::AnyFloat,
        (Unary::Negate, Range::Int(low, high)) => Range::integer(true, -i128::from(high), -i128::from(low)),
        (Unary::LogicalNot, Range::Bool(yes, no)) => Range::Bool(no, yes),
        (Unary::BitwiseNot, Range::Int(low, high)) => Range::Int(!high, !low),
        (Unary::BitwiseNot, Range::Uint(low, high)) => {
            Range::Uint(i64::from(u32::MAX) - high, i64::from(u32::MAX) - low)
        }
        _ => return None,
    };
    Some(Scalar::new(range, a.from))
}

/// A binary operator.
pub fn binary(op: Binary, a: Scalar, b: Scalar) -> Option<Scalar> {
    let from = a.from | b.from;
    let range = match (a.range, b.range) {
        (Range::Bool(a_yes, a_no), Range::Bool(b_yes, b_no)) => truth(op, (a_yes, a_no), (b_yes, b_no))?,
        (Range::Float(a_low, a_high), Range::Float(b_low, b_high)) => {
            float(op, (a_low, a_high), (b_low, b_high))?
        }
        (Range::AnyFloat, _) | (Range::Float(..), Range::AnyFloat) => match op {
            Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Modulo => {
                Range::AnyFloat
            }
            _ => Range::Bool(true, true),
        },
        (Range::Int(a_low, a_high), Range::Int(b_low, b_high)) => {
            integer(op, true, (a_low, a_high), (b_low, b_high))?
        }
        // The right side of a shift is a u32.
        (Range::Int(a_low, a_high), Range::Uint(b_low, b_high)) => {
            integer(op, true, (a_low, a_high), (b_low, b_high))?
        }
        (Range::Uint(a_low, a_high), Range::Uint(b_low, b_high)) => {
            integer(op, false, (a_low, a_high), (b_low, b_high))?
        }
        _ => return None,
    };
    Some(Scalar::new(range, from))
}

fn truth(op: Binary, a: (bool, bool), b: (bool, bool)) -> Option<Range> {
    let (mut yes, mut no) = (false, false);
    for (x, may) in [(true, a.0), (false, a.1)] {
        for (y, might) in [(true, b.0), (false, b.1)] {
            let result = match op {
                Binary::And | Binary::LogicalAnd => x && y,
                Binary::InclusiveOr | Binary::LogicalOr => x || y,
                Binary::Equal => x == y,
                Binary::NotEqual => x != y,
                _ => return None,
            };
            yes |= may && might && result;
            no |= may && might && !result;
        }
    }
    Some(Range::Bool(yes, no))
}

/// A comparison, of bounds in one order.
fn compare<T: PartialOrd>(op: Binary, a: (T, T), b: (T, T)) -> Option<Range> {
    let one = a.0 == a.1 && b.0 == b.1 && a.0 == b.0;
    let apart = a.1 < b.0 || b.1 < a.0;
    Some(match op {
        Binary::Equal => Range::Bool(!apart, !one),
        Binary::NotEqual => Range::Bool(!one, !apart),
        Binary::Less => Range::Bool(a.0 < b.1, a.1 >= b.0),
        Binary::LessEqual => Range::Bool(a.0 <= b.1, a.1 > b.0),
        Binary::Greater => Range::Bool(a.1 > b.0, a.0 <= b.1),
        Binary::GreaterEqual => Range::Bool(a.1 >= b.0, a.0 < b.1),
        _ => return None,
    })
}

fn float(op: Binary, a: (f32, f32), b: (f32, f32)) -> Option<Range> {
    let known = a.0.to_bits() == a.1.to_bits() && b.0.to_bits() == b.1.to_bits();
    let around_zero = b.0 <= 0.0 && b.1 >= 0.0;
    Some(match op {
        Binary::Add => Range::floats(&[a.0 + b.0, a.1 + b.1]),
        Binary::Subtract => Range::floats(&[a.0 - b.1, a.1 - b.0]),
        Binary::Multiply => Range::floats(&[a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1]),
        Binary::Divide | Binary::Modulo if around_zero && !known => Range::AnyFloat,
        Binary::Divide => Range::floats(&[a.0 / b.0, a.0 / b.1, a.1 / b.0, a.1 / b.1]),
        Binary::Modulo if known => Range::floats(&[a.0 % b.0]),
        // Between two multiples of the divisor the rest grows with the number.
        Binary::Modulo if b.0.to_bits() == b.1.to_bits() && b.0 > 0.0 && a.0 >= 0.0 && a.1.is_finite() => {
            if (a.0 / b.0).trunc() == (a.1 / b.0).trunc() {
                Range::floats(&[a.0 % b.0, a.1 % b.0])
            } else {
                Range::Float(-b.0, b.0)
            }
        }
        Binary::Modulo => Range::AnyFloat,
        _ => compare(op, a, b)?,
    })
}

fn integer(op: Binary, signed: bool, a: (i64, i64), b: (i64, i64)) -> Option<Range> {
    let known = a.0 == a.1 && b.0 == b.1;
    let wide = |(low, high): (i64, i64)| (i128::from(low), i128::from(high));
    let (x, y) = (wide(a), wide(b));
    let of = |values: &[i128]| {
        let low = values.iter().copied().min().unwrap_or(0);
        Range::integer(signed, low, values.iter().copied().max().unwrap_or(0))
    };
    let any = Range::integer(signed, i128::MIN, i128::MAX);
    let bits = |low: i64| if signed { low as i32 as u32 } else { low as u32 };
    let from_bits = |word: u32| if signed { i128::from(word as i32) } else { i128::from(word) };
    Some(match op {
        Binary::Add => Range::integer(signed, x.0 + y.0, x.1 + y.1),
        Binary::Subtract => Range::integer(signed, x.0 - y.1, x.1 - y.0),
        Binary::Multiply => of(&[x.0 * y.0, x.0 * y.1, x.1 * y.0, x.1 * y.1]),
        // A number divided by 0 is itself, and leaves 0.
        Binary::Divide if known => of(&[if y.0 == 0 { x.0 } else { x.0 / y.0 }]),
        Binary::Divide if y.0 > 0 || y.1 < 0 => of(&[x.0 / y.0, x.0 / y.1, x.1 / y.0, x.1 / y.1]),
        Binary::Modulo if known => of(&[if y.0 == 0 { 0 } else { x.0 % y.0 }]),
        Binary::Modulo if y.0 > 0 && x.0 >= 0 => {
            if y.0 == y.1 && x.0 / y.0 == x.1 / y.0 {
                of(&[x.0 % y.0, x.1 % y.0])
            } else {
                of(&[0, x.1.min(y.1 - 1)])
            }
        }
        Binary::Divide | Binary::Modulo => any,
        Binary::ShiftLeft if y.0 == y.1 && y.0 < 32 => of(&[x.0 << y.0, x.1 << y.0]),
        Binary::ShiftRight if y.0 == y.1 && y.0 < 32 => of(&[x.0 >> y.0, x.1 >> y.0]),
        Binary::ShiftLeft | Binary::ShiftRight => any,
        Binary::And | Binary::InclusiveOr | Binary::ExclusiveOr if known => {
            let (left, right) = (bits(a.0), bits(b.0));
            of(&[from_bits(match op {
                Binary::And => left & right,
                Binary::InclusiveOr => left | right,
                _ => left ^ right,
            })])
        }
        Binary::And if x.0 >= 0 && y.0 >= 0 => of(&[0, x.1.min(y.1)]),
        Binary::And | Binary::InclusiveOr | Binary::ExclusiveOr => any,
        _ => compare(op, a, b)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bounds hold for every operand inside, on a grid of operands and all operators.
    #[test]
    fn bounds_hold_what_operands_give() {
        let floats = [-2.5f32, -1.0, -0.3, 0.0, 0.2, 0.7, 1.0, 3.0];
        let whole = [0i64, 1, 2, 3, 7, 12, 255];
        let ops = [
            Binary::Add,
            Binary::Subtract,
            Binary::Multiply,
            Binary::Divide,
            Binary::Modulo,
            Binary::Equal,
            Binary::NotEqual,
            Binary::Less,
            Binary::LessEqual,
            Binary::Greater,
            Binary::GreaterEqual,
        ];
        let bitwise =
            [Binary::And, Binary::InclusiveOr, Binary::ExclusiveOr, Binary::ShiftLeft, Binary::ShiftRight];
        let holds = |outer: Range, inner: Range| match (outer, inner) {
            (Range::Float(a, b), Range::Float(c, d)) => a <= c && d <= b,
            (Range::AnyFloat, _) => true,
            (Range::Uint(a, b), Range::Uint(c, d)) | (Range::Int(a, b), Range::Int(c, d)) => a <= c && d <= b,
            (Range::Bool(a, b), Range::Bool(c, d)) => (a || !c) && (b || !d),
            _ => false,
        };
        for (i, low) in floats.iter().enumerate() {
            for high in &floats[i..] {
                for b in floats {
                    for op in ops {
                        let wide = Scalar::new(Range::Float(*low, *high), 1);
                        for (left, right) in [(true, false), (false, true)] {
                            let get = |x: Scalar| {
                                if left {
                                    binary(op, x, Scalar::float(b))
                                } else {
                                    binary(op, Scalar::float(b), x)
                                }
                            };
                            assert!(left != right);
                            let outer = get(wide).expect("bounds").range;
                            for x in floats.iter().filter(|x| low <= x && *x <= high) {
                                let inner = get(Scalar::float(*x)).expect("a value").range;
                                assert!(holds(outer, inner), "{op:?} {low} {high} {b}: {outer:?} {inner:?}");
                            }
                        }
                    }
                }
            }
        }
        for (i, low) in whole.iter().enumerate() {
            for high in &whole[i..] {
                for b in whole {
                    for op in ops.into_iter().chain(bitwise) {
                        let known = Scalar::uint(b as u32);
                        let outer =
                            binary(op, Scalar::new(Range::Uint(*low, *high), 1), known).expect("bounds");
                        for x in *low..=*high {
                            let inner = binary(op, Scalar::uint(x as u32), known).expect("a value").range;
                            assert!(holds(outer.range, inner), "{op:?} {low} {high} {b}");
                        }
                    }
                }
            }
        }
    }
}
