//! A benchmark that checks what it times: the device's limits, every kernel over the shapes of training runs, environments,
//! training. A row whose result is wrong or missing fails, and with it the whole.
//!
//! Operations and bytes of a dispatch are those of its kernel's declaration ([`crate::engine::kernel::Work`]); times are medians
//! over repeats, by the wall clock and by the device's timestamps where it has them.
//!
//! ```
//! use softq::bench::suite::{Options, Suite, run};
//! use softq::engine::cpu::CpuExecutor;
//!
//! let options = Options { suite: Suite::Quick, repeats: 2, only: Some("adam".into()) };
//! let mut rows = Vec::new();
//! run(&mut CpuExecutor::new(), &options, &mut |row| {
//!     rows.push(row);
//!     Ok(())
//! })?;
//! assert!(!rows.is_empty() && rows.iter().all(|row| row.passed && row.operations > Some(0)));
//! # Ok::<(), softq::Error>(())
//! ```

#[doc(hidden)]
pub mod environments;
#[doc(hidden)]
pub mod kernels;
#[doc(hidden)]
pub mod output;
#[doc(hidden)]
pub mod probes;
#[doc(hidden)]
pub mod record;
#[doc(hidden)]
pub mod roofline;
#[doc(hidden)]
pub mod row;
#[doc(hidden)]
pub mod submissions;
#[doc(hidden)]
pub mod suite;
#[doc(hidden)]
pub mod timing;
#[doc(hidden)]
pub mod training;
#[doc(hidden)]
pub mod workload;

pub use record::{Identity, Quiet, Record, SCHEMA, Verdict};
pub use row::{Group, Row, Unit};
pub use suite::{Options, SUITES, Suite, run};
