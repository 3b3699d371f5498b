//! `softq_reference.jsonl` and `softq_prior.jsonl`: fixed points of soft Q-iteration in f64 for tables of transitions, with
//! the sweeps they took; in the second file relative to a reference policy.
//!
//! Each entry names its table: one that stands in the file, or an environment with what differs from its defaults. The
//! latter is read from the log of that environment in the same folder; where there is none, it is found by asking the
//! engine's own environment. Then f64
//! and the device solve it: the f64 solution must agree to 1e-9 and in its counts, the device's to 1e-4 of each value, and
//! its soft policy iteration with it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::agents::tabular::{Method, Problem as Task, Setting, Solution, solve};
use crate::envs::mdp::Mdp;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::log::{Line, Log};
use crate::verify::conformance::report::{Outcome, Problem, malformed, unsupported};
use crate::verify::oracle::exact::Soft;

mod tables;

use tables::{Table, find, table};

/// Kind of the lines.
const KIND: &str = "softq";
/// Kind of those whose objective is relative to a reference policy, and of the lines that hold the policies.
const PRIOR: &str = "softq_prior";
const PRIOR_TABLE: &str = "softq_prior_table";

/// Allowed between f64 solutions, relative to the larger of 1 and the value.
const F64_BOUND: f64 = 1e-9;
/// Allowed of the device, relative to the value.
const F32_BOUND: f64 = 1e-4;
/// Part of [`F32_BOUND`] allowed relative to the largest value of the table, for values that cancel to almost nothing.
const FLOOR: f64 = 0.01;
/// Allowed between counts of sweeps.
const COUNT_BOUND: f64 = 2.0;
/// The bound whose first crossing is counted.
const CROSSING: f64 = 1e-8;
/// Where sweeps of f32 and f64 are compared: far above the rounding of f32, as a share of the largest Q.
const COARSE: f64 = 1e-4;
/// The device goes on until only rounding is left.
const TOLERANCE: f64 = 0.0;
/// Sweeps given to the device.
const MAX_SWEEPS: u32 = 200_000;

/// Whether the log is one of these.
pub fn is(log: &Log) -> bool {
    !log.header.has("env") && log.lines.iter().any(|line| [KIND, PRIOR].contains(&line.kind()))
}

/// Replays every entry, table by table.
pub fn replay(log: &Log, folder: &Path, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let mut tables: BTreeMap<&str, Entries<'_>> = BTreeMap::new();
    for line in &log.lines {
        let kind = line.kind();
        if ![KIND, PRIOR, PRIOR_TABLE, "table"].contains(&kind) {
            comparison.notes.push(format!("line {} of kind '{kind}'", line.number));
            continue;
        }
        let Some(name) = line.text("mdp") else {
            return malformed(format!("line {}: no 'mdp'", line.number));
        };
        let entries = tables.entry(name).or_default();
        match kind {
            KIND => entries.plain.push(line),
            PRIOR => entries.relative.push(line),
            PRIOR_TABLE => entries.policies.push(line),
            _ => entries.table = Some(line),
        }
    }
    let mut missing = Vec::new();
    for (name, entries) in tables {
        let found = match entries.table {
            Some(line) => table(line).map(|mdp| Table { states: mdp.states as usize, mdp }),
            None => find(name, folder, device),
        };
        match found {
            Ok(table) => {
                compare(&table, &entries.plain, &[], device, comparison)?;
                let references = entries.references(&table)?;
                compare(&table, &entries.relative, &references, device, comparison)?;
            }
            Err(Problem::Unsupported(reason)) => missing.push(reason),
            Err(problem) => return Err(problem),
        }
    }
    if missing.is_empty() { Ok(()) } else { unsupported(missing.join("; ")) }
}

/// What a file says about one table.
#[derive(Default)]
struct Entries<'a> {
    plain: Vec<&'a Line>,
    relative: Vec<&'a Line>,
    policies: Vec<&'a Line>,
    table: Option<&'a Line>,
}

impl Entries<'_> {
    /// The reference policy of each entry that is relative to one.
    fn references(&self, table: &Table) -> Outcome<Vec<Vec<f64>>> {
        let actions = table.mdp.actions as usize;
        let of = |line: &&Line| {
            let prior = line.text("prior");
            let Some(policy) = self.policies.iter().find(|policy| policy.text("prior") == prior) else {
                let name = prior.unwrap_or_default();
                return malformed(format!("line {}: no {PRIOR_TABLE} of prior '{name}'", line.number));
            };
            let mut shares = policy.rows("pi_bar", actions)?.concat();
            policy.expect_len("pi_bar", shares.len(), table.states * actions)?;
            // A state of the engine's own, where episodes end, has nothing to choose.
            shares.resize(table.mdp.states as usize * actions, 1.0 / actions as f64);
            Ok(shares)
        };
        self.relative.iter().map(of).collect()
    }
}

/// Solves one table for all its entries, and compares.
fn compare(
    table: &Table,
    lines: &[&Line],
    references: &[Vec<f64>],
    device: &mut Device<'_>,
    comparison: &mut Comparison,
) -> Outcome<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let setting = |line: &&Line| {
        let number = |key: &str| match line.get(key).and_then(Value::as_f64) {
            Some(number) => Ok(number),
            None => malformed(format!("line {}: '{key}' is no number", line.number)),
        };
        Ok(Setting { gamma: number("gamma")?, alpha: number("tau")?, tolerance: TOLERANCE })
    };
    let settings = lines.iter().map(setting).collect::<Outcome<Vec<_>>>()?;
    let mut task = Task {
        mdp: &table.mdp,
        method: Method::SoftQIteration,
        kl: false,
        max_sweeps: MAX_SWEEPS,
        settings: &settings,
        references,
    };
    let iterated = solve(device.executor(), &task)?;
    task.method = Method::SoftPolicyIteration;
    let improved = solve(device.executor(), &task)?;
    let solutions = settings.iter().zip(iterated.iter().zip(&improved));
    for (index, (line, (setting, (iterated, improved)))) in lines.iter().zip(solutions).enumerate() {
        let reference = references.get(index).map(Vec::as_slice);
        let soft = Soft { gamma: setting.gamma, alpha: setting.alpha, kl: false, reference };
        entry(table, line, soft, [iterated, improved], comparison)?;
        comparison.cases += 1;
    }
    Ok(())
}

fn entry(
    table: &Table,
    line: &Line,
    soft: Soft<'_>,
    [iterated, improved]: [&Solution; 2],
    comparison: &mut Comparison,
) -> Outcome<()> {
    let label =
        |what: &str| format!("line {} ({}): {what}", line.number, line.text("mdp").unwrap_or_default());
    let mdp = &table.mdp;
    let Some(fixed) = soft.iterate(mdp) else {
        return malformed(label("f64 soft Q-iteration does not come to rest"));
    };
    let actions = mdp.actions as usize;
    let (all, fixed) = (&fixed, &fixed[..table.states * actions]);
    let values: Vec<f64> = fixed.chunks(actions).enumerate().map(|(state, q)| soft.value(state, q)).collect();

    // Recorded numbers by place: Q in full or not at all, V in full or every so many states.
    let stride = line.get("V_stride").map_or(Ok(1), |stride| line.index("V_stride", stride))?.max(1) as usize;
    let recorded_values = line.numbers("V")?;
    line.expect_len("V", recorded_values.len(), values.len().div_ceil(stride))?;
    let recorded_q = if line.has("Q") { line.rows("Q", actions)?.concat() } else { Vec::new() };
    if line.has("Q") {
        line.expect_len("Q", recorded_q.len(), fixed.len())?;
    }
    let largest = values.iter().chain(fixed).fold(0.0, |most: f64, value| most.max(value.abs()));
    let close = |want: f64| F64_BOUND * want.abs().max(1.0);
    // Relative to a reference, entropy and its cross term cancel: that file's own bound is a share of the largest value.
    let floor = if soft.reference.is_some() { 1.0 } else { FLOOR };
    // What entropy and cross term are worth in f32 before they cancel, over all steps.
    let terms =
        f64::from(f32::EPSILON) / (1.0 - soft.gamma).max(f64::EPSILON) * soft.alpha * nats(soft.reference);
    let size = if soft.reference.is_some() { largest.max(1.0).max(terms / F32_BOUND) } else { largest };
    let near = |want: f64| F32_BOUND * want.abs().max(floor * size);
    for (index, want) in recorded_values.iter().enumerate() {
        let state = index * stride;
        let place = || label(&format!("V[{state}]"));
        comparison.value("f64_v", values[state], *want, close(*want), place);
        comparison.value("v", f64::from(iterated.values[state]), *want, near(*want), place);
        comparison.value("policy_iteration_v", f64::from(improved.values[state]), *want, near(*want), place);
    }
    for (index, want) in recorded_q.iter().enumerate() {
        let place = || label(&format!("Q[{}][{}]", index / actions, index % actions));
        comparison.value("f64_q", fixed[index], *want, close(*want), place);
        comparison.value("q", f64::from(iterated.q[index]), *want, near(*want), place);
        comparison.value("policy_iteration_q", f64::from(improved.q[index]), *want, near(*want), place);
    }
    // Where only a part is recorded, all states still are compared with f64.
    for (index, want) in fixed.iter().enumerate() {
        let place = || label(&format!("Q[{index}] of f64"));
        comparison.value("q", f64::from(iterated.q[index]), *want, near(*want), place);
        comparison.value("policy_iteration_q", f64::from(improved.q[index]), *want, near(*want), place);
    }
    for (key, got) in [("Q_sum", fixed), ("V_sum", &values)] {
        if let Some(sum) = line.get(key) {
            let sum = line.number(key, sum)?;
            let bound = F64_BOUND * got.iter().map(|value| value.abs()).sum::<f64>().max(1.0);
            comparison.value("f64_sum", got.iter().sum(), sum, bound, || label(key));
        }
    }
    if let (Some(mean), false) = (line.get("V_start_mean"), mdp.starts.is_empty()) {
        let mean = line.number("V_start_mean", mean)?;
        let got = mdp.starts.iter().map(|(state, share)| share * values[*state as usize]).sum();
        comparison.value("f64_v_start", got, mean, close(mean), || label("V_start_mean"));
    }
    counts(mdp, line, soft, all, iterated, comparison)
}

/// Most that a step can be worth relative to a reference policy, in nats.
fn nats(reference: Option<&[f64]>) -> f64 {
    let taken = reference.unwrap_or_default().iter().filter(|share| **share > 0.0);
    taken.fold(0.0, |most, share| most.max(-share.ln()))
}

/// Sweeps of f64 against the record, and of the device against f64 where both can still tell.
fn counts(
    mdp: &Mdp,
    line: &Line,
    soft: Soft<'_>,
    fixed: &[f64],
    iterated: &Solution,
    comparison: &mut Comparison,
) -> Outcome<()> {
    let label =
        |what: &str| format!("line {} ({}): {what}", line.number, line.text("mdp").unwrap_or_default());
    let Some(sweeps) = soft.sweeps_until(mdp, fixed, CROSSING) else {
        return malformed(label("f64 soft Q-iteration does not come to rest"));
    };
    // How near to the fixed point two sweeps of f64 come depends on the order of their sums, and a sweep comes nearer by gamma alone.
    let largest = fixed.iter().fold(1.0, |most: f64, q| most.max(q.abs()));
    let rounding = match soft.gamma < 1.0 {
        true => f64::EPSILON * largest / (1.0 - soft.gamma).powi(2) / CROSSING,
        false => 0.0,
    };
    let bounds = [COUNT_BOUND, COUNT_BOUND + rounding];
    for ((key, got), bound) in ["iters_residual_1e8", "iters_error_1e8"].into_iter().zip(sweeps).zip(bounds) {
        if let Some(want) = line.get(key) {
            comparison.value(key, got as f64, line.number(key, want)?, bound, || label(key));
        }
    }
    let coarse = COARSE * fixed.iter().fold(1.0, |most: f64, q| most.max(q.abs()));
    let Some([want, _]) = soft.sweeps_until(mdp, fixed, coarse) else {
        return malformed(label("f64 soft Q-iteration does not come to rest"));
    };
    let first = iterated.history.iter().position(|sweep| f64::from(sweep.residual) < coarse);
    let got = first.map_or(f64::INFINITY, |sweep| (sweep + 1) as f64);
    comparison.value("sweeps", got, want as f64, COUNT_BOUND, || label("sweeps of the device"));
    Ok(())
}
