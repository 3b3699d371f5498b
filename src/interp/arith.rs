//! What one operation on scalars computes: WGSL's rules, `f32` strictly in the order of the text, nothing fused. Where WGSL
//! leaves the result open, that of Rust: a builtin such as `sin` is the standard library's.

use half::f16;

/// An operation on at most three words.
#[allow(missing_docs, reason = "named after WGSL's operators and builtins; F, I, U: f32, i32, u32")]
#[rustfmt::skip]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarOp {
    AddF, SubF, MulF, DivF, RemF, NegF,
    AddI, SubI, MulI, DivI, RemI, NegI,
    AddU, SubU, MulU, DivU, RemU,
    And, Or, Xor, Not, Shl, ShrI, ShrU, LogicalNot,
    Eq, Ne, EqF, NeF, LtF, LeF, LtI, LeI, LtU, LeU,
    /// `c` where `a` is true, else `b`.
    Select,
    FloatOfI, FloatOfU, IntOfF, UintOfF, BoolOf, BoolOfF, FloatOfBool, Bits,
    AbsF, AbsI, MinF, MaxF, MinI, MaxI, MinU, MaxU, ClampF,
    Floor, Ceil, Round, Trunc, Fract, SignF, SignI, Sqrt, InverseSqrt, Fma, Step, Saturate,
    Sin, Cos, Tan, Asin, Acos, Atan, Atan2, Sinh, Cosh, Tanh, Asinh, Acosh, Atanh,
    Exp, Exp2, Log, Log2, Pow, Ldexp, FrexpFract, FrexpExp,
    IsNan, IsInf,
    CountOnes, CountLeading, CountTrailing, Reverse, FirstLeadingU, FirstLeadingI, FirstTrailing,
    ExtractU, ExtractI, Mask,
    QuantizeHalf, HalfOfLow, HalfBits,
    /// One lane of a packing: `a` as a byte or a half word, placed by the lowering.
    PackSnorm8, PackUnorm8, PackSnorm16, PackUnorm16, UnpackSnorm8, UnpackUnorm8, UnpackSnorm16, UnpackUnorm16,
    ClampI8, ClampU8,
}

impl ScalarOp {
    /// Whether it computes a float from so many floats, for those who look for the first that is not finite.
    pub fn float_operands(self) -> u32 {
        use ScalarOp::*;
        match self {
            AddF | SubF | MulF | DivF | RemF | MinF | MaxF | Step | Atan2 | Pow => 2,
            Fma | ClampF => 3,
            NegF | AbsF | Floor | Ceil | Round | Trunc | Fract | SignF | Sqrt | InverseSqrt | Saturate
            | Sin | Cos | Tan | Asin | Acos | Atan | Sinh | Cosh | Tanh | Asinh | Acosh | Atanh | Exp
            | Exp2 | Log | Log2 | Ldexp | QuantizeHalf => 1,
            _ => 0,
        }
    }
}

fn f(word: u32) -> f32 {
    f32::from_bits(word)
}

/// Offset and length of a field of bits, within the word (WGSL's `extractBits`).
fn field(offset: u32, count: u32) -> (u32, u32) {
    let offset = offset.min(32);
    (offset, count.min(32 - offset))
}

/// `count` bits from bit `offset` on.
fn mask(offset: u32, count: u32) -> u32 {
    (((1u64 << count) - 1) << offset) as u32
}

/// Fraction in [0.5, 1) and exponent, as WGSL's `frexp`.
fn frexp(x: f32) -> (f32, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    // Subnormal numbers become normal first.
    let (scaled, shift) = if x.abs() < f32::MIN_POSITIVE { (x * 16_777_216.0, -24) } else { (x, 0) };
    let bits = scaled.to_bits();
    let exponent = ((bits >> 23) & 0xff) as i32 - 126;
    (f((bits & 0x807f_ffff) | 0x3f00_0000), exponent + shift)
}

/// The result for operands `a`, `b`, `c`.
#[inline(always)]
pub fn evaluate(code: ScalarOp, a: u32, b: u32, c: u32) -> u32 {
    use ScalarOp::*;
    let (x, y, z) = (f(a), f(b), f(c));
    let (i, j) = (a as i32, b as i32);
    match code {
        AddF => (x + y).to_bits(),
        SubF => (x - y).to_bits(),
        MulF => (x * y).to_bits(),
        DivF => (x / y).to_bits(),
        RemF => (x % y).to_bits(),
        NegF => (-x).to_bits(),
        AddI | AddU => a.wrapping_add(b),
        SubI | SubU => a.wrapping_sub(b),
        MulI | MulU => a.wrapping_mul(b),
        // x / 0 is x, and so is the division that would overflow (WGSL 8.7).
        DivI => (if j == 0 { i } else { i.wrapping_div(j) }) as u32,
        RemI => (if j == 0 { 0 } else { i.wrapping_rem(j) }) as u32,
        DivU => a.checked_div(b).unwrap_or(a),
        RemU => a.checked_rem(b).unwrap_or(0),
        NegI => i.wrapping_neg() as u32,
        And => a & b,
        Or => a | b,
        Xor => a ^ b,
        Not => !a,
        LogicalNot => u32::from(a == 0),
        Shl => a.wrapping_shl(b),
        ShrI => i.wrapping_shr(b) as u32,
        ShrU => a.wrapping_shr(b),
        Eq => u32::from(a == b),
        Ne => u32::from(a != b),
        EqF => u32::from(x == y),
        NeF => u32::from(x != y),
        LtF => u32::from(x < y),
        LeF => u32::from(x <= y),
        LtI => u32::from(i < j),
        LeI => u32::from(i <= j),
        LtU => u32::from(a < b),
        LeU => u32::from(a <= b),
        Select => {
            if a != 0 {
                c
            } else {
                b
            }
        }
        FloatOfI => (i as f32).to_bits(),
        FloatOfU => (a as f32).to_bits(),
        // To the largest numbers that both types have (WGSL, "Floating point conversion").
        IntOfF => x.clamp(-2_147_483_648.0, 2_147_483_520.0) as i32 as u32,
        UintOfF => x.clamp(0.0, 4_294_967_040.0) as u32,
        BoolOf => u32::from(a != 0),
        BoolOfF => u32::from(x != 0.0),
        FloatOfBool => (if a != 0 { 1.0f32 } else { 0.0 }).to_bits(),
        Bits => a,
        AbsF => x.abs().to_bits(),
        AbsI => i.wrapping_abs() as u32,
        MinF => x.min(y).to_bits(),
        MaxF => x.max(y).to_bits(),
        MinI => i.min(j) as u32,
        MaxI => i.max(j) as u32,
        MinU => a.min(b),
        MaxU => a.max(b),
        ClampF => x.max(y).min(z).to_bits(),
        Floor => x.floor().to_bits(),
        Ceil => x.ceil().to_bits(),
        Round => x.round_ties_even().to_bits(),
        Trunc => x.trunc().to_bits(),
        Fract => (x - x.floor()).to_bits(),
        SignF => (if x > 0.0 {
            1.0
        } else if x < 0.0 {
            -1.0
        } else {
            x * 0.0
        })
        .to_bits(),
        SignI => i.signum() as u32,
        Sqrt => x.sqrt().to_bits(),
        InverseSqrt => (1.0 / x.sqrt()).to_bits(),
        Fma => x.mul_add(y, z).to_bits(),
        Step => (if y >= x { 1.0f32 } else { 0.0 }).to_bits(),
        Saturate => x.clamp(0.0, 1.0).to_bits(),
        Sin => x.sin().to_bits(),
        Cos => x.cos().to_bits(),
        Tan => x.tan().to_bits(),
        Asin => x.asin().to_bits(),
        Acos => x.acos().to_bits(),
        Atan => x.atan().to_bits(),
        Atan2 => x.atan2(y).to_bits(),
        Sinh => x.sinh().to_bits(),
        Cosh => x.cosh().to_bits(),
        Tanh => x.tanh().to_bits(),
        Asinh => x.asinh().to_bits(),
        Acosh => x.acosh().to_bits(),
        Atanh => x.atanh().to_bits(),
        Exp => x.exp().to_bits(),
        Exp2 => x.exp2().to_bits(),
        Log => x.ln().to_bits(),
        Log2 => x.log2().to_bits(),
        Pow => x.powf(y).to_bits(),
        Ldexp => ((f64::from(x) * f64::from(j.clamp(-300, 300)).exp2()) as f32).to_bits(),
        FrexpFract => frexp(x).0.to_bits(),
        FrexpExp => frexp(x).1 as u32,
        IsNan => u32::from(x.is_nan()),
        IsInf => u32::from(x.is_infinite()),
        CountOnes => a.count_ones(),
        CountLeading => a.leading_zeros(),
        CountTrailing => a.trailing_zeros(),
        Reverse => a.reverse_bits(),
        FirstLeadingU => {
            if a == 0 {
                u32::MAX
            } else {
                31 - a.leading_zeros()
            }
        }
        FirstLeadingI => {
            let bits = if i < 0 { !a } else { a };
            if bits == 0 { u32::MAX } else { 31 - bits.leading_zeros() }
        }
        FirstTrailing => {
            if a == 0 {
                u32::MAX
            } else {
                a.trailing_zeros()
            }
        }
        ExtractU => (a >> field(b, c).0.min(31)) & mask(0, field(b, c).1),
        ExtractI => match field(b, c) {
            (_, 0) => 0,
            (offset, count) => ((i << (32 - offset - count)) >> (32 - count)) as u32,
        },
        Mask => mask(field(a, b).0, field(a, b).1),
        QuantizeHalf => f16::from_f32(x).to_f32().to_bits(),
        HalfOfLow => f16::from_bits(a as u16).to_f32().to_bits(),
        HalfBits => u32::from(f16::from_f32(x).to_bits()),
        PackSnorm8 => ((x.clamp(-1.0, 1.0) * 127.0 + 0.5).floor() as i32 as u32) & 0xff,
        PackUnorm8 => ((x.clamp(0.0, 1.0) * 255.0 + 0.5).floor() as u32) & 0xff,
        PackSnorm16 => ((x.clamp(-1.0, 1.0) * 32767.0 + 0.5).floor() as i32 as u32) & 0xffff,
        PackUnorm16 => ((x.clamp(0.0, 1.0) * 65535.0 + 0.5).floor() as u32) & 0xffff,
        UnpackSnorm8 => (f32::from(a as u8 as i8) / 127.0).max(-1.0).to_bits(),
        UnpackUnorm8 => (f32::from(a as u8) / 255.0).to_bits(),
        UnpackSnorm16 => (f32::from(a as u16 as i16) / 32767.0).max(-1.0).to_bits(),
        UnpackUnorm16 => (f32::from(a as u16) / 65535.0).to_bits(),
        ClampI8 => (i.clamp(-128, 127) as u32) & 0xff,
        ClampU8 => a.min(255),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_bits_end_with_the_word() {
        assert_eq!(evaluate(ScalarOp::ExtractU, 0xabcd_1234, 8, 8), 0x12);
        assert_eq!(evaluate(ScalarOp::ExtractU, 0xabcd_1234, 24, 99), 0xab);
        assert_eq!(evaluate(ScalarOp::ExtractU, 0xabcd_1234, 32, 1), 0);
        assert_eq!(evaluate(ScalarOp::ExtractI, 0x0000_0f00, 8, 4), u32::MAX);
        assert_eq!(evaluate(ScalarOp::Mask, 0, 32, 0), u32::MAX);
        assert_eq!(evaluate(ScalarOp::Mask, 30, 8, 0), 0xc000_0000);
    }

    #[test]
    fn divisions_by_zero_are_those_of_wgsl() {
        assert_eq!(evaluate(ScalarOp::DivI, 7, 0, 0), 7);
        assert_eq!(evaluate(ScalarOp::RemI, 7, 0, 0), 0);
        assert_eq!(evaluate(ScalarOp::DivI, i32::MIN as u32, u32::MAX, 0), i32::MIN as u32);
        assert_eq!(evaluate(ScalarOp::RemI, i32::MIN as u32, u32::MAX, 0), 0);
        assert_eq!(evaluate(ScalarOp::DivU, 7, 0, 0), 7);
    }

    #[test]
    fn a_fraction_and_its_exponent_make_the_number() {
        for x in [1.0f32, -0.75, 3e-41, 1e38, 0.5, -8.0] {
            let (fraction, exponent) = frexp(x);
            assert!((0.5..1.0).contains(&fraction.abs()), "{x}");
            assert_eq!(f64::from(fraction) * f64::from(exponent).exp2(), f64::from(x));
        }
    }
}
