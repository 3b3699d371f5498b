//! The device as the replays use it: typed writes and reads, and programs that run once.

use crate::engine::executor::{Executor, Program, read_as, write_as};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::shared::layout::GpuType;
use crate::verify::conformance::report::{Outcome, malformed};

/// An executor whose memory belongs to one replay at a time.
pub struct Device<'a> {
    executor: &'a mut dyn Executor,
}

impl<'a> Device<'a> {
    /// Wraps an executor.
    pub fn new(executor: &'a mut dyn Executor) -> Device<'a> {
        Device { executor }
    }

    /// The executor itself, for what allocates its own memory.
    pub fn executor(&mut self) -> &mut dyn Executor {
        self.executor
    }

    /// Replaces all memory, zero-filled, and resolves one recording over it.
    pub fn prepare(&mut self, buffers: &Buffers, recording: &Recording) -> Result<Program> {
        self.executor.allocate(buffers)?;
        self.executor.prepare(recording)
    }

    /// Resolves another recording over the same memory.
    pub fn also(&mut self, recording: &Recording) -> Result<Program> {
        self.executor.prepare(recording)
    }

    /// Writes at the start of a buffer.
    pub fn write<T: GpuType>(&mut self, buffer: Buffer<T>, values: &[T]) -> Result<()> {
        write_as(self.executor, buffer.id, values)
    }

    /// Runs a program once.
    pub fn run(&mut self, program: Program) -> Result<()> {
        self.executor.submit(&[(program, 1)], None)
    }

    /// Waits and reads the one record of a buffer.
    pub fn only<T: GpuType>(&mut self, buffer: Buffer<T>) -> Outcome<T> {
        match self.read(buffer)?.first() {
            Some(record) => Ok(*record),
            None => malformed("a record is empty"),
        }
    }

    /// Waits and reads a whole buffer.
    pub fn read<T: GpuType>(&mut self, buffer: Buffer<T>) -> Result<Vec<T>> {
        read_as(self.executor, buffer.id)
    }
}
