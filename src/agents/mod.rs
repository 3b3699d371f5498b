//! Algorithms: each is a list of kernels over named buffers, readable beside its paper.

pub mod acting;
pub mod hyper;
pub mod plan;
pub mod sqn;
pub mod tabular;

pub use plan::Plan;

use crate::config::Config;
use crate::engine::env::Env;
use crate::error::{Error, Result};

/// Names for `--algo`.
pub const ALGORITHMS: &[&str] = &["sqn"];

/// The plan of `config.algo` in `env`.
pub fn plan(config: &Config, env: &'static Env) -> Result<Plan> {
    let plan = match config.algo.as_str() {
        "sqn" => sqn::plan(config, env),
        other => Err(Error::unknown("algorithm", other, ALGORITHMS.iter().copied())),
    };
    // A kernel refuses sizes that its grid or loops cannot cover; the user chose them by these fields.
    plan.map_err(|error| match error {
        Error::Kernel { kernel, message } => Error::invalid(
            "hidden, batch_size, num_envs or eval_episodes",
            format!(
                "{:?}, {}, {}, {}",
                config.hidden, config.batch_size, config.num_envs, config.eval_episodes
            ),
            "small enough for one dispatch",
            format!("Kernel '{kernel}': {message}"),
        ),
        other => other,
    })
}
