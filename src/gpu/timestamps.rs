//! When passes ran, by the timestamps that the device writes at their begin and end.

use crate::engine::executor::Span;
use crate::error::{Error, Result};
use crate::gpu::device::GpuDevice;

/// Passes of one submission that can be timed: WebGPU's limit of 4,096 queries per set, two for each.
pub(super) const MOST_PASSES: usize = 2048;

/// Two timestamps for each pass of one submission.
pub(super) struct Timestamps {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
    count: u32,
}

impl Timestamps {
    /// For `passes` passes, at most [`MOST_PASSES`].
    pub fn new(device: &wgpu::Device, passes: usize) -> Timestamps {
        let count = 2 * passes.max(1) as u32;
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size: 8 * u64::from(count),
                usage,
                mapped_at_creation: false,
            })
        };
        Timestamps {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count,
            }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            staging: buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ),
            count,
        }
    }

    /// Where pass `index` writes them.
    pub fn of_pass(&self, index: usize) -> wgpu::ComputePassTimestampWrites<'_> {
        let first = 2 * index as u32;
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(first),
            end_of_pass_write_index: Some(first + 1),
        }
    }

    /// Brings them to where the host can read them, behind all passes.
    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.queries, 0..self.count, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.staging, 0, self.staging.size());
    }

    /// Waits for the submission and reads them, in nanoseconds since the first.
    pub fn read(&self, gpu: &GpuDevice, submission: wgpu::SubmissionIndex) -> Result<Vec<Span>> {
        self.map(|_| {});
        gpu.wait(Some(submission))?;
        let spans = self.spans(f64::from(gpu.queue.get_timestamp_period()));
        self.staging.unmap();
        spans.map_err(|message| Error::DeviceLost { message })
    }

    /// Asks for them; `ended` is told, once the submission that wrote them has ended, whether they are here.
    pub fn map(&self, ended: impl FnOnce(bool) + Send + 'static) {
        self.staging.map_async(wgpu::MapMode::Read, .., move |result| ended(result.is_ok()));
    }

    /// Nanoseconds of the first pass out of timestamps that are here, which are given back for another submission.
    pub fn taken(&self, period: f64) -> u64 {
        let taken = self.spans(period).ok().and_then(|spans| spans.first().copied());
        self.staging.unmap();
        taken.map_or(0, |span| span.end.saturating_sub(span.begin))
    }

    fn spans(&self, period: f64) -> std::result::Result<Vec<Span>, String> {
        let unread = |error| format!("timestamps could not be read: {error:?}");
        let view = self.staging.get_mapped_range(..).map_err(unread)?;
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&view);
        let first = ticks.first().copied().unwrap_or(0);
        let nanoseconds = |tick: u64| (tick.wrapping_sub(first) as f64 * period) as u64;
        let pairs = ticks.chunks_exact(2);
        Ok(pairs.map(|pair| Span { begin: nanoseconds(pair[0]), end: nanoseconds(pair[1]) }).collect())
    }
}
