//! What the sanitizer reports.
//!
//! ```
//! use softq::interp::machine::Limits;
//! use softq::interp::sanitizer::{Finding, Kind, Level};
//! use softq::verify::shader::{Inputs, sanitize};
//!
//! // Everybody writes the same number to one word, and the last writes behind the end.
//! let text = "
//! @group(0) @binding(0) var<storage, read_write> x: array<u32, 4>;
//! @compute @workgroup_size(4)
//! fn main(@builtin(local_invocation_index) i: u32) {
//!     x[0] = 7u;
//!     x[i + 1u] = 0u;
//! }
//! ";
//! let inputs = Inputs { groups: Some([1, 1, 1]), ..Inputs::default() };
//! let report = sanitize("x.wgsl", text, &inputs, Limits { iterations: 100, fuel: 10_000 })?;
//! let [fault, note]: &[Finding; 2] = report.findings.as_slice().try_into().expect("two findings");
//! assert_eq!((fault.kind, fault.level, fault.line), (Kind::OutOfBounds, Level::Error, 6));
//! assert_eq!(fault.message, "index 4 of 'x', which has 4 elements");
//! assert_eq!((note.kind.name(), note.level.name(), note.line), ("race", "note", 5));
//! # Ok::<(), softq::Error>(())
//! ```

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Two invocations access one word without an order between them, and at least one writes.
    Race,
    /// An access outside of an array, vector or buffer.
    OutOfBounds,
    /// A barrier that not all invocations of the workgroup reach.
    DivergentBarrier,
    /// More loop iterations than allowed.
    LoopCap,
    /// An infinity or NaN from finite operands.
    NonFinite,
    /// An index that wrapped around.
    Overflow,
    /// A read of memory that nobody has written.
    Uninitialized,
}

impl Kind {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Race => "race",
            Kind::OutOfBounds => "out_of_bounds",
            Kind::DivergentBarrier => "divergent_barrier",
            Kind::LoopCap => "loop_cap",
            Kind::NonFinite => "non_finite",
            Kind::Overflow => "overflow",
            Kind::Uninitialized => "uninitialized",
        }
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A fault.
    Error,
    /// WGSL says what happens; it may still not be meant.
    Note,
}

impl Level {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Note => "note",
        }
    }
}

/// One fault at one place of the text, however often it occurred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub kind: Kind,
    /// How bad.
    pub level: Level,
    /// Line of the text, from 1; 0 where there is none.
    pub line: u32,
    /// Line of the other access or the other barrier.
    pub other_line: Option<u32>,
    /// The variable.
    pub variable: Option<String>,
    /// `global_invocation_id` of the first invocation with this fault.
    pub invocation: [u32; 3],
    /// Of the other one.
    pub other_invocation: Option<[u32; 3]>,
    /// In words.
    pub message: String,
    /// How often it occurred.
    pub count: u64,
}
