//! `torch_softmax*`: the softmax family on rows that overflow, tie or lose digits in careless code.

use crate::engine::recording::{Buffers, Recording};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::policy::PolicyMemory;
use crate::verify::conformance::report::{Outcome, malformed};

/// Largest deviation of a row of probabilities from 1, as the file's notes demand.
const SUM_BOUND: f64 = 1e-6;

/// Replays every action count and temperature.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let alphas = case.f32("alphas")?;
    let tables: Vec<&str> = case.names().filter_map(|name| name.strip_suffix(".q")).collect();
    if tables.is_empty() {
        return malformed("no tensor '*.q'");
    }
    for table in tables {
        let name = format!("{table}.q");
        let [rows, actions] = case.matrix(&name)?;
        let q = case.f32(&name)?;
        let mut buffers = Buffers::default();
        let mut recording = Recording::default();
        let memory = PolicyMemory::new(&mut buffers, &mut recording, rows, actions)?;
        let program = device.prepare(&buffers, &recording)?;
        for (index, alpha) in alphas.iter().enumerate() {
            let policy = memory.evaluate(device, program, q, *alpha)?;
            let prefix = format!("{table}.alpha{index}.");
            let mut compare = |part: &str, columns: usize, got: &[f32]| {
                by_row(case, comparison, part, &format!("{prefix}{part}"), columns, got)
            };
            compare("log_softmax", actions, &policy.log_probs)?;
            compare("softmax", actions, &policy.probs)?;
            compare("soft_value", 1, &policy.values)?;
            compare("entropy", 1, &policy.entropies)?;
            // sum pi (q - alpha ln pi) is the same number in exact arithmetic, and the engine has one kernel for both.
            compare("pi_q_minus_alpha_logpi", 1, &policy.values)?;
            for (row, probs) in policy.probs.chunks_exact(actions).enumerate() {
                let sum = probs.iter().map(|p| f64::from(*p)).sum();
                comparison
                    .value("softmax_sum", sum, 1.0, SUM_BOUND, || format!("{prefix}softmax, row {row}"));
            }
        }
    }
    Ok(())
}

/// Rows against the float64 tensor of the same name with `64`: `|x - ref64| <= 4 max_row |ref32 - ref64| + 2e-6 max(1, max_row |ref64|)`
pub fn by_row(
    case: &Case,
    comparison: &mut Comparison,
    quantity: &str,
    name: &str,
    columns: usize,
    got: &[f32],
) -> Outcome<()> {
    let want = case.f64(&format!("{name}64"))?;
    let want32 = case.f32(name)?;
    if want32.len() != want.len() {
        return malformed(format!("'{name}' and '{name}64' differ in length"));
    }
    let bounds: Vec<f64> = want
        .chunks(columns)
        .zip(want32.chunks(columns))
        .map(|(row, row32)| {
            let spread = row.iter().zip(row32).map(|(a, b)| (a - f64::from(*b)).abs()).fold(0.0, f64::max);
            4.0 * spread + 2e-6 * row.iter().map(|value| value.abs()).fold(1.0, f64::max)
        })
        .collect();
    comparison.tensor_by(quantity, name, got, want, |index, _| bounds[index / columns])
}
