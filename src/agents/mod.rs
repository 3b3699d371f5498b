//! Algorithms: each is a list of kernels over named buffers, readable beside its paper.

pub mod acting;
pub mod hyper;
pub mod plan;
pub mod sqn;

pub use plan::Plan;

use crate::engine::env::Env;
use crate::error::{Error, Result};
use crate::train::config::Config;

/// Names for `--algo`.
pub const ALGORITHMS: &[&str] = &["sqn"];

/// The plan of `config.algo` in `env`.
pub fn plan(config: &Config, env: &'static Env) -> Result<Plan> {
    match config.algo.as_str() {
        "sqn" => sqn::plan(config, env),
        other => Err(Error::unknown("algorithm", other, ALGORITHMS.iter().copied())),
    }
}
