//! The f64 reference: what each word of each output must be, computed from the equations in double precision together
//! with the error that f32 may have made. Written against the papers and the kernels' headers, not against the twins.
//!
//! ```
//! use softq::kernels::join_heads::{KERNEL, Params};
//! use softq::verify::case::{Case, SENTINEL};
//! use softq::verify::oracle::{Expect, Expected, Num, unchanged};
//!
//! /// One row: `y_k = 1/K sum_j y_j`.
//! fn mean(case: &Case) -> Expected {
//!     let heads = case.params::<Params>().heads as usize;
//!     let before = &case.get::<f32>("targets")[..heads];
//!     let sum = Num::sum(before.iter().map(|y| Num::exact(*y)));
//!     let mut targets = unchanged(case, "targets");
//!     targets[..heads].fill(Expect::Float(sum / Num::exact(heads as f32)));
//!     vec![("targets", targets)]
//! }
//!
//! let mut case = Case::new(&KERNEL, None, Params { rows: 1, heads: 2 }, "");
//! case.set("targets", &[1.0f32, 4.0]);
//! let words = &mean(&case)[0].1;
//! assert!(words[1].allows(2.5f32.to_bits()) && words[1].allowed() < 1e-5);
//! assert!(!words[1].allows(2.5001f32.to_bits()));
//! // What lies behind the row must stay as it is.
//! assert_eq!(words[2], Expect::Bits(SENTINEL));
//! ```

#[doc(hidden)]
pub mod backup;
#[doc(hidden)]
pub mod classic;
#[doc(hidden)]
pub mod continuous;
#[doc(hidden)]
pub mod convolution;
#[doc(hidden)]
pub mod dense;
#[doc(hidden)]
pub mod dynamics;
#[doc(hidden)]
pub mod environment;
#[doc(hidden)]
pub mod exact;
#[doc(hidden)]
pub mod fused;
#[doc(hidden)]
pub mod learner;
#[doc(hidden)]
pub mod minatar;
#[doc(hidden)]
pub mod models;
#[doc(hidden)]
pub mod motion;
#[doc(hidden)]
pub mod network;
#[doc(hidden)]
pub mod num;
#[doc(hidden)]
pub mod particles;
#[doc(hidden)]
pub mod pixels;
#[doc(hidden)]
pub mod policy;
#[doc(hidden)]
pub mod priority;
#[doc(hidden)]
pub mod probes;
#[doc(hidden)]
pub mod random;
#[doc(hidden)]
pub mod replay;
#[doc(hidden)]
pub mod rollout;
#[doc(hidden)]
pub mod rows;
#[doc(hidden)]
pub mod small_games;
#[doc(hidden)]
pub mod tabular;
#[doc(hidden)]
pub mod toy_text;
#[doc(hidden)]
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
