//! Where the time of training goes: every dispatch of the first iterations with updates by the device's clock, as a table per
//! kernel and as a trace for chrome://tracing, Perfetto and the like.
//!
//! A profiled dispatch is timed by itself, in a pass of its own on a GPU, so that iterations take longer than they do
//! otherwise; no bit of the run changes.
//!
//! ```
//! use softq::config::Config;
//! use softq::train::profile::{KernelTime, Profile};
//! use softq::train::trainer::Trainer;
//!
//! let catch = Config { env: "catch".into(), device: "cpu".into(), ..Config::default() };
//! let mut trainer = Trainer::new(&Config { total_timesteps: 1_100, ..catch })?;
//! trainer.profile();
//! let report = trainer.run(&mut |_| Ok(()))?;
//!
//! let profile: &Profile = trainer.profiled().expect("it was asked for");
//! let kernels: Vec<KernelTime> = profile.kernels();
//! assert!(kernels.is_sorted_by(|one, next| one.seconds >= next.seconds));
//! let adam = kernels.iter().find(|kernel| kernel.name == "adam").expect("it learns");
//! assert_eq!(adam.dispatches, report.updates, "one for every update");
//! # Ok::<(), softq::Error>(())
//! ```

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use crate::agents::plan::Plan;
use crate::engine::clock::Instant;
use crate::engine::executor::Span;
use crate::engine::kernel::Work;
use crate::engine::variant::Variant;
use crate::error::{Error, Result};
use crate::train::run_dir::{PROFILE_FILE, RunDir, TRACE_FILE};

/// Dispatches after which a profile is whole.
const MOST: usize = 20_000;

/// One dispatch of an iteration.
struct Kind {
    name: String,
    phase: &'static str,
    grid: [u32; 3],
    work: Option<Work>,
}

/// Spans of dispatches in training.
pub struct Profile {
    /// Every dispatch of an iteration, repeats included, in order.
    kinds: Vec<Kind>,
    /// When each ran, in nanoseconds since the first.
    spans: Vec<Span>,
    begun: Instant,
    written: bool,
}

impl Profile {
    /// An empty one for the iterations of a plan.
    pub fn new(plan: &Plan) -> Profile {
        let mut kinds = Vec::new();
        for phase in &plan.phases {
            for _ in 0..phase.repeats {
                kinds.extend(phase.recording.dispatches.iter().map(|dispatch| Kind {
                    name: Variant { env: None, ..Variant::of(dispatch) }.name(),
                    phase: phase.name,
                    grid: dispatch.grid,
                    work: dispatch.kernel.work.map(|work| work(&dispatch.params)),
                }));
            }
        }
        Profile { kinds, spans: Vec::new(), begun: Instant::now(), written: false }
    }

    /// Iterations that it still takes; 0 once it is whole.
    pub fn room(&self) -> u64 {
        (MOST.saturating_sub(self.spans.len())).div_ceil(self.kinds.len().max(1)) as u64
    }

    /// When a submission begins, on the profile's clock.
    pub fn now(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }

    /// Adds the spans of whole iterations that were submitted at `since`.
    pub fn add(&mut self, since: u64, spans: &[Span]) {
        self.spans.extend(spans.iter().map(|span| Span { begin: since + span.begin, end: since + span.end }));
    }

    /// Whether there is something to write that was not written.
    pub fn is_due(&self, finished: bool) -> bool {
        !self.written && !self.spans.is_empty() && (finished || self.room() == 0)
    }

    /// Writes the table and the trace.
    pub fn write(&mut self, dir: &RunDir) -> Result<()> {
        self.written = true;
        dir.write(PROFILE_FILE, self.csv().as_bytes())?;
        let path = dir.file(TRACE_FILE);
        let text = serde_json::to_vec(&self.trace()).map_err(|error| Error::file("write", path, error))?;
        dir.write(TRACE_FILE, &text)
    }

    /// The events of Chrome's trace format, times in microseconds.
    fn trace(&self) -> impl Serialize {
        let event = |(index, span): (usize, &Span)| {
            let kind = &self.kinds[index % self.kinds.len()];
            json!({
                "name": kind.name,
                "cat": kind.phase,
                "ph": "X",
                "pid": 1,
                "tid": 1,
                "ts": span.begin as f64 * 1e-3,
                "dur": span.end.saturating_sub(span.begin) as f64 * 1e-3,
                "args": {
                    "grid": kind.grid,
                    "operations": kind.work.map(|work| work.operations),
                    "bytes": kind.work.map(|work| work.bytes()),
                },
            })
        };
        json!({
            "displayTimeUnit": "ns",
            "traceEvents": self.spans.iter().enumerate().map(event).collect::<Vec<_>>(),
        })
    }

    /// Kernels, the longest first: dispatches, seconds, operations and bytes, where all of them are known.
    pub fn kernels(&self) -> Vec<KernelTime> {
        let mut kernels: BTreeMap<&str, KernelTime> = BTreeMap::new();
        for (index, span) in self.spans.iter().enumerate() {
            let kind = &self.kinds[index % self.kinds.len()];
            let known = KernelTime { work: Some(Work::default()), ..KernelTime::default() };
            let kernel = kernels.entry(&kind.name).or_insert(known);
            kernel.name = kind.name.clone();
            kernel.dispatches += 1;
            kernel.seconds += span.seconds();
            kernel.work = kernel.work.zip(kind.work).map(|(sum, work)| Work {
                operations: sum.operations + work.operations,
                words: sum.words + work.words,
            });
        }
        let mut kernels: Vec<KernelTime> = kernels.into_values().collect();
        kernels.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        kernels
    }

    fn csv(&self) -> String {
        let mut text = String::from("kernel,dispatches,total_us,mean_us,share,operations,bytes\n");
        let kernels = self.kernels();
        let all: f64 = kernels.iter().map(|kernel| kernel.seconds).sum();
        for KernelTime { name, dispatches, seconds, work } in kernels {
            let number = |value: Option<u64>| value.map_or(String::new(), |value| value.to_string());
            text += &format!(
                "{name},{dispatches},{:.3},{:.3},{:.4},{},{}\n",
                1e6 * seconds,
                1e6 * seconds / dispatches as f64,
                seconds / all.max(f64::MIN_POSITIVE),
                number(work.map(|work| work.operations)),
                number(work.map(|work| work.bytes())),
            );
        }
        text
    }
}

/// The time of a kernel in a profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KernelTime {
    /// Kernel and target rule.
    pub name: String,
    /// Its dispatches.
    pub dispatches: u64,
    /// Seconds of all of them.
    pub seconds: f64,
    /// Work of all of them, where it is declared.
    pub work: Option<Work>,
}
