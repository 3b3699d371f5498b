//! The interface both executors share: memory, programs, submissions, readbacks.

use crate::engine::recording::{BufferId, Buffers, Recording};
use crate::error::Result;

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
    pub fn seconds(&self) -> f64 {
        self.end.saturating_sub(self.begin) as f64 * 1e-9
    }
}

/// Runs recordings over its own copy of the memory.
pub trait Executor {
    /// Address as in `--device`, e.g. `vulkan:0` or `cpu`.
    fn address(&self) -> &str;

    /// Longest buffer that a kernel can bind, in bytes.
    fn max_buffer_bytes(&self) -> u64;

    /// Allocates `buffers`, zero-filled, replacing what was there. Errors when one is too large for the device.
    fn allocate(&mut self, buffers: &Buffers) -> Result<()>;

    /// Writes words at the start of a buffer.
    fn write(&mut self, buffer: BufferId, words: &[u32]) -> Result<()>;

    /// Waits for all submitted work and reads a whole buffer. For tools and for the ends of a run; a loop that must not
    /// stop, as in a browser, requests and collects.
    fn read(&mut self, buffer: BufferId) -> Result<Vec<u32>>;

    /// Resolves a recording: pipelines, bind groups, params. Everything slow happens here.
    fn prepare(&mut self, recording: &Recording) -> Result<Program>;

    /// Runs each program `repeat` times, in order, as one submission; then takes a snapshot of `snapshot` for
    /// [`Executor::collect`]. Never waits for the device unless the ring of snapshots in flight is full.
    fn submit(&mut self, programs: &[(Program, u32)], snapshot: Option<BufferId>) -> Result<()>;

    /// Runs programs as [`Executor::submit`] does, waits for them, and says when they ran: by the timestamps of a GPU, on the
    /// CPU by the wall clock. Empty where there is no such clock, as an executor has none unless it says so.
    fn clocked(&mut self, programs: &[(Program, u32)], grain: Grain) -> Result<Vec<Span>> {
        let _ = grain;
        self.submit(programs, None)?;
        self.wait()?;
        Ok(Vec::new())
    }

    /// Takes a snapshot of a buffer behind everything submitted so far.
    fn request(&mut self, buffer: BufferId) -> Result<()> {
        self.submit(&[], Some(buffer))
    }

    /// Snapshots that have arrived since the last call, oldest first. Never waits.
    fn collect(&mut self) -> Result<Vec<Vec<u32>>>;

    /// Waits until everything submitted is done, so that the next [`Executor::collect`] has every snapshot.
    fn wait(&mut self) -> Result<()>;

    /// Host-to-device bytes uploaded so far (buffer contents and params).
    fn uploaded_bytes(&self) -> u64;
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
