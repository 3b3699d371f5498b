//! Which adapters there are, and which of them can run softq.

use serde::Serialize;

/// One adapter, as `softq devices` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct AdapterReport {
    /// Address for `--device`, e.g. `vulkan:0`.
    pub address: String,
    /// Adapter name.
    pub name: String,
    /// `vulkan`, `metal`, `dx12` or `gl`.
    pub backend: String,
    /// `DiscreteGpu`, `IntegratedGpu`, `VirtualGpu`, `Cpu` or `Other`.
    pub device_type: String,
    /// Driver name.
    pub driver: String,
    /// Driver version.
    pub driver_info: String,
    /// PCI vendor id.
    pub vendor: u32,
    /// PCI device id.
    pub device: u32,
    /// Optional features softq knows how to use or reports.
    pub features: Vec<String>,
    /// Limits that matter for compute.
    pub limits: Vec<(String, u64)>,
    /// Why softq cannot run on it, if so.
    pub unusable: Option<String>,
}

impl AdapterReport {
    /// Name and driver in one line.
    pub fn describe(&self) -> String {
        let driver = [self.driver.as_str(), self.driver_info.as_str()].join(" ");
        format!("{} ({}, {})", self.name, self.backend, driver.trim())
    }

    /// Software drivers run on the CPU; `auto` takes them only when there is no hardware, and then not to train.
    pub fn is_hardware(&self) -> bool {
        match self.backend.as_str() {
            // A browser says of an adapter whether it is software, and nothing else.
            "webgpu" => self.device_type != "Cpu",
            _ => matches!(self.device_type.as_str(), "DiscreteGpu" | "IntegratedGpu" | "VirtualGpu"),
        }
    }
}

/// The limits of WebGPU's default device: everything softq needs on its default path.
pub(super) fn required_limits() -> wgpu::Limits {
    wgpu::Limits::default()
}

/// An instance that looks at `backends` alone. GL is left out unless it is asked for: probing it prints to stderr on
/// machines without a display.
pub(super) fn instance(backends: wgpu::Backends) -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends &= backends;
    // Validation layers are a developer's choice (WGPU_VALIDATION=1), not a default that slows start-up.
    if std::env::var_os("WGPU_VALIDATION").is_none() {
        descriptor.flags.remove(wgpu::InstanceFlags::VALIDATION | wgpu::InstanceFlags::DEBUG);
    }
    wgpu::Instance::new(descriptor)
}

pub(super) async fn enumerate(instance: &wgpu::Instance) -> Vec<(AdapterReport, wgpu::Adapter)> {
    let mut count = std::collections::HashMap::new();
    instance
        .enumerate_adapters(wgpu::Backends::all())
        .await
        .into_iter()
        .map(|adapter| {
            let info = adapter.get_info();
            let backend = match info.backend {
                wgpu::Backend::Vulkan => "vulkan",
                wgpu::Backend::Metal => "metal",
                wgpu::Backend::Dx12 => "dx12",
                wgpu::Backend::Gl => "gl",
                wgpu::Backend::BrowserWebGpu => "webgpu",
                wgpu::Backend::Noop => "noop",
            };
            let index = count.entry(backend).or_insert(0);
            let address = format!("{backend}:{index}");
            *index += 1;
            (report(address, backend, &info, &adapter), adapter)
        })
        .collect()
}

fn report(
    address: String,
    backend: &str,
    info: &wgpu::AdapterInfo,
    adapter: &wgpu::Adapter,
) -> AdapterReport {
    let limits = adapter.limits();
    let known = [
        ("timestamp-query", wgpu::Features::TIMESTAMP_QUERY),
        ("subgroup", wgpu::Features::SUBGROUP),
        ("shader-f16", wgpu::Features::SHADER_F16),
        ("shader-float32-atomic", wgpu::Features::SHADER_FLOAT32_ATOMIC),
        ("pipeline-cache", wgpu::Features::PIPELINE_CACHE),
    ];
    let features = known
        .iter()
        .filter(|(_, feature)| adapter.features().contains(*feature))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let shown = [
        ("max_buffer_size", limits.max_buffer_size),
        ("max_storage_buffer_binding_size", limits.max_storage_buffer_binding_size),
        ("max_storage_buffers_per_shader_stage", u64::from(limits.max_storage_buffers_per_shader_stage)),
        ("max_compute_workgroup_storage_size", u64::from(limits.max_compute_workgroup_storage_size)),
        ("max_compute_invocations_per_workgroup", u64::from(limits.max_compute_invocations_per_workgroup)),
        ("max_compute_workgroups_per_dimension", u64::from(limits.max_compute_workgroups_per_dimension)),
        ("min_storage_buffer_offset_alignment", u64::from(limits.min_storage_buffer_offset_alignment)),
    ];
    let compute = adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS);
    let unusable = if compute { below(&limits) } else { Some("it has no compute shaders".to_owned()) };
    AdapterReport {
        address,
        name: info.name.clone(),
        backend: backend.to_owned(),
        device_type: format!("{:?}", info.device_type),
        driver: info.driver.clone(),
        driver_info: info.driver_info.clone(),
        vendor: info.vendor,
        device: info.device,
        features,
        limits: shown.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        unusable,
    }
}

/// Names the first compute limit of an adapter that is below what softq's default path needs.
fn below(limits: &wgpu::Limits) -> Option<String> {
    let need = required_limits();
    let rows = [
        (
            "max_storage_buffers_per_shader_stage",
            u64::from(limits.max_storage_buffers_per_shader_stage),
            u64::from(need.max_storage_buffers_per_shader_stage),
        ),
        (
            "max_storage_buffer_binding_size",
            limits.max_storage_buffer_binding_size,
            need.max_storage_buffer_binding_size,
        ),
        ("max_buffer_size", limits.max_buffer_size, need.max_buffer_size),
        (
            "max_compute_invocations_per_workgroup",
            u64::from(limits.max_compute_invocations_per_workgroup),
            u64::from(need.max_compute_invocations_per_workgroup),
        ),
        (
            "max_compute_workgroup_storage_size",
            u64::from(limits.max_compute_workgroup_storage_size),
            u64::from(need.max_compute_workgroup_storage_size),
        ),
        (
            "max_compute_workgroups_per_dimension",
            u64::from(limits.max_compute_workgroups_per_dimension),
            u64::from(need.max_compute_workgroups_per_dimension),
        ),
    ];
    rows.iter()
        .find(|(_, have, need)| have < need)
        .map(|(name, have, need)| format!("its {name} is {have}, and softq needs {need}"))
}

/// All adapters of this machine. Empty when no driver is installed.
pub fn adapters() -> Vec<AdapterReport> {
    adapters_of(wgpu::Backends::all())
}

pub(super) fn adapters_of(backends: wgpu::Backends) -> Vec<AdapterReport> {
    let instance = instance(backends);
    pollster::block_on(enumerate(&instance)).into_iter().map(|(report, _)| report).collect()
}

/// Backends that an address or a `--device` word can mean.
pub(super) fn backends_of(request: &str) -> wgpu::Backends {
    if request.starts_with("gl") { wgpu::Backends::GL } else { wgpu::Backends::PRIMARY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_below_the_default_are_named() {
        let limits = wgpu::Limits { max_storage_buffers_per_shader_stage: 4, ..wgpu::Limits::default() };
        assert!(below(&limits).expect("too few").contains("max_storage_buffers_per_shader_stage is 4"));
        assert_eq!(below(&wgpu::Limits::default()), None);
    }
}
