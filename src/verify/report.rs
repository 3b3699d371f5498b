//! What verification finds: one row per kernel or check, and the failures behind it.
//!
//! ```
//! use softq::verify::check::run_twin;
//! use softq::verify::{Errors, Failure, Options, Row, checks};
//!
//! // The twin's own results, but for one word: a NaN where a mean should be.
//! let check = checks().iter().find(|check| check.name() == "join_heads").expect("in the table");
//! let case = check.draw(0, 0);
//! let twin = run_twin(&case);
//! let mut got = twin.clone();
//! got[0][0] = f32::NAN.to_bits();
//! let row: Row = check.judge(&case, 0, &Options::default(), &got, &twin, &(check.oracle)(&case));
//! let errors: Errors = row.twin.expect("compared with the twin");
//! assert_eq!((row.passed, errors.differing, errors.abs), (false, 1, f64::INFINITY));
//! let Failure { reference, binding, index, failing, .. } = &row.failures[0];
//! assert_eq!((*reference, binding.as_str(), *index, *failing), ("twin", "targets", 0, 1));
//! assert!(serde_json::to_value(errors).expect("plain data")["abs"].is_null());
//! ```

use serde::Serialize;

/// Worst errors of one comparison. Infinite where a number should have been and was not; `null` in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Errors {
    /// Words compared.
    pub words: u64,
    /// Words whose value differs at all.
    pub differing: u64,
    /// Largest absolute error.
    pub abs: f64,
    /// Largest relative error, over words that keep three digits under their bound.
    pub rel: f64,
    /// Largest distance in units in the last place, over the same words; 0 where the reference is f64.
    pub ulp: u64,
    /// Largest error as a share of what is allowed for that word; above 1 fails.
    pub share: f64,
}

/// One word that is not what it must be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// `twin`, `f64`, or what else it was compared with.
    pub reference: &'static str,
    /// Number of the case.
    pub case: usize,
    /// Its params and the style of its values.
    pub inputs: String,
    /// Output binding, and field for structs.
    pub binding: String,
    /// Index of the element.
    pub index: usize,
    /// Value found.
    pub got: String,
    /// Value wanted.
    pub want: String,
    /// Error allowed.
    pub allowed: f64,
    /// Words of this case that fail against this reference.
    pub failing: usize,
    /// The command that runs this case alone.
    pub command: String,
}

/// The result of one kernel or check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Kernel or check.
    pub name: String,
    /// The kernel's shader; the checks of several kernels have none.
    pub file: Option<String>,
    /// Cases run.
    pub cases: usize,
    /// Executor against CPU twin; absent on the CPU executor, which is the twin.
    pub twin: Option<Errors>,
    /// Executor against the f64 reference.
    pub oracle: Option<Errors>,
    /// Words left out because an index choice lay within its margin, or WGSL leaves the value open.
    pub left_out: u64,
    /// Error allowed, in words.
    pub bound: String,
    /// Where the bound comes from.
    pub source: String,
    /// Whether everything was within its bound.
    pub passed: bool,
    /// The first failures.
    pub failures: Vec<Failure>,
    /// What else there is to know.
    pub note: String,
}
