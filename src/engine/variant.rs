//! A kernel as it is compiled: alone, or composed with one environment.

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

use crate::engine::compose::compose;
use crate::engine::env::Env;
use crate::engine::kernel::Kernel;
use crate::error::Result;

/// A kernel with what fills its open places.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// The environment of a kernel that imports one.
    pub env: Option<&'static Env>,
}

impl Variant {
    /// Every kernel of `kernels`, once if it imports no environment, else with each of `envs` that has what it needs.
    pub fn all(kernels: &[&'static Kernel], envs: &[&'static Env]) -> Vec<Variant> {
        let mut variants = Vec::new();
        for kernel in kernels.iter().copied() {
            if !kernel.uses_env {
                variants.push(Variant { kernel, env: None });
                continue;
            }
            let fitting =
                envs.iter().copied().filter(|env| kernel.fits(env.actions.outputs() > 0, env.has_draw));
            variants.extend(fitting.map(|env| Variant { kernel, env: Some(env) }));
        }
        variants
    }

    /// `adam`, or `act_step+cartpole`: also the stem of its file where one is written.
    pub fn name(&self) -> String {
        match self.env {
            Some(env) => format!("{}+{}", self.kernel.name, env.short),
            None => self.kernel.name.to_owned(),
        }
    }

    /// The complete WGSL.
    pub fn text(&self) -> Result<String> {
        Ok(compose(self.kernel, self.env)?.text)
    }
}

/// The module of a complete WGSL text, valid under WebGPU core: default capabilities grant no extension.
pub fn parse(wgsl: &str) -> std::result::Result<(naga::Module, ModuleInfo), String> {
    let module = naga::front::wgsl::parse_str(wgsl).map_err(|error| error.emit_to_string(wgsl))?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::default())
        .validate(&module)
        .map_err(|error| error.emit_to_string(wgsl))?;
    Ok((module, info))
}
