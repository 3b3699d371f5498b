//! A ring of staging buffers: small results come back while the device keeps working.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{Error, Result};
use crate::gpu::signal::Signal;

/// Snapshots in flight before a submission waits for the oldest one.
pub(super) const DEPTH: usize = 3;

/// How the mapping of a staging buffer stands.
pub(super) const PENDING: u8 = 0;
pub(super) const READY: u8 = 1;
pub(super) const FAILED: u8 = 2;

/// One copy on its way back.
pub(super) struct InFlight {
    buffer: wgpu::Buffer,
    bytes: u64,
    state: Arc<AtomicU8>,
    pub submission: wgpu::SubmissionIndex,
}

/// The ring. Staging buffers are reused once read.
#[derive(Default)]
pub(super) struct ReadbackRing {
    free: Vec<wgpu::Buffer>,
    in_flight: VecDeque<InFlight>,
    /// Raised by every mapping that ends.
    pub arrived: Signal,
}

impl ReadbackRing {
    /// A staging buffer of at least `bytes`.
    pub fn staging(&mut self, device: &wgpu::Device, bytes: u64) -> wgpu::Buffer {
        if let Some(index) = self.free.iter().position(|buffer| buffer.size() >= bytes) {
            return self.free.swap_remove(index);
        }
        device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("readback"),
            size: bytes,
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        })
    }

    /// Starts mapping a staging buffer whose copy was just submitted.
    pub fn push(&mut self, buffer: wgpu::Buffer, bytes: u64, submission: wgpu::SubmissionIndex) {
        let state = Arc::new(AtomicU8::new(PENDING));
        let (flag, arrived) = (state.clone(), self.arrived.clone());
        buffer.map_async(wgpu::MapMode::Read, ..bytes, move |result| {
            flag.store(if result.is_ok() { READY } else { FAILED }, Ordering::Release);
            arrived.raise();
        });
        self.in_flight.push_back(InFlight { buffer, bytes, state, submission });
    }

    /// The oldest snapshot in flight, if the ring is full.
    pub fn oldest_if_full(&self) -> Option<wgpu::SubmissionIndex> {
        (self.in_flight.len() >= DEPTH).then(|| self.in_flight[0].submission.clone())
    }

    /// Whether the oldest snapshot's mapping has ended, well or not, or none is in flight at all.
    pub fn oldest_ended(&self) -> bool {
        self.in_flight.front().is_none_or(|oldest| oldest.state.load(Ordering::Acquire) != PENDING)
    }

    /// Snapshots whose mapping has finished, oldest first.
    pub fn take_ready(&mut self) -> Result<Vec<Vec<u32>>> {
        let mut ready = Vec::new();
        while let Some(oldest) = self.in_flight.front() {
            match oldest.state.load(Ordering::Acquire) {
                PENDING => break,
                FAILED => return Err(Error::DeviceLost { message: "a readback could not be mapped".into() }),
                _ => {}
            }
            if let Some(done) = self.in_flight.pop_front() {
                ready.push(copy_out(&done.buffer, done.bytes)?);
                self.free.push(done.buffer);
            }
        }
        Ok(ready)
    }
}

/// Copies a mapped buffer's words out and unmaps it.
fn copy_out(buffer: &wgpu::Buffer, bytes: u64) -> Result<Vec<u32>> {
    let view = buffer
        .get_mapped_range(..bytes)
        .map_err(|error| Error::DeviceLost { message: format!("a readback could not be read: {error:?}") })?;
    let words = bytemuck::pod_collect_to_vec(&view);
    drop(view);
    buffer.unmap();
    Ok(words)
}
