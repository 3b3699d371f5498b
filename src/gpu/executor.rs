//! The GPU executor: a recording becomes pipelines, bind groups and one params buffer, once; running it only re-encodes.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::engine::env::Env;
use crate::engine::executor::{Executor, Grain, Program, Span, check_buffer, check_programs, check_words};
use crate::engine::memory;
use crate::engine::merge::Arenas;
use crate::engine::recording::{BufferDecl, BufferId, Buffers, Recording};
use crate::engine::variant::Variant;
use crate::error::{Error, Result};
use crate::gpu::device::GpuDevice;
use crate::gpu::merging::Merging;
use crate::gpu::meter::Meter;
use crate::gpu::readback::{DEPTH, ReadbackRing};
use crate::gpu::signal::Signal;
use crate::gpu::timestamps::{MOST_PASSES, Timestamps};

/// Runs programs on a wgpu device.
pub struct GpuExecutor {
    gpu: GpuDevice,
    address: String,
    /// The device's buffers.
    memory: Vec<wgpu::Buffer>,
    /// Of every declared buffer, the device's buffer that it lies in and its first byte there.
    places: Vec<(usize, u64)>,
    decls: Buffers,
    programs: Vec<Vec<Resolved>>,
    /// Where programs are merged into kernels of whole iterations.
    merging: Option<Merging>,
    ring: ReadbackRing,
    submissions: VecDeque<wgpu::SubmissionIndex>,
    /// Submissions under way, where the device cannot be waited for, and what is raised when one ends.
    under_way: Arc<AtomicUsize>,
    ended: Signal,
    uploaded: u64,
    /// Times of all submissions, if that was asked for.
    meter: Option<Meter>,
    /// Timestamps of the submissions that are timed one by one.
    clock: OnceCell<Timestamps>,
}

/// Submissions under way where the device cannot be waited for: one that runs, and the next behind it.
const UNDER_WAY: usize = 2;

/// A dispatch with everything looked up.
pub(super) struct Resolved {
    pub pipeline: wgpu::ComputePipeline,
    pub bind_group: wgpu::BindGroup,
    pub grid: [u32; 3],
}

impl GpuExecutor {
    /// An executor over an opened device.
    pub fn new(gpu: GpuDevice) -> GpuExecutor {
        GpuExecutor {
            address: gpu.report().address.clone(),
            gpu,
            memory: Vec::new(),
            places: Vec::new(),
            decls: Buffers::default(),
            programs: Vec::new(),
            merging: None,
            ring: ReadbackRing::default(),
            submissions: VecDeque::new(),
            under_way: Arc::default(),
            ended: Signal::default(),
            uploaded: 0,
            meter: None,
            clock: OnceCell::new(),
        }
    }

    /// An executor that makes one kernel of all that a submission repeats, in which a workgroup takes an agent through whole
    /// iterations (`engine::merge`). States and parameters of environments in its memory are those of `env`.
    pub fn merging(gpu: GpuDevice, env: &'static Env) -> GpuExecutor {
        GpuExecutor { merging: Some(Merging::new(env)), ..GpuExecutor::new(gpu) }
    }

    /// Destroys the device under the run, as a reset of the driver does: for tests of what happens then.
    pub fn destroy_device(&self) {
        self.gpu.device.destroy();
    }

    /// Nanoseconds between two ticks of the device's clock.
    fn tick(&self) -> f64 {
        f64::from(self.gpu.queue.get_timestamp_period())
    }

    /// Where a buffer lies: the device's buffer, its first byte there, and its declared length in bytes.
    fn buffer(&self, buffer: BufferId) -> Result<(&wgpu::Buffer, u64, u64)> {
        let index = check_buffer(buffer, self.places.len())?;
        let (memory, first) = self.places[index];
        Ok((&self.memory[memory], first, self.decls.decls[index].words * 4))
    }

    /// Programs so far.
    fn prepared(&self) -> usize {
        self.merging.as_ref().map_or(self.programs.len(), Merging::programs)
    }

    /// Compiles what `programs` need, where that waits for what is to run together.
    fn compile(&mut self, programs: &[(Program, u32)]) -> Result<()> {
        check_programs(programs, self.prepared())?;
        if let Some(merging) = &mut self.merging {
            self.uploaded += merging.compile(programs, &self.gpu, &self.memory)?;
        }
        Ok(())
    }

    /// Encodes one run of a dispatch.
    fn encode(pass: &mut wgpu::ComputePass<'_>, dispatch: &Resolved) {
        pass.set_pipeline(&dispatch.pipeline);
        pass.set_bind_group(0, &dispatch.bind_group, &[]);
        let [x, y, z] = dispatch.grid;
        pass.dispatch_workgroups(x, y, z);
    }

    /// Every run of every dispatch of `programs`, in order.
    fn dispatches<'a>(
        &'a self,
        programs: &'a [(Program, u32)],
    ) -> Box<dyn Iterator<Item = &'a Resolved> + 'a> {
        match &self.merging {
            Some(merging) => Box::new(merging.dispatches(programs).into_iter()),
            None => Box::new(programs.iter().flat_map(|(program, repeat)| {
                std::iter::repeat_n(&self.programs[program.0], *repeat as usize).flatten()
            })),
        }
    }

    /// Runs each group of dispatches as a pass of its own, all in one submission, and waits for the times of the passes.
    fn clock_passes<'a>(
        gpu: &GpuDevice,
        groups: impl Iterator<Item = Vec<&'a Resolved>>,
        timestamps: &Timestamps,
    ) -> Result<Vec<Span>> {
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        for (index, group) in groups.enumerate() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(timestamps.of_pass(index)),
            });
            group.into_iter().for_each(|dispatch| GpuExecutor::encode(&mut pass, dispatch));
        }
        timestamps.resolve(&mut encoder);
        let submission = gpu.queue.submit([encoder.finish()]);
        gpu.check()?;
        timestamps.read(gpu, submission)
    }

    fn submit_encoder(&mut self, encoder: wgpu::CommandEncoder) -> Result<wgpu::SubmissionIndex> {
        let submission = self.gpu.queue.submit([encoder.finish()]);
        self.gpu.check()?;
        if !self.gpu.waits {
            let (under_way, ended) = (self.under_way.clone(), self.ended.clone());
            under_way.fetch_add(1, Ordering::AcqRel);
            self.gpu.queue.on_submitted_work_done(move || {
                under_way.fetch_sub(1, Ordering::AcqRel);
                ended.raise();
            });
            return Ok(submission);
        }
        self.submissions.push_back(submission.clone());
        // Bounded work in flight: more than a few submissions only add latency and can starve the display.
        while self.submissions.len() > DEPTH + 1 {
            if let Some(oldest) = self.submissions.pop_front() {
                self.gpu.wait(Some(oldest))?;
            }
        }
        Ok(submission)
    }
}

impl Executor for GpuExecutor {
    fn address(&self) -> &str {
        &self.address
    }

    fn max_buffer_bytes(&self) -> u64 {
        let limits = self.gpu.device.limits();
        limits.max_buffer_size.min(limits.max_storage_buffer_binding_size)
    }

    fn allocate(&mut self, buffers: &Buffers) -> Result<()> {
        // A software device lives in the host's memory, and only notices when the system has none left.
        if self.gpu.report().device_type == "Cpu" {
            memory::check(buffers)?;
        }
        // Of single buffers, or of one for each element type where programs are merged.
        let arenas = self.merging.as_ref().map(|merging| Arenas::of(buffers, merging.env));
        let (memory, places): (Vec<BufferDecl>, Vec<(usize, u64)>) = match &arenas {
            Some(arenas) => (
                arenas.decls(buffers),
                arenas.places.iter().map(|(arena, word)| (*arena, 4 * word)).collect(),
            ),
            None => (buffers.decls.clone(), (0..buffers.decls.len()).map(|index| (index, 0)).collect()),
        };
        let limit = self.max_buffer_bytes();
        for decl in &memory {
            let bytes = decl.words.saturating_mul(4);
            if bytes > limit {
                return Err(Error::TooLarge {
                    buffer: decl.name.clone(),
                    bytes,
                    limit,
                    device: self.gpu.report().describe(),
                    hint: decl.hint.into(),
                });
            }
        }
        self.programs.clear();
        if let Some(merging) = &mut self.merging {
            merging.clear();
            merging.arenas = arenas;
        }
        // A browser frees what is dropped when it collects its garbage, which may be long after the device has no memory left.
        if !self.gpu.waits {
            self.memory.iter().for_each(wgpu::Buffer::destroy);
        }
        // Snapshots of the old memory that nobody took.
        self.ring = ReadbackRing::default();
        self.decls = buffers.clone();
        self.places = places;
        let create = |decl: &BufferDecl| {
            self.gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(&decl.name),
                // Whole vec4s: kernels that load four words at a time reach the last one.
                size: (decl.words * 4).next_multiple_of(16),
                usage: wgpu::BufferUsages::STORAGE
                    | wgpu::BufferUsages::COPY_SRC
                    | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        };
        self.memory = memory.iter().map(create).collect();
        self.gpu.check()
    }

    fn write_at(&mut self, buffer: BufferId, first: u64, words: &[u32]) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(words);
        let (target, begin, length) = self.buffer(buffer)?;
        check_words(words, first, length / 4, &self.decls.decls[buffer.0 as usize].name)?;
        self.gpu.queue.write_buffer(target, begin + 4 * first, bytes);
        self.uploaded += bytes.len() as u64;
        self.gpu.check()
    }

    fn read(&mut self, buffer: BufferId) -> Result<Vec<u32>> {
        if !self.gpu.waits {
            let message = "a browser's device cannot be waited for: request the buffer, and collect it later";
            return Err(Error::Kernel { kernel: "read".into(), message: message.into() });
        }
        let (source, begin, bytes) = self.buffer(buffer)?;
        let mut ring = ReadbackRing::default();
        let staging = ring.staging(&self.gpu.device, bytes);
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(source, begin, &staging, 0, bytes);
        let submission = self.submit_encoder(encoder)?;
        ring.push(staging, bytes, submission.clone());
        self.gpu.wait(Some(submission))?;
        ring.take_ready()?
            .pop()
            .ok_or_else(|| Error::DeviceLost { message: "a finished readback did not arrive".into() })
    }

    fn prepare(&mut self, recording: &Recording) -> Result<Program> {
        for buffer in recording.dispatches.iter().flat_map(|dispatch| &dispatch.bindings) {
            check_buffer(buffer.id, self.places.len())?;
        }
        if let Some(merging) = &mut self.merging {
            return merging.prepare(recording);
        }
        // One buffer for all params of the program: static, so that an iteration uploads nothing.
        let alignment = u64::from(self.gpu.device.limits().min_storage_buffer_offset_alignment);
        let slot = |words: &[u32]| (words.len() as u64 * 4).next_multiple_of(alignment);
        let size: u64 = recording.dispatches.iter().map(|dispatch| slot(&dispatch.params)).sum();
        let arena = self.gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("params"),
            size: size.max(alignment),
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut offset = 0;
        let mut resolved = Vec::with_capacity(recording.dispatches.len());
        for dispatch in &recording.dispatches {
            let pipeline = self.gpu.pipeline(Variant::of(dispatch))?;
            let bytes: &[u8] = bytemuck::cast_slice(&dispatch.params);
            self.gpu.queue.write_buffer(&arena, offset, bytes);
            self.uploaded += bytes.len() as u64;
            let mut entries = vec![wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &arena,
                    offset,
                    size: wgpu::BufferSize::new(bytes.len() as u64),
                }),
            }];
            entries.extend(dispatch.bindings.iter().enumerate().map(|(index, buffer)| {
                wgpu::BindGroupEntry {
                    binding: index as u32 + 1,
                    resource: self.memory[self.places[buffer.id.0 as usize].0].as_entire_binding(),
                }
            }));
            let bind_group = self.gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(dispatch.kernel.name),
                layout: &pipeline.layout,
                entries: &entries,
            });
            resolved.push(Resolved { pipeline: pipeline.pipeline, bind_group, grid: dispatch.grid });
            offset += slot(&dispatch.params);
        }
        self.gpu.check()?;
        self.programs.push(resolved);
        Ok(Program(self.programs.len() - 1))
    }

    fn submit(&mut self, programs: &[(Program, u32)], snapshot: Option<BufferId>) -> Result<()> {
        self.compile(programs)?;
        let snapshot = snapshot.map(|buffer| check_buffer(buffer, self.places.len())).transpose()?;
        if snapshot.is_some()
            && self.gpu.waits
            && let Some(oldest) = self.ring.oldest_if_full()
        {
            self.gpu.wait(Some(oldest))?;
        }
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        let period = self.tick();
        let meter = self.meter.as_mut().filter(|_| !programs.is_empty());
        let timestamps = meter.map(|meter| meter.next(&self.gpu.device, period));
        if !programs.is_empty() {
            // One pass: a pass of its own costs about four times a dispatch.
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: timestamps.as_ref().map(|timestamps| timestamps.of_pass(0)),
            });
            self.dispatches(programs).for_each(|dispatch| GpuExecutor::encode(&mut pass, dispatch));
        }
        if let Some(timestamps) = &timestamps {
            timestamps.resolve(&mut encoder);
        }
        let copied = snapshot.map(|index| {
            let ((memory, begin), bytes) = (self.places[index], self.decls.decls[index].words * 4);
            let staging = self.ring.staging(&self.gpu.device, bytes);
            encoder.copy_buffer_to_buffer(&self.memory[memory], begin, &staging, 0, bytes);
            (staging, bytes)
        });
        let submission = self.submit_encoder(encoder)?;
        if let Some((staging, bytes)) = copied {
            self.ring.push(staging, bytes, submission);
        }
        if let (Some(meter), Some(timestamps)) = (&mut self.meter, timestamps) {
            meter.push(timestamps);
        }
        Ok(())
    }

    fn meter(&mut self) -> bool {
        let clock = self.gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        self.meter = clock.then(Meter::default);
        clock
    }

    fn metered(&mut self) -> Option<Duration> {
        let period = self.tick();
        self.meter.as_mut().map(|meter| Duration::from_nanos(meter.total(period)))
    }

    fn clocked(&mut self, programs: &[(Program, u32)], grain: Grain) -> Result<Vec<Span>> {
        self.compile(programs)?;
        // A merged kernel's time is that of all that is in it.
        let parts = self.merging.is_some() && grain == Grain::Dispatch;
        if parts || !self.gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            self.submit(programs, None)?;
            self.wait()?;
            return Ok(Vec::new());
        }
        let dispatches: Vec<&Resolved> = self.dispatches(programs).collect();
        if grain == Grain::Submission {
            // Kept, since who times submissions by the wall clock as well does not mean to time this.
            let timestamps = self.clock.get_or_init(|| Timestamps::new(&self.gpu.device, 1));
            return GpuExecutor::clock_passes(&self.gpu, std::iter::once(dispatches), timestamps);
        }
        let mut spans = Vec::with_capacity(dispatches.len());
        for chunk in dispatches.chunks(MOST_PASSES) {
            let passes = chunk.iter().map(|dispatch| vec![*dispatch]);
            // Each submission's clock begins where the one before ended.
            let since = spans.last().map_or(0, |span: &Span| span.end);
            let timestamps = Timestamps::new(&self.gpu.device, chunk.len());
            let timed = GpuExecutor::clock_passes(&self.gpu, passes, &timestamps)?;
            spans.extend(
                timed.into_iter().map(|span| Span { begin: since + span.begin, end: since + span.end }),
            );
        }
        Ok(spans)
    }

    fn collect(&mut self) -> Result<Vec<Vec<u32>>> {
        // Delivers finished mappings; an error here is reported by `check`.
        let _ = self.gpu.device.poll(wgpu::PollType::Poll);
        self.gpu.check()?;
        self.ring.take_ready()
    }

    fn wait(&mut self) -> Result<()> {
        self.submissions.clear();
        self.gpu.wait(None)
    }

    fn waits(&self) -> bool {
        self.gpu.waits
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        // Before the look, so that what ends in between is not missed.
        self.ended.listen(context);
        match self.under_way.load(Ordering::Acquire) < UNDER_WAY {
            true => Poll::Ready(self.gpu.check()),
            false => self.gpu.check().map_or_else(|error| Poll::Ready(Err(error)), |()| Poll::Pending),
        }
    }

    fn poll_arrived(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        if self.gpu.waits {
            return Poll::Ready(self.wait());
        }
        self.ring.arrived.listen(context);
        match self.ring.oldest_ended() {
            true => Poll::Ready(self.gpu.check()),
            false => self.gpu.check().map_or_else(|error| Poll::Ready(Err(error)), |()| Poll::Pending),
        }
    }

    fn uploaded_bytes(&self) -> u64 {
        self.uploaded
    }
}
