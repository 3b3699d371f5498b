//! One opened device: queue, error collection, pipelines per kernel.

#[cfg(feature = "drivers")]
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::engine::env::Env;
use crate::engine::guard;
use crate::engine::kernel::{Access, Kernel};
use crate::engine::merge::Merged;
#[cfg(feature = "drivers")]
use crate::engine::variant;
use crate::engine::variant::Variant;
use crate::error::{Error, Result};
use crate::gpu::Compiling;
use crate::gpu::adapter::{AdapterReport, backends_of, enumerate, instance, required_limits};
use crate::shared::layout::Layout;

/// Longest wait for the device before it is given up as lost.
const WAIT: Duration = Duration::from_secs(120);

/// The name of merged kernels in messages and for tools.
const MERGED: &str = "megakernel";

/// Most storage buffers of a merged kernel: element types of a plan.
const MERGED_BUFFERS: u32 = 16;

/// A wgpu device with softq's conventions.
///
/// [`crate::gpu::open`] opens the one that a [`Choice`](crate::gpu::Choice) names; this is one by its address:
///
/// ```
/// use softq::gpu::{GpuDevice, GpuExecutor};
///
/// let executor = pollster::block_on(GpuDevice::open("vulkan:99")).map(GpuExecutor::new);
/// let error = executor.err().expect("no machine has a hundred");
/// assert_eq!(error.exit_code(), 3);
/// assert!(error.to_string().contains("vulkan:99"));
/// ```
pub struct GpuDevice {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) report: AdapterReport,
    /// Whether [`GpuDevice::wait`] waits: a browser's device calls back, and only while nothing of ours runs.
    pub(super) waits: bool,
    failure: Arc<Mutex<Option<String>>>,
    pipelines: HashMap<(&'static str, usize, &'static str), Pipeline>,
    checked: bool,
}

/// A compute pipeline with the layout its bind groups need.
#[derive(Clone)]
pub(super) struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

impl GpuDevice {
    /// Opens the adapter at `address` with WebGPU's default limits, raised for buffer sizes, and for what merged kernels may take
    /// more of than single ones.
    pub async fn open(address: &str) -> Result<GpuDevice> {
        let instance = instance(backends_of(address));
        let found = enumerate(&instance).await.into_iter().find(|(report, _)| report.address == address);
        let Some((report, adapter)) = found else {
            return Err(Error::NoDevice {
                requested: address.into(),
                reason: "there is no such adapter".into(),
                hint: "`softq devices` lists them.".into(),
            });
        };
        let has = adapter.limits();
        let required_limits = wgpu::Limits {
            max_buffer_size: has.max_buffer_size,
            max_storage_buffer_binding_size: has.max_storage_buffer_binding_size,
            max_storage_buffers_per_shader_stage: has
                .max_storage_buffers_per_shader_stage
                .min(MERGED_BUFFERS),
            max_compute_workgroup_storage_size: has.max_compute_workgroup_storage_size,
            ..required_limits()
        };
        let (device, queue) = adapter
            .request_device(&wgpu::DeviceDescriptor {
                label: Some("softq"),
                // Only `clocked` uses it; without it there are no times by the device's clock.
                required_features: adapter.features() & wgpu::Features::TIMESTAMP_QUERY,
                required_limits,
                memory_hints: wgpu::MemoryHints::Performance,
                ..Default::default()
            })
            .await
            .map_err(|error| Error::NoDevice {
                requested: address.into(),
                reason: format!("the driver refused to open it: {error}"),
                hint: "Try another adapter or --device cpu.".into(),
            })?;
        let waits = adapter.get_info().backend != wgpu::Backend::BrowserWebGpu;
        let failure = Arc::new(Mutex::new(None));
        let slot = failure.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| keep_first(&slot, error.to_string())));
        let slot = failure.clone();
        device.set_device_lost_callback(move |reason, message| {
            keep_first(&slot, format!("{reason:?} {message}"));
        });
        // SOFTQ_CHECKED=1 keeps wgpu's bounds and loop checks in release builds; debug builds always have them.
        let checked =
            cfg!(debug_assertions) || std::env::var("SOFTQ_CHECKED").is_ok_and(|value| value == "1");
        Ok(GpuDevice { device, queue, report, waits, failure, pipelines: HashMap::new(), checked })
    }

    /// The adapter.
    pub fn report(&self) -> &AdapterReport {
        &self.report
    }

    /// The first error the driver or wgpu reported, if any.
    pub(super) fn check(&self) -> Result<()> {
        let failure = match self.failure.lock() {
            Ok(failure) => failure.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        };
        match failure {
            Some(message) => Err(Error::DeviceLost { message }),
            None => Ok(()),
        }
    }

    /// Waits until `submission` (or everything, if `None`) is done.
    pub(super) fn wait(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<()> {
        self.device
            .poll(wgpu::PollType::Wait { submission_index: submission, timeout: Some(WAIT) })
            .map_err(|error| Error::DeviceLost { message: format!("no answer after {WAIT:?}: {error}") })?;
        self.check()
    }

    /// The pipeline of a kernel, built at first use.
    pub(super) fn pipeline(&mut self, variant: Variant) -> Result<Pipeline> {
        let Variant { kernel, env, rule } = variant;
        // Environments are unique values: the same id with other parameters is another one.
        let env_key = env.filter(|_| kernel.uses_env).map_or(0, |env| std::ptr::from_ref(env) as usize);
        let key = (kernel.name, env_key, rule.map_or("", |rule| rule.name));
        if let Some(pipeline) = self.pipelines.get(&key) {
            return Ok(pipeline.clone());
        }
        let source = variant.text()?;
        let layout = self.bind_group_layout(kernel);
        let compilation = Compiling::begin(variant.name());
        let pipeline = guard::guarded(|| self.compile(kernel.name, env, source, &layout))
            .unwrap_or_else(|message| Err(message_of(kernel, env, &message)))?;
        drop(compilation);
        self.check()
            .map_err(|error| Error::Shader { shader: kernel.name.into(), message: error.to_string() })?;
        let pipeline = Pipeline { pipeline, layout };
        self.pipelines.insert(key, pipeline.clone());
        Ok(pipeline)
    }

    /// The pipeline of a merged kernel.
    pub(super) fn merged_pipeline(&self, merged: &Merged, env: &'static Env) -> Result<Pipeline> {
        let buffers = merged.types.len() as u32;
        let limits = self.device.limits();
        if buffers > limits.max_storage_buffers_per_shader_stage {
            let most = limits.max_storage_buffers_per_shader_stage;
            let allowed = format!("false on {}", self.report.describe());
            let hint = format!("It binds {buffers} storage buffers, and the device {most}.");
            return Err(Error::invalid("megakernel", true, allowed, hint));
        }
        let uniform = wgpu::BindGroupLayoutEntry {
            binding: 0,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Uniform,
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let entries: Vec<_> =
            [uniform].into_iter().chain((1..=buffers).map(|binding| entry(binding, false, 0))).collect();
        let label = Some(MERGED);
        let layout = self
            .device
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
        let compilation = Compiling::begin(MERGED.into());
        let text = merged.text.clone();
        let pipeline =
            guard::guarded(|| self.compile(MERGED, Some(env), text, &layout)).unwrap_or_else(|message| {
                Err(Error::Shader {
                    shader: MERGED.into(),
                    message: format!("the shader compiler gave up: {message}"),
                })
            })?;
        drop(compilation);
        self.check().map_err(|error| Error::Shader { shader: MERGED.into(), message: error.to_string() })?;
        Ok(Pipeline { pipeline, layout })
    }

    /// What a merged kernel runs on: its uniform buffer of `words`, and the arenas.
    pub(super) fn merged_bind_group(
        &self,
        pipeline: &Pipeline,
        words: &[u32],
        arenas: &[&wgpu::Buffer],
    ) -> wgpu::BindGroup {
        let uniform = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("params"),
            size: words.len() as u64 * 4,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.queue.write_buffer(&uniform, 0, bytemuck::cast_slice(words));
        let buffers = [&uniform].into_iter().chain(arenas.iter().copied());
        let entries: Vec<_> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(MERGED),
            layout: &pipeline.layout,
            entries: &entries,
        })
    }

    /// Compiles a text for this device.
    fn compile(
        &self,
        name: &str,
        env: Option<&'static Env>,
        source: String,
        layout: &wgpu::BindGroupLayout,
    ) -> Result<wgpu::ComputePipeline> {
        let text = shader_source(env, source);
        let descriptor = wgpu::ShaderModuleDescriptor { label: Some(name), source: text };
        let module = if self.checked || env.is_some_and(|env| env.user) {
            self.device.create_shader_module(descriptor)
        } else {
            // SAFETY: the shaders are softq's own. Every index is below the lengths that `Recording::dispatch` checks
            // against the buffers, and every loop is bounded by the count it checks, so bounds and loop checks can be
            // left out; debug builds and tests run the same shaders with them. A user's environment file always keeps them.
            unsafe {
                self.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
            }
        };
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(name),
            bind_group_layouts: &[Some(layout)],
            immediate_size: 0,
        });
        Ok(self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            // Every kernel writes its workgroup memory before reading it.
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        }))
    }

    fn bind_group_layout(&self, kernel: &Kernel) -> wgpu::BindGroupLayout {
        let params_size = match kernel.params {
            Layout::Struct { size, .. } => u64::from(size),
            _ => 4,
        };
        let mut entries = vec![entry(0, true, params_size)];
        for (index, binding) in kernel.bindings.iter().enumerate() {
            let read_only = binding.access == Access::Read;
            entries.push(entry(index as u32 + 1, read_only, 0));
        }
        self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(kernel.name),
            entries: &entries,
        })
    }
}

/// The text of a shader. What the writers of some backends do not take is rewritten, in files of users alone; a browser takes
/// the text as it is.
fn shader_source(env: Option<&Env>, source: String) -> wgpu::ShaderSource<'static> {
    #[cfg(feature = "drivers")]
    if env.is_some_and(|env| env.user)
        && let Some(module) = variant::rewritten(&source)
    {
        return wgpu::ShaderSource::Naga(Cow::Owned(module));
    }
    let _ = env;
    wgpu::ShaderSource::Wgsl(source.into())
}

fn entry(binding: u32, read_only: bool, min_size: u64) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Storage { read_only },
            has_dynamic_offset: false,
            // None leaves the check against the shader to wgpu, when the bind group is used.
            min_binding_size: wgpu::BufferSize::new(min_size),
        },
        count: None,
    }
}

/// A compiler that gave up, for the file that made it do so.
fn message_of(kernel: &Kernel, env: Option<&Env>, message: &str) -> Error {
    let message = format!(
        "the shader compiler gave up on kernel '{}' ({message}); please report it, and simplify what was changed last",
        kernel.name
    );
    match env.filter(|env| env.user) {
        Some(env) => Error::EnvFile { file: env.file.clone(), line: None, message },
        None => Error::Shader { shader: kernel.name.into(), message },
    }
}

fn keep_first(slot: &Mutex<Option<String>>, message: String) {
    let mut slot = match slot.lock() {
        Ok(slot) => slot,
        Err(poisoned) => poisoned.into_inner(),
    };
    slot.get_or_insert(message);
}
