//! Verification of a device: every kernel against its CPU twin and against an independent f64 reference over random and
//! hostile cases, gradients against finite differences, and a training run step by step.
//!
//! The bound on a float follows from WGSL's accuracy rules: the f64 reference carries, next to each value, how far an f32
//! evaluation may be off. Integers, copies and memory that must not be touched are compared bit by bit. A kernel joins
//! with one case generator (`cases`), one reference (`oracle`) and one line in [`checks`].

pub mod cases;
pub mod check;
pub mod compare;
pub mod conformance;
pub mod gradients;
pub mod oracle;
pub mod probes;
pub mod report;
pub mod training;

pub use check::Check;
pub use report::{Errors, Failure, Row};

use crate::engine::executor::Executor;
use crate::error::{Error, Result};
use crate::kernels;

/// What to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Seed of all cases.
    pub seed: u64,
    /// Cases per kernel.
    pub cases: usize,
    /// A kernel or check; all if absent.
    pub only: Option<String>,
    /// One case alone.
    pub case: Option<usize>,
    /// Demand equal bits of floats too, as holds where `+ - * /` and `sqrt` are correctly rounded and nothing is fused.
    pub exact: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { seed: 0, cases: 100, only: None, case: None, exact: false }
    }
}

impl Options {
    /// Whether `only` names something.
    pub fn check(&self) -> Result<()> {
        match &self.only {
            Some(only) if !names().contains(&only.as_str()) => {
                Err(Error::unknown("kernel or check", only, names()))
            }
            _ => Ok(()),
        }
    }
}

/// Name of the check of gradients.
pub const GRADIENTS: &str = "gradients";
/// Name of the check of a training run.
pub const TRAINING: &str = "training";

/// Every kernel with its cases and its reference, probes first.
pub fn checks() -> &'static [Check] {
    const RULES: &str = "WGSL rules";
    const COPIES: &str = "integers and copies";
    static CHECKS: &[Check] = &[
        Check {
            kernel: &probes::RNG,
            case: cases::probes::rng,
            oracle: oracle::probes::rng,
            bound: "equal bits",
            source: COPIES,
        },
        Check {
            kernel: &probes::MATH,
            case: cases::probes::math,
            oracle: oracle::probes::math,
            bound: "2 x measured in shared::math",
            source: "measured",
        },
        Check {
            kernel: &kernels::env_reset::KERNEL,
            case: cases::environment::env_reset,
            oracle: oracle::environment::env_reset,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::act_step::KERNEL,
            case: cases::environment::act_step,
            oracle: oracle::environment::act_step,
            bound: "2 x running error, choice margin 1e-4",
            source: RULES,
        },
        Check {
            kernel: &kernels::env_rollout::KERNEL,
            case: cases::environment::env_rollout,
            oracle: oracle::environment::env_rollout,
            bound: "2 x running error of a single step",
            source: RULES,
        },
        Check {
            kernel: &kernels::env_draw::KERNEL,
            case: cases::environment::env_draw,
            oracle: oracle::environment::env_draw,
            bound: "the twin alone",
            source: "shaders/env_draw.wgsl",
        },
        Check {
            kernel: &kernels::env_probe::KERNEL,
            case: cases::environment::env_probe,
            oracle: oracle::environment::env_probe,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::replay_sample::KERNEL,
            case: cases::environment::replay_sample,
            oracle: oracle::environment::replay_sample,
            bound: "copies; 2 x running error of sums",
            source: RULES,
        },
        Check {
            kernel: &kernels::append_actions::KERNEL,
            case: cases::network::append_actions,
            oracle: oracle::network::append_actions,
            bound: "equal bits",
            source: COPIES,
        },
        Check {
            kernel: &kernels::priority_insert::KERNEL,
            case: cases::priority::priority_insert,
            oracle: oracle::priority::priority_insert,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::priority_draw::KERNEL,
            case: cases::priority::priority_draw,
            oracle: oracle::priority::priority_draw,
            bound: "2 x running error, choice margin 1.2e-6",
            source: RULES,
        },
        Check {
            kernel: &kernels::priority_update::KERNEL,
            case: cases::priority::priority_update,
            oracle: oracle::priority::priority_update,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::dense_forward::KERNEL,
            case: cases::dense::dense_forward,
            oracle: oracle::dense::dense_forward,
            bound: "(n+2) 2^-23 sum|x w|",
            source: RULES,
        },
        Check {
            kernel: &kernels::dense_forward_tiled::KERNEL,
            case: cases::dense::dense_forward_tiled,
            oracle: oracle::dense::dense_forward,
            bound: "(n+2) 2^-23 sum|x w|",
            source: RULES,
        },
        Check {
            kernel: &kernels::fused_forward::KERNEL,
            case: cases::fused::fused_forward,
            oracle: oracle::fused::fused_forward,
            bound: "running error of the layers",
            source: RULES,
        },
        Check {
            kernel: &kernels::layer_norm::KERNEL,
            case: cases::network::layer_norm,
            oracle: oracle::network::layer_norm,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::silu::KERNEL,
            case: cases::network::silu,
            oracle: oracle::network::silu,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::silu_backward::KERNEL,
            case: cases::network::silu_backward,
            oracle: oracle::network::silu_backward,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::dueling::KERNEL,
            case: cases::network::dueling,
            oracle: oracle::network::dueling,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::log_softmax::KERNEL,
            case: cases::rows::log_softmax,
            oracle: oracle::rows::log_softmax,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::backup::KERNEL,
            case: cases::backup::backup,
            oracle: oracle::backup::backup,
            bound: "2 x running error, choice margin 1e-4",
            source: RULES,
        },
        Check {
            kernel: &kernels::entropy_bonus::KERNEL,
            case: cases::rows::entropy_bonus,
            oracle: oracle::rows::entropy_bonus,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::td_error::KERNEL,
            case: cases::rows::td_error,
            oracle: oracle::rows::td_error,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::dueling_backward::KERNEL,
            case: cases::network::dueling_backward,
            oracle: oracle::network::dueling_backward,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::layer_norm_backward_weights::KERNEL,
            case: cases::network::layer_norm_backward_weights,
            oracle: oracle::network::layer_norm_backward_weights,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::layer_norm_backward_input::KERNEL,
            case: cases::network::layer_norm_backward_input,
            oracle: oracle::network::layer_norm_backward_input,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::dense_backward_weights::KERNEL,
            case: cases::dense::dense_backward_weights,
            oracle: oracle::dense::dense_backward_weights,
            bound: "(n+1) 2^-23 sum|x dy|",
            source: RULES,
        },
        Check {
            kernel: &kernels::dense_backward_weights_tiled::KERNEL,
            case: cases::dense::dense_backward_weights_tiled,
            oracle: oracle::dense::dense_backward_weights,
            bound: "(n+1) 2^-23 sum|x dy|",
            source: RULES,
        },
        Check {
            kernel: &kernels::dense_backward_input::KERNEL,
            case: cases::dense::dense_backward_input,
            oracle: oracle::dense::dense_backward_input,
            bound: "(n+2) 2^-23 sum|dy w|",
            source: RULES,
        },
        Check {
            kernel: &kernels::dense_backward_input_tiled::KERNEL,
            case: cases::dense::dense_backward_input_tiled,
            oracle: oracle::dense::dense_backward_input,
            bound: "(n+2) 2^-23 sum|dy w|",
            source: RULES,
        },
        Check {
            kernel: &kernels::fused_backward::KERNEL,
            case: cases::fused::fused_backward,
            oracle: oracle::fused::fused_backward,
            bound: "running error of the layers",
            source: RULES,
        },
        Check {
            kernel: &kernels::fused_gradients::KERNEL,
            case: cases::fused::fused_gradients,
            oracle: oracle::fused::fused_gradients,
            bound: "running error of the layers",
            source: RULES,
        },
        Check {
            kernel: &kernels::grad_norm::KERNEL,
            case: cases::learner::grad_norm,
            oracle: oracle::learner::grad_norm,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::adam::KERNEL,
            case: cases::learner::adam,
            oracle: oracle::learner::adam,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::update_end::KERNEL,
            case: cases::learner::update_end,
            oracle: oracle::learner::update_end,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::temperature_step::KERNEL,
            case: cases::learner::temperature_step,
            oracle: oracle::learner::temperature_step,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::metrics::KERNEL,
            case: cases::learner::metrics,
            oracle: oracle::learner::metrics,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::tabular_value::KERNEL,
            case: cases::tabular::tabular_value,
            oracle: oracle::tabular::tabular_value,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::tabular_backup::KERNEL,
            case: cases::tabular::tabular_backup,
            oracle: oracle::tabular::tabular_backup,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::tabular_residual::KERNEL,
            case: cases::tabular::tabular_residual,
            oracle: oracle::tabular::tabular_residual,
            bound: "2 x running error",
            source: RULES,
        },
        Check {
            kernel: &kernels::tabular_policy::KERNEL,
            case: cases::tabular::tabular_policy,
            oracle: oracle::tabular::tabular_policy,
            bound: "2 x running error, tie margin 1e-5",
            source: RULES,
        },
    ];
    CHECKS
}

/// Everything `only` may name.
pub fn names() -> Vec<&'static str> {
    checks().iter().map(|check| check.kernel.name).chain([GRADIENTS, TRAINING]).collect()
}

/// Runs the checks on `executor`, handing each row to `on_row` as soon as it is there.
pub fn run(
    executor: &mut dyn Executor,
    options: &Options,
    on_row: &mut dyn FnMut(&Row) -> Result<()>,
) -> Result<Vec<Row>> {
    options.check()?;
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| only == name);
    let mut rows = Vec::new();
    let mut add = |row: Row| {
        on_row(&row)?;
        rows.push(row);
        Ok::<(), Error>(())
    };
    for check in checks().iter().filter(|check| wanted(check.kernel.name)) {
        add(check.run(executor, options)?)?;
    }
    if wanted(GRADIENTS) {
        add(gradients::check(executor, options)?)?;
    }
    if wanted(TRAINING) {
        add(training::check(executor, options)?)?;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_of_the_table_is_checked() {
        for kernel in kernels::table() {
            let found = checks().iter().filter(|check| check.kernel.name == kernel.name).count();
            assert_eq!(
                found, 1,
                "{}: add a generator, a reference and a line in verify::checks",
                kernel.name
            );
        }
    }

    #[test]
    fn cases_depend_on_the_seed_and_the_index_alone() {
        for check in checks() {
            let [a, b, c] = [(1, 3), (1, 3), (2, 3)].map(|(seed, index)| check.draw(seed, index));
            assert_eq!((&a.params, &a.bindings), (&b.params, &b.bindings), "{}", check.kernel.name);
            assert_ne!(a.bindings, c.bindings, "{}", check.kernel.name);
        }
    }
}
