//! Verification of a device: every kernel against its CPU twin and against an independent f64 reference over random and
//! hostile cases, gradients against finite differences, and a training run step by step.
//!
//! The bound on a float follows from WGSL's accuracy rules: the f64 reference carries, next to each value, how far an f32
//! evaluation may be off. Integers, copies and memory that must not be touched are compared bit by bit. A kernel joins
//! with one case generator and its line (`cases`) and one reference (`oracle`), a target rule with its reference alone.
//!
//! ```
//! use softq::engine::cpu::CpuExecutor;
//! use softq::verify::{Options, run};
//!
//! // On a device of your own the executor is `softq::gpu::open`'s.
//! let options = Options { cases: 10, only: Some("log_softmax".into()), ..Options::default() };
//! let rows = run(&mut CpuExecutor::new(), &options, &mut |_| Ok(()))?;
//! assert!(rows.iter().all(|row| row.passed));
//! # Ok::<(), softq::Error>(())
//! ```

#[doc(hidden)]
pub mod action_gradients;
pub mod case;
#[doc(hidden)]
pub mod cases;
pub mod check;
pub mod compare;
#[doc(hidden)]
pub mod conformance;
pub mod draw;
#[doc(hidden)]
pub mod gradients;
mod network64;
pub mod oracle;
#[doc(hidden)]
pub mod policy_gradients;
#[doc(hidden)]
pub mod probes;
pub mod report;
pub mod sanitize;
pub mod shader;
#[doc(hidden)]
pub mod training;

pub use check::Check;
pub use report::{Errors, Failure, Row};

use std::sync::LazyLock;

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
            Some(only) if !names().contains(only) => {
                Err(Error::unknown("kernel or check", only, names().iter().map(String::as_str)))
            }
            _ => Ok(()),
        }
    }
}

/// Name of the check of gradients.
pub const GRADIENTS: &str = "gradients";
/// Name of the check of a policy network's gradients.
pub const POLICY_GRADIENTS: &str = "policy_gradients";
/// Name of the check of the gradients of a policy of real-valued actions.
pub const ACTION_GRADIENTS: &str = "action_gradients";
/// Name of the check of a training run.
pub const TRAINING: &str = "training";

/// Every kernel, with every target rule that it takes if it imports one, with its cases and its reference: probes first, then the
/// kernels in the order of their table.
///
/// ```
/// use softq::verify::{checks, names};
///
/// // A kernel that imports a target rule has a check for each of them.
/// let of_backup = checks().iter().filter(|check| check.kernel.name == "backup");
/// let found: Vec<String> = of_backup.map(|check| check.name()).collect();
/// assert!(found.contains(&"backup+munchausen".to_owned()));
/// assert!(found.iter().all(|name| names().contains(name)));
/// ```
pub fn checks() -> &'static [Check] {
    static CHECKS: LazyLock<Vec<Check>> = LazyLock::new(|| {
        let place =
            |check: &Check| kernels::table().iter().position(|kernel| kernel.name == check.kernel.name);
        let mut checks: Vec<Check> = cases::CHECKS.concat();
        checks.sort_by_key(place);
        checks.iter().flat_map(Check::with_rules).collect()
    });
    &CHECKS
}

/// Everything `only` may name: a kernel with its rule, or all rules of a kernel, or a check.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for check in checks() {
        let kernel = check.kernel.name;
        if check.rule.is_some() && !names.iter().any(|name| name == kernel) {
            names.push(kernel.to_owned());
        }
        names.push(check.name());
    }
    names.extend([GRADIENTS, POLICY_GRADIENTS, ACTION_GRADIENTS, TRAINING].map(str::to_owned));
    names
}

/// Runs the checks on an executor that can wait, handing each row to `on_row` as soon as it is there.
pub fn run(
    executor: &mut dyn Executor,
    options: &Options,
    on_row: &mut dyn FnMut(&Row) -> Result<()>,
) -> Result<Vec<Row>> {
    pollster::block_on(run_later(executor, options, on_row))
}

/// The same without keeping the thread, so that it runs in a browser too.
///
/// ```
/// use softq::engine::cpu::CpuExecutor;
/// use softq::verify::{Options, run_later};
///
/// // All rules of a kernel; every row is told as soon as it is there.
/// let options = Options { cases: 3, only: Some("backup".into()), ..Options::default() };
/// let (mut executor, mut told) = (CpuExecutor::new(), Vec::new());
/// let rows = pollster::block_on(run_later(&mut executor, &options, &mut |row| {
///     told.push(row.name.clone());
///     Ok(())
/// }))?;
/// assert!(rows.iter().all(|row| row.passed && row.name.starts_with("backup+")));
/// assert!(told.len() > 1 && told.len() == rows.len());
/// # Ok::<(), softq::Error>(())
/// ```
pub async fn run_later(
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
    for check in checks().iter().filter(|check| wanted(&check.name()) || wanted(check.kernel.name)) {
        add(check.run(executor, options).await?)?;
    }
    if wanted(GRADIENTS) {
        add(gradients::check(executor, options).await?)?;
    }
    if wanted(POLICY_GRADIENTS) {
        add(policy_gradients::check(executor, options).await?)?;
    }
    if wanted(ACTION_GRADIENTS) {
        add(action_gradients::check(executor, options).await?)?;
    }
    if wanted(TRAINING) {
        add(training::check(executor, options).await?)?;
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
            let rules = kernels::targets::RULES.iter().filter(|rule| kernel.takes(rule)).count();
            let wanted = if kernel.uses_rule { rules } else { 1 };
            assert_eq!(found, wanted, "{}: add a generator with its line and a reference", kernel.name);
        }
    }

    #[test]
    fn cases_depend_on_the_seed_and_the_index_alone() {
        for check in checks() {
            let [a, b, c] = [(1, 3), (1, 3), (2, 3)].map(|(seed, index)| check.draw(seed, index));
            assert_eq!((&a.params, &a.bindings), (&b.params, &b.bindings), "{}", check.name());
            assert_ne!(a.bindings, c.bindings, "{}", check.name());
        }
    }
}
