//! The f64 reference: what each word of each output must be, computed from the equations in double precision together
//! with the error that f32 may have made. Written against the papers and the kernels' headers, not against the twins.

pub mod backup;
pub mod classic;
pub mod continuous;
pub mod convolution;
pub mod dense;
pub mod dynamics;
pub mod environment;
pub mod exact;
pub mod fused;
pub mod learner;
pub mod minatar;
pub mod models;
pub mod motion;
pub mod network;
pub mod num;
pub mod particles;
pub mod pixels;
pub mod policy;
pub mod priority;
pub mod probes;
pub mod random;
pub mod replay;
pub mod rollout;
pub mod rows;
pub mod small_games;
pub mod tabular;
pub mod toy_text;
pub mod tray;

pub use num::Num;

use crate::shared::math::is_finite_f32;
use crate::verify::case::Case;

/// Safety factor on the running error bounds, for the terms of second order that they leave out.
const MARGIN: f64 = 2.0;

/// What one word of an output must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expect {
    /// Exactly these bits: integers, copies, and everything that must not be touched.
    Bits(u32),
    /// A float within the bound of this value.
    Float(Num),
    /// Anything: an index choice hangs on a margin below rounding, or WGSL leaves the value open.
    Any,
}

impl Expect {
    /// Whether a word is as expected.
    pub fn allows(&self, got: u32) -> bool {
        match self {
            Expect::Bits(want) => got == *want,
            Expect::Float(num) => {
                let got = f32::from_bits(got);
                is_finite_f32(got) && (f64::from(got) - num.value).abs() <= self.allowed()
            }
            Expect::Any => true,
        }
    }

    /// Largest error allowed.
    pub fn allowed(&self) -> f64 {
        match self {
            Expect::Float(num) => MARGIN * num.bound,
            _ => 0.0,
        }
    }
}

/// Expected contents of the named outputs after the call.
pub type Expected = Vec<(&'static str, Vec<Expect>)>;

/// The contents of an output before the call, as what must still be there after it.
pub fn unchanged(case: &Case, binding: &str) -> Vec<Expect> {
    case.bindings[case.index(binding)].iter().map(|word| Expect::Bits(*word)).collect()
}

/// Word index of a field in an array of structs.
#[macro_export]
#[doc(hidden)]
macro_rules! word_of {
    ($ty:ty, $index:expr, $field:ident) => {
        ($index) * (std::mem::size_of::<$ty>() / 4) + std::mem::offset_of!($ty, $field) / 4
    };
}
