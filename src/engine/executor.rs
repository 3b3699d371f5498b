//! The interface both executors share: memory, programs, submissions, readbacks.
//!
//! ```
//! use softq::engine::cpu::CpuExecutor;
//! use softq::engine::executor::{Executor, Grain, Program, Span, read_later, read_later_as, write_as};
//! use softq::engine::recording::{Buffers, Recording};
//! use softq::kernels::silu;
//!
//! let mut buffers = Buffers::default();
//! let [z, y] = ["z", "y"].map(|name| buffers.add::<f32>(name, 2, ""));
//! let mut recording = Recording::default();
//! silu::record(&mut recording, silu::Params { count: 2, slots: 1, agents: 1 }, z, y)?;
//!
//! let mut executor = CpuExecutor::new();
//! executor.allocate(&buffers)?;
//! write_as(&mut executor, z.id, &[0.0f32, 20.0])?;
//! let program: Program = executor.prepare(&recording)?;
//! // Once, with a snapshot of `y` behind it; a device would still be at work when this returns.
//! executor.submit(&[(program, 1)], Some(y.id))?;
//! executor.wait()?;
//! let snapshots = executor.collect()?;
//! // Twice, with the time of each dispatch.
//! let spans: Vec<Span> = executor.clocked(&[(program, 2)], Grain::Dispatch)?;
//! assert!(spans.len() == 2 && spans.iter().all(|span| span.begin <= span.end));
//! // Where no thread may wait, as in a browser, a read is a future.
//! assert_eq!(pollster::block_on(read_later(&mut executor, y.id))?, snapshots[0]);
//! let values: Vec<f32> = pollster::block_on(read_later_as(&mut executor, y.id))?;
//! assert_eq!(values, [0.0, 20.0]);
//! # Ok::<(), softq::Error>(())
//! ```

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::engine::recording::{BufferId, Buffers, Recording};
use crate::error::{Error, Result};

/// A recording resolved by one executor; valid for that executor only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program(pub(crate) usize);

/// What [`Executor::clocked`] takes the time of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// All programs together: one span.
    Submission,
    /// Every dispatch by itself: a span for each, in their order. They wait for each other more than in a submission.
    Dispatch,
}

/// When something ran by the executor's clock, in nanoseconds since a moment that the spans of one call share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Its begin.
    pub begin: u64,
    /// Its end.
    pub end: u64,
}

impl Span {
    /// Its length in seconds.
    ///
    /// ```
    /// use softq::engine::executor::Span;
    ///
    /// assert_eq!(Span { begin: 500_000_000, end: 1_000_000_000 }.seconds(), 0.5);
    /// ```
    pub fn seconds(&self) -> f64 {
        self.end.saturating_sub(self.begin) as f64 * 1e-9
    }
}

/// Time that one submission should take: long enough to hide its overhead, far from any watchdog, and short enough to be asked
/// to stop in between.
pub const SUBMISSION: Duration = Duration::from_millis(30);

/// Runs recordings over its own copy of the memory.
pub trait Executor {
    /// Address as in `--device`, e.g. `vulkan:0` or `cpu`.
    fn address(&self) -> &str;

    /// Longest buffer that a kernel can bind, in bytes.
    fn max_buffer_bytes(&self) -> u64;

    /// Allocates `buffers`, zero-filled, replacing what was there. Errors when one is too large for the device.
    fn allocate(&mut self, buffers: &Buffers) -> Result<()>;

    /// Writes words at the start of a buffer.
    fn write(&mut self, buffer: BufferId, words: &[u32]) -> Result<()> {
        self.write_at(buffer, 0, words)
    }

    /// Writes words from word `first` of a buffer on, behind everything submitted so far.
    fn write_at(&mut self, buffer: BufferId, first: u64, words: &[u32]) -> Result<()>;

    /// Waits for all submitted work and reads a whole buffer. For tools and for the ends of a run; a loop that must not
    /// stop, as in a browser, requests and collects.
    fn read(&mut self, buffer: BufferId) -> Result<Vec<u32>>;

    /// Resolves a recording: pipelines, bind groups, params. Everything slow happens here.
    fn prepare(&mut self, recording: &Recording) -> Result<Program>;

    /// Runs each program `repeat` times, in order, as one submission; then takes a snapshot of `snapshot` for
    /// [`Executor::collect`]. Never waits for the device unless the ring of snapshots in flight is full.
    fn submit(&mut self, programs: &[(Program, u32)], snapshot: Option<BufferId>) -> Result<()>;

    /// Time that one submission of its programs should take.
    fn suitable(&self) -> Duration {
        SUBMISSION
    }

    /// Runs programs as [`Executor::submit`] does, waits for them, and says when they ran: by the timestamps of a GPU, on the
    /// CPU by the wall clock. Empty where there is no such clock, as an executor has none unless it says so.
    fn clocked(&mut self, programs: &[(Program, u32)], grain: Grain) -> Result<Vec<Span>> {
        let _ = grain;
        self.submit(programs, None)?;
        self.wait()?;
        Ok(Vec::new())
    }

    /// From here on adds up how long submissions take by the device's own clock, without waiting for them; whether it has one.
    fn meter(&mut self) -> bool {
        false
    }

    /// Time that the device has been at work, as far as it has arrived; none without a clock, or before [`Executor::meter`].
    fn metered(&mut self) -> Option<Duration> {
        None
    }

    /// Takes a snapshot of a buffer behind everything submitted so far.
    fn request(&mut self, buffer: BufferId) -> Result<()> {
        self.submit(&[], Some(buffer))
    }

    /// Snapshots that have arrived since the last call, oldest first. Never waits.
    fn collect(&mut self) -> Result<Vec<Vec<u32>>>;

    /// Waits until everything submitted is done, so that the next [`Executor::collect`] has every snapshot.
    fn wait(&mut self) -> Result<()>;

    /// Whether [`Executor::submit`] waits while too much is under way, and [`Executor::wait`] at all. In a browser nothing can
    /// wait, and [`Executor::poll_ready`] says when more may be submitted.
    fn waits(&self) -> bool {
        true
    }

    /// Ready once little enough is under way for another submission. Always, where submitting waits.
    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ready once [`Executor::collect`] has a snapshot to bring; waits for it where that is possible.
    fn poll_arrived(&mut self, _context: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(self.wait())
    }

    /// Host-to-device bytes uploaded so far (buffer contents and params).
    fn uploaded_bytes(&self) -> u64;
}

/// Reads a whole buffer without keeping the thread; for an executor that has no other snapshots on their way. Where the
/// executor waits, it is done at once.
pub async fn read_later(executor: &mut dyn Executor, buffer: BufferId) -> Result<Vec<u32>> {
    executor.request(buffer)?;
    loop {
        poll_fn(|context| executor.poll_arrived(context)).await?;
        if let Some(words) = executor.collect()?.pop() {
            return Ok(words);
        }
    }
}

/// Typed form of [`read_later`].
pub async fn read_later_as<T: bytemuck::Pod>(
    executor: &mut dyn Executor,
    buffer: BufferId,
) -> Result<Vec<T>> {
    let words = read_later(executor, buffer).await?;
    Ok(bytemuck::cast_slice(&words).to_vec())
}

/// Typed read of a whole buffer.
pub fn read_as<T: bytemuck::Pod>(executor: &mut dyn Executor, buffer: BufferId) -> Result<Vec<T>> {
    let words = executor.read(buffer)?;
    Ok(bytemuck::cast_slice(&words).to_vec())
}

/// Typed write at the start of a buffer.
pub fn write_as<T: bytemuck::Pod>(executor: &mut dyn Executor, buffer: BufferId, values: &[T]) -> Result<()> {
    executor.write(buffer, bytemuck::cast_slice(values))
}

/// Refuses programs of earlier buffers, which are gone, or of another executor; `prepared` are there.
pub(crate) fn check_programs(programs: &[(Program, u32)], prepared: usize) -> Result<()> {
    match programs.iter().find(|(program, _)| program.0 >= prepared) {
        Some((program, _)) => refused(format!(
            "program {} is not of this executor, or of buffers that it has no more: prepare it anew",
            program.0
        )),
        None => Ok(()),
    }
}

/// The index of a buffer, one of `allocated`.
pub(crate) fn check_buffer(buffer: BufferId, allocated: usize) -> Result<usize> {
    let index = buffer.0 as usize;
    if index < allocated { Ok(index) } else { refused(format!("buffer {index} is not allocated")) }
}

/// Refuses words that reach beyond the end of a buffer.
pub(crate) fn check_words(words: &[u32], first: u64, length: u64, name: &str) -> Result<()> {
    if words.len() as u64 <= length.saturating_sub(first) {
        return Ok(());
    }
    refused(format!("{} words written from word {first} on to buffer '{name}' of {length}", words.len()))
}

fn refused<T>(message: String) -> Result<T> {
    Err(Error::Kernel { kernel: "executor".into(), message })
}
