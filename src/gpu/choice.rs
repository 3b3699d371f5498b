//! Which adapter a `--device` request takes, and why.

use serde::Serialize;

use crate::config::foreign_device;
use crate::engine::env::Env;
use crate::engine::threads;
use crate::error::{Error, Result};
use crate::gpu::INTERPRETER;
use crate::gpu::adapter::{AdapterReport, adapters, adapters_of, backends_of};

/// What a `--device` request resolved to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// `cpu` or an adapter address.
    pub address: String,
    /// Adapter name and driver.
    pub adapter: String,
    /// Why this one.
    pub reason: String,
    /// Whether it is a hardware GPU, not a driver or executor that runs on the CPU.
    pub hardware: bool,
}

/// What `--device <request>` takes on this machine to run shaders: rollouts, verification, environment files.
///
/// `auto` takes hardware first, then a software driver, then the CPU executor. `gpu` takes any adapter and never the CPU
/// executor. A backend word such as `vulkan` takes its first usable adapter.
pub fn choose(request: &str) -> Result<Choice> {
    choose_for(request, Work::Shaders)
}

/// The same to train in `env`: without hardware, `auto` takes the CPU executor if the environment has a CPU twin, because
/// it trains faster there than a software driver on the same cores (docs/performance.md).
///
/// ```
/// use softq::gpu::{Choice, choose_to_train};
///
/// let choice: Choice = choose_to_train("cpu", softq::envs::find("catch")?)?;
/// assert_eq!((choice.address.as_str(), choice.reason.as_str()), ("cpu", "asked for"));
/// assert!(!choice.hardware);
/// # Ok::<(), softq::Error>(())
/// ```
pub fn choose_to_train(request: &str, env: &Env) -> Result<Choice> {
    choose_for(request, if env.twin.is_some() { Work::Training } else { Work::Shaders })
}

/// What a device is wanted for, as far as it decides what `auto` takes without hardware.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Training in an environment with a CPU twin.
    Training,
    /// Anything else.
    Shaders,
}

fn choose_for(request: &str, work: Work) -> Result<Choice> {
    if request == "cpu" {
        return Ok(cpu_choice("asked for".into()));
    }
    if request == INTERPRETER {
        return Ok(Choice {
            address: INTERPRETER.into(),
            adapter: "WGSL interpreter".into(),
            reason: "asked for".into(),
            hardware: false,
        });
    }
    let adapters_found = adapters_of(backends_of(request));
    let primary = choose_among(request, &adapters_found, work);
    let none_usable = adapters_found.iter().all(|adapter| adapter.unusable.is_some());
    match (&primary, request) {
        (Ok(choice), "auto") if choice.address == "cpu" && none_usable => {
            choose_among(request, &adapters(), work)
        }
        (Err(_), _) => choose_among(request, &adapters(), work),
        _ => primary,
    }
}

/// The outcome of every request a user could make, for `softq devices`.
///
/// ```
/// use softq::gpu::{AdapterReport, list_choices};
///
/// let software = AdapterReport {
///     address: "vulkan:0".into(),
///     name: "llvmpipe".into(),
///     backend: "vulkan".into(),
///     device_type: "Cpu".into(),
///     driver: "Mesa".into(),
///     driver_info: "22.3.6".into(),
///     vendor: 0,
///     device: 0,
///     features: vec![],
///     limits: vec![],
///     unusable: None,
/// };
/// assert_eq!(software.describe(), "llvmpipe (vulkan, Mesa 22.3.6)");
/// let mut taken = Vec::new();
/// for (request, choice) in list_choices(&[software]) {
///     taken.push((request, choice?.address));
/// }
/// // With such a driver alone, training is for the CPU executor.
/// let taken: Vec<(&str, &str)> = taken.iter().map(|(request, address)| (&**request, &**address)).collect();
/// assert_eq!(taken, [("auto", "cpu"), ("gpu", "vulkan:0"), ("cpu", "cpu"), ("vulkan:0", "vulkan:0")]);
/// # Ok::<(), softq::Error>(())
/// ```
pub fn list_choices(adapters: &[AdapterReport]) -> Vec<(String, Result<Choice>)> {
    let mut requests: Vec<String> = ["auto", "gpu", "cpu"].map(str::to_owned).to_vec();
    requests.extend(adapters.iter().map(|adapter| adapter.address.clone()));
    requests
        .into_iter()
        .map(|request| {
            let mut choice = choose_among(&request, adapters, Work::Training);
            if let (Ok(choice), Ok(other)) = (&mut choice, choose_among(&request, adapters, Work::Shaders))
                && choice.address != other.address
            {
                choice.reason += &format!(
                    ". That is for training; rollouts and verification take {}: {}",
                    other.address, other.reason
                );
            }
            (request, choice)
        })
        .collect()
}

fn cpu_choice(reason: String) -> Choice {
    Choice {
        address: "cpu".into(),
        adapter: format!("CPU executor ({} threads)", threads::count()),
        reason,
        hardware: false,
    }
}

const INSTALL_HINT: &str =
    "Install a Vulkan driver (Debian: apt-get install mesa-vulkan-drivers), or use --device cpu";

/// Why no adapter was found; `wanted` is WGPU_BACKEND, which leaves out all backends that it does not name.
fn nothing_found(wanted: Option<&str>) -> String {
    let Some(wanted) = wanted else { return "no GPU driver is installed".to_owned() };
    match wgpu::Backends::from_comma_list(wanted).is_empty() {
        true => format!(
            "WGPU_BACKEND = '{}' names no backend, so none was looked at; it takes vulkan, metal, dx12, gl, or is left unset",
            wanted.escape_debug()
        ),
        false => format!("no GPU driver is installed for WGPU_BACKEND = '{}'", wanted.escape_debug()),
    }
}

fn choose_among(request: &str, adapters: &[AdapterReport], work: Work) -> Result<Choice> {
    let usable = || adapters.iter().filter(|adapter| adapter.unusable.is_none());
    let taken = |adapter: &AdapterReport, reason: &str| {
        Ok(Choice {
            address: adapter.address.clone(),
            adapter: adapter.describe(),
            reason: reason.into(),
            hardware: adapter.is_hardware(),
        })
    };
    let hardware = ["DiscreteGpu", "IntegratedGpu", "VirtualGpu"]
        .iter()
        .find_map(|kind| usable().find(|adapter| adapter.device_type == *kind));
    let software = || usable().find(|adapter| !adapter.is_hardware());
    match request {
        "cpu" => Ok(cpu_choice("asked for".into())),
        "auto" | "gpu" => {
            if let Some(adapter) = hardware {
                return taken(adapter, "the first hardware adapter, discrete before integrated");
            }
            if let Some(adapter) = software() {
                if request == "auto" && work == Work::Training {
                    return Ok(cpu_choice(format!(
                        "no hardware adapter was found, and the CPU executor trains faster than the software driver {}",
                        adapter.address
                    )));
                }
                return taken(adapter, "a software driver: no hardware adapter was found");
            }
            let reason = match adapters.first() {
                Some(adapter) => {
                    format!(
                        "{} cannot be used: {}",
                        adapter.name,
                        adapter.unusable.as_deref().unwrap_or("unknown")
                    )
                }
                None => nothing_found(std::env::var("WGPU_BACKEND").ok().as_deref()),
            };
            if request == "auto" {
                return Ok(cpu_choice(format!("{reason}. {INSTALL_HINT} to silence this")));
            }
            Err(Error::NoDevice { requested: request.into(), reason, hint: format!("{INSTALL_HINT}.") })
        }
        address => {
            let (backend, index) = address.split_once(':').unwrap_or((address, ""));
            let found = if index.is_empty() {
                usable().find(|adapter| adapter.backend == backend)
            } else {
                adapters.iter().find(|adapter| adapter.address == address)
            };
            match found {
                Some(AdapterReport { unusable: Some(reason), .. }) => Err(Error::NoDevice {
                    requested: address.into(),
                    reason: format!("the adapter cannot be used: {reason}"),
                    hint: "Choose another one: `softq devices` lists them.".into(),
                }),
                Some(adapter) => taken(adapter, "asked for"),
                None if foreign_device(address).is_some() => Err(Error::invalid(
                    "device",
                    address,
                    "auto, gpu, cpu, or an address such as vulkan:0",
                    foreign_device(address).unwrap_or_default(),
                )),
                None if !["vulkan", "metal", "dx12", "gl"].contains(&backend) => Err(Error::unknown(
                    "device",
                    address,
                    ["auto", "gpu", "cpu", INTERPRETER, "vulkan:0", "gl:0", "metal:0", "dx12:0"],
                )),
                None => Err(Error::NoDevice {
                    requested: address.into(),
                    reason: format!(
                        "there is no such adapter; this machine has: {}",
                        match adapters.len() {
                            0 => "none".into(),
                            _ => adapters.iter().map(|a| a.address.as_str()).collect::<Vec<_>>().join(", "),
                        }
                    ),
                    hint: match adapters.len() {
                        0 => format!("{INSTALL_HINT}."),
                        _ => "`softq devices` lists them.".into(),
                    },
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(address: &str, device_type: &str, unusable: Option<&str>) -> AdapterReport {
        AdapterReport {
            address: address.into(),
            name: format!("adapter {address}"),
            backend: address.split(':').next().unwrap_or_default().into(),
            device_type: device_type.into(),
            driver: String::new(),
            driver_info: String::new(),
            vendor: 0,
            device: 0,
            features: vec![],
            limits: vec![],
            unusable: unusable.map(str::to_owned),
        }
    }

    #[test]
    fn auto_prefers_hardware_and_without_it_what_is_faster() {
        let all = [
            adapter("vulkan:0", "Cpu", None),
            adapter("vulkan:1", "IntegratedGpu", None),
            adapter("vulkan:2", "DiscreteGpu", None),
        ];
        let takes =
            |adapters, work| choose_among("auto", adapters, work).expect("auto takes something").address;
        for work in [Work::Training, Work::Shaders] {
            assert_eq!(takes(&all, work), "vulkan:2");
            assert_eq!(takes(&all[..2], work), "vulkan:1");
            assert_eq!(takes(&[], work), "cpu");
        }
        assert_eq!(takes(&all[..1], Work::Training), "cpu");
        assert_eq!(takes(&all[..1], Work::Shaders), "vulkan:0");
        assert_eq!(choose_among("gpu", &all[..1], Work::Training).expect("software").address, "vulkan:0");
        let (request, choice) = list_choices(&all[..1]).swap_remove(0);
        let reason = choice.expect("auto").reason;
        assert!(request == "auto" && reason.contains("rollouts and verification take vulkan:0"), "{reason}");
    }

    #[test]
    fn an_adapter_below_the_limits_is_refused_by_name() {
        let weak = [adapter("gl:0", "IntegratedGpu", Some("its max_buffer_size is 1, and softq needs 2"))];
        assert_eq!(choose_among("auto", &weak, Work::Training).expect("falls back").address, "cpu");
        let error = choose_among("gl:0", &weak, Work::Training).expect_err("refused");
        assert!(error.to_string().contains("max_buffer_size"), "{error}");
        assert_eq!(error.exit_code(), 3);
        assert_eq!(choose_among("gpu", &[], Work::Training).expect_err("no driver").exit_code(), 3);
        assert_eq!(choose_among("vulkn:0", &weak, Work::Training).expect_err("typo").exit_code(), 2);
    }

    #[test]
    fn a_backend_that_does_not_exist_is_named() {
        assert_eq!(nothing_found(None), "no GPU driver is installed");
        assert!(nothing_found(Some("nonsense")).contains("'nonsense' names no backend"));
        assert!(nothing_found(Some("vulkan")).contains("for WGPU_BACKEND = 'vulkan'"));
        let error = choose_among("cuda:0", &[], Work::Training).expect_err("no such family").to_string();
        assert!(error.contains("cuda:0") && error.contains("--device gpu"), "{error}");
    }
}
