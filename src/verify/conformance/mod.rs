//! Replays recorded numbers of other implementations through the engine's own kernels and agents, and compares.
//!
//! A folder holds algorithm cases (`NAME.json` with `NAME.safetensors`), environment logs (`NAME.jsonl`) and statistics of
//! scores (`rliable_*.json`). Every file gets one line; what the engine cannot replay is UNSUPPORTED with the reason, what
//! contradicts its format is FAIL. The host only loads inputs, records kernels, reads buffers and compares.
//!
//! A new family of cases is one file here with a `replay` function, and one line in `FAMILIES`.

mod autoreset;
mod batches;
mod bounds;
mod bsuite;
pub mod case;
mod classic;
mod cleanrl_pqn;
mod cleanrl_sac;
mod cleanrl_sac_discrete;
mod cleanrl_tanh_gaussian;
mod coax_boltzmann;
mod coax_nstep;
mod coax_softq;
pub mod compare;
mod device;
mod di_sqn;
mod di_sqn_forced;
mod double;
mod env_device;
mod env_log;
pub mod files;
mod kinks;
mod lambda_returns;
mod learning;
mod log;
mod minatar;
mod minatar_seaquest;
mod minatar_states;
mod network;
mod optimizer;
mod orig_sqn;
mod policy;
pub mod report;
mod rliable;
mod soft_q_tables;
mod svgd;
mod torch_adam;
mod torch_clip;
mod torch_conv2d;
mod torch_conv2d_net;
mod torch_losses;
mod torch_mlp;
mod torch_polyak;
mod torch_softmax;
mod toy_text;
mod trace;
mod transition;
mod updates;
mod variant;

use std::path::Path;

use crate::engine::executor::Executor;
use crate::error::{Error, Result};
use case::Case;
use compare::Comparison;
use device::Device;
use files::Entry;
use log::Log;
use report::{FileReport, Outcome, Problem, Totals, Verdict, malformed, unsupported};

/// Replays one case.
type ReplayFn = fn(&Case, &mut Device<'_>, &mut Comparison) -> Outcome<()>;

/// Families by the start of a case's name, most specific first.
const FAMILIES: &[(&str, ReplayFn)] = &[
    ("torch_adam", torch_adam::replay),
    ("torch_clip_grad_norm", torch_clip::replay),
    ("torch_polyak", torch_polyak::replay),
    ("torch_losses", torch_losses::replay),
    ("torch_softmax", torch_softmax::replay),
    ("torch_mlp", torch_mlp::replay),
    ("di_sqn_act_probs", di_sqn::replay_acting),
    ("di_sqn_forced", di_sqn_forced::replay),
    ("di_sqn", di_sqn::replay),
    ("orig_sqn", orig_sqn::replay),
    ("cleanrl_sac_continuous", cleanrl_sac::replay),
    ("cleanrl_tanh_gaussian", cleanrl_tanh_gaussian::replay),
    ("cleanrl_sac_discrete", cleanrl_sac_discrete::replay),
    ("cleanrl_pqn_returns", lambda_returns::replay_cleanrl),
    ("cleanrl_pqn_update", cleanrl_pqn::replay),
    ("purejaxql_returns", lambda_returns::replay_purejaxql),
    ("purejaxql_radam", torch_adam::replay_radam),
    ("torch_radam", torch_adam::replay_radam),
    ("torch_conv2d_net", torch_conv2d_net::replay),
    ("torch_conv2d", torch_conv2d::replay),
    ("svgd_kernel", svgd::replay_kernel),
    ("svgd_action_gradient", svgd::replay_action_gradient),
    ("svgd_soft_value", svgd::replay_soft_value),
    ("coax_softq", coax_softq::replay),
    ("coax_boltzmann", coax_boltzmann::replay),
    ("coax_nstep", coax_nstep::replay),
];

/// Replays the files below `folder`, or those that `only` names, and hands over each line as soon as it is known.
///
/// Errors are reserved for a folder that cannot be read and a device that fails; all else is a verdict.
pub fn run(
    executor: &mut dyn Executor,
    folder: &Path,
    only: Option<&str>,
    observe: &mut dyn FnMut(&FileReport) -> Result<()>,
) -> Result<Totals> {
    let mut entries = files::discover(folder)?;
    if let Some(only) = only {
        entries = files::select(entries, folder, only)?;
    }
    if entries.is_empty() {
        return Err(Error::file("read", folder, "the folder holds no conformance files"));
    }
    let mut totals = Totals::default();
    for entry in entries {
        let report = replay_entry(executor, folder, &entry)?;
        totals.count(report.verdict);
        observe(&report)?;
    }
    Ok(totals)
}

fn replay_entry(executor: &mut dyn Executor, folder: &Path, entry: &Entry) -> Result<FileReport> {
    let mut comparison = Comparison::default();
    let outcome = match entry {
        Entry::Case { description, tensors } => replay_case(executor, description, tensors, &mut comparison),
        Entry::Log(path) => replay_log(executor, path, &mut comparison),
        Entry::Scores(path) => {
            files::read(path).map_err(Problem::from).and_then(|text| rliable::replay(&text, &mut comparison))
        }
        Entry::Broken(_, reason) => malformed(reason.clone()),
        Entry::Unknown(_, reason) => unsupported(reason.clone()),
    };
    let problem = match outcome {
        Ok(()) => None,
        Err(Problem::Malformed(reason)) => Some((Verdict::Fail, reason)),
        Err(Problem::Unsupported(reason)) => Some((Verdict::Unsupported, reason)),
        Err(Problem::Engine(error @ (Error::DeviceLost { .. } | Error::Shader { .. }))) => return Err(error),
        Err(Problem::Engine(error)) => Some((Verdict::Fail, error.to_string())),
    };
    Ok(comparison.report(&entry.name(folder), problem))
}

fn replay_log(executor: &mut dyn Executor, path: &Path, comparison: &mut Comparison) -> Outcome<()> {
    let log = Log::parse(&files::read(path)?)?;
    let tolerances = path.with_file_name("tolerances.json");
    let tolerances: Option<serde_json::Value> = if tolerances.exists() {
        // A broken table has a line of its own; the logs beside it must not pass without it.
        match serde_json::from_slice(&files::read(&tolerances)?) {
            Ok(table) => Some(table),
            Err(error) => return malformed(format!("tolerances.json is not JSON: {error}")),
        }
    } else {
        None
    };
    if soft_q_tables::is(&log) {
        let folder = path.parent().unwrap_or(Path::new("."));
        return soft_q_tables::replay(&log, folder, &mut Device::new(executor), comparison);
    }
    env_log::replay(&log, tolerances.as_ref(), &mut Device::new(executor), comparison)
}

fn replay_case(
    executor: &mut dyn Executor,
    description: &Path,
    tensors: &Path,
    comparison: &mut Comparison,
) -> Outcome<()> {
    let case = Case::parse(&files::read(description)?, &files::read(tensors)?)?;
    let Some((_, replay)) = FAMILIES.iter().find(|(family, _)| case.name.starts_with(family)) else {
        return unsupported(format!("case family '{}' is unknown", case.name));
    };
    replay(&case, &mut Device::new(executor), comparison)?;
    if comparison.cases == 0 {
        return malformed("there is nothing to compare");
    }
    match case.unread().as_slice() {
        [] => Ok(()),
        unread => unsupported(format!("nothing here compares {} (the rest agrees)", unread.join(", "))),
    }
}
