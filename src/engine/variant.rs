//! A kernel as it is compiled: alone, or composed with an environment or a target rule.

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

use crate::engine::compose::compose;
use crate::engine::env::Env;
use crate::engine::kernel::Kernel;
use crate::engine::recording::Dispatch;
use crate::engine::rule::Rule;
use crate::error::Result;

/// A kernel with what fills its open places.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// The environment of a kernel that imports one.
    pub env: Option<&'static Env>,
    /// The target rule of a kernel that imports one.
    pub rule: Option<&'static Rule>,
}

impl Variant {
    /// What a dispatch runs.
    pub fn of(dispatch: &Dispatch) -> Variant {
        Variant { kernel: dispatch.kernel, env: dispatch.env, rule: dispatch.rule }
    }

    /// Every kernel of `kernels`, with each of `envs` that has what it needs if it imports one, and with each of `rules` if
    /// it imports a rule.
    pub fn all(kernels: &[&'static Kernel], envs: &[&'static Env], rules: &[&'static Rule]) -> Vec<Variant> {
        let mut variants = Vec::new();
        for kernel in kernels.iter().copied() {
            let fits = |env: &&&Env| kernel.fits(env.actions.outputs() > 0, env.has_draw);
            let envs: Vec<Option<&Env>> = match kernel.uses_env {
                true => envs.iter().filter(fits).copied().map(Some).collect(),
                false => vec![None],
            };
            let rules: Vec<Option<&Rule>> = match kernel.uses_rule {
                true => rules.iter().copied().map(Some).collect(),
                false => vec![None],
            };
            for env in envs {
                variants.extend(rules.iter().map(|rule| Variant { kernel, env, rule: *rule }));
            }
        }
        variants
    }

    /// `adam`, `act_step+cartpole` or `backup+munchausen`: also the stem of its file where one is written.
    pub fn name(&self) -> String {
        let mut name = self.kernel.name.to_owned();
        let parts = [self.env.map(|env| env.short.as_str()), self.rule.map(|rule| rule.name)];
        for part in parts.into_iter().flatten() {
            name += "+";
            name += part;
        }
        name
    }

    /// The complete WGSL.
    pub fn text(&self) -> Result<String> {
        Ok(compose(self.kernel, self.env, self.rule)?.text)
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
