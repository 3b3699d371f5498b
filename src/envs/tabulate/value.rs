//! Values of WGSL of which some are known only within bounds, because a random number is known only within bounds.

/// Random numbers told apart by [`Scalar::from`]; the highest bit stands for everything else that is not known.
pub const DRAWS: usize = 4;
/// What no division of random numbers can make known.
pub const HIDDEN: u32 = 1 << 31;

/// What a scalar may be. Bounds belong to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// An f32; one that may be NaN has no bounds.
    Float(f32, f32),
    /// Any f32.
    AnyFloat,
    /// An i32.
    Int(i64, i64),
    /// A u32.
    Uint(i64, i64),
    /// Whether it may be true, and whether it may be false.
    Bool(bool, bool),
}

/// A scalar and what keeps it from being known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scalar {
    /// Its bounds.
    pub range: Range,
    /// Bit `i` for random number `i`, and [`HIDDEN`]; 0 where the value is known.
    pub from: u32,
    /// The random number that this is as it was drawn, a u32.
    pub draw: Option<usize>,
}

/// A value in memory or of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number or truth value.
    Scalar(Scalar),
    /// Components of a vector, elements of an array, members of a struct.
    Many(Vec<Value>),
    /// A place in memory.
    Pointer(Pointer),
}

/// A variable, and the way to a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pointer {
    /// Depth of the call that owns a local variable; `None` for a variable of the module.
    pub frame: Option<usize>,
    /// Its number there.
    pub variable: usize,
    /// Index at each level.
    pub path: Vec<usize>,
}

/// Bounds of an i32 or u32.
pub fn limits(signed: bool) -> (i64, i64) {
    if signed { (i32::MIN.into(), i32::MAX.into()) } else { (0, u32::MAX.into()) }
}

impl Range {
    /// Whether there is one value left.
    pub fn is_known(&self) -> bool {
        match self {
            Range::Float(low, high) => low.to_bits() == high.to_bits(),
            Range::AnyFloat => false,
            Range::Int(low, high) | Range::Uint(low, high) => low == high,
            Range::Bool(yes, no) => yes != no,
        }
    }

    /// The smallest range of floats that holds these; none of them may be NaN.
    pub fn floats(values: &[f32]) -> Range {
        let low = values.iter().copied().min_by(f32::total_cmp);
        let high = values.iter().copied().max_by(f32::total_cmp);
        match (low, high) {
            (Some(low), Some(high)) if !values.iter().any(|value| value.is_nan()) => Range::Float(low, high),
            _ => Range::AnyFloat,
        }
    }

    /// An integer that wraps around: known ones do, bounds beyond the type are those of the type.
    pub fn integer(signed: bool, low: i128, high: i128) -> Range {
        let (least, most) = limits(signed);
        let make = |low: i64, high: i64| if signed { Range::Int(low, high) } else { Range::Uint(low, high) };
        if low >= i128::from(least) && high <= i128::from(most) {
            make(low as i64, high as i64)
        } else if low == high {
            let wrapped = if signed { i64::from(low as u32 as i32) } else { i64::from(low as u32) };
            make(wrapped, wrapped)
        } else {
            make(least, most)
        }
    }
}

impl Scalar {
    /// A scalar within a range, which depends on `from` unless the range has one value.
    pub fn new(range: Range, from: u32) -> Scalar {
        Scalar { range, from: if range.is_known() { 0 } else { from }, draw: None }
    }

    /// Any value of this one's type.
    pub fn any(self, from: u32) -> Scalar {
        let range = match self.range {
            Range::Float(..) | Range::AnyFloat => Range::AnyFloat,
            Range::Int(..) => Range::Int(limits(true).0, limits(true).1),
            Range::Uint(..) => Range::Uint(limits(false).0, limits(false).1),
            Range::Bool(..) => Range::Bool(true, true),
        };
        Scalar { range, from, draw: None }
    }

    /// Bits of a known value.
    pub fn word(&self) -> Option<u32> {
        self.range.is_known().then_some(match self.range {
            Range::Float(value, _) => value.to_bits(),
            Range::AnyFloat => 0,
            Range::Int(value, _) => value as i32 as u32,
            Range::Uint(value, _) => value as u32,
            Range::Bool(yes, _) => yes.into(),
        })
    }

    /// Whether an integer may have these bits.
    pub fn may_be(&self, word: u32) -> bool {
        match self.range {
            Range::Int(low, high) => (low..=high).contains(&i64::from(word as i32)),
            Range::Uint(low, high) => (low..=high).contains(&i64::from(word)),
            _ => true,
        }
    }

    /// A known f32.
    pub fn float(value: f32) -> Scalar {
        Scalar::new(if value.is_nan() { Range::AnyFloat } else { Range::Float(value, value) }, HIDDEN)
    }

    /// A known u32.
    pub fn uint(value: u32) -> Scalar {
        Scalar::new(Range::Uint(value.into(), value.into()), 0)
    }

    /// A known i32.
    pub fn int(value: i32) -> Scalar {
        Scalar::new(Range::Int(value.into(), value.into()), 0)
    }

    /// A known truth value.
    pub fn truth(value: bool) -> Scalar {
        Scalar::new(Range::Bool(value, !value), 0)
    }
}

impl Value {
    /// Every scalar inside, in order.
    pub fn scalars(&self, visit: &mut impl FnMut(&Scalar)) {
        match self {
            Value::Scalar(scalar) => visit(scalar),
            Value::Many(parts) => parts.iter().for_each(|part| part.scalars(visit)),
            Value::Pointer(_) => {}
        }
    }
}
