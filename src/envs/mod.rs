//! Environments: one WGSL file each in `shaders/envs`, its CPU twin here, and the registry.

pub mod cartpole;

pub use crate::engine::env::{Env, EnvTwin};
use crate::error::{Error, Result};

/// All built-in environments.
pub fn registry() -> &'static [&'static Env] {
    static REGISTRY: &[&Env] = &[&cartpole::CARTPOLE];
    REGISTRY
}

/// Finds an environment by id or short name, ignoring case.
pub fn find(name: &str) -> Result<&'static Env> {
    registry()
        .iter()
        .find(|env| env.id.eq_ignore_ascii_case(name) || env.short.eq_ignore_ascii_case(name))
        .copied()
        .ok_or_else(|| {
            Error::unknown("environment", name, registry().iter().flat_map(|env| [env.short, env.id]))
        })
}
