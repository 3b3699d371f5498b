//! `torch_losses*`: regression losses with their gradients, plain and weighted.
//!
//! Predictions become the values of a single action; the per-sample weights become importance weights.

use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::{td_error, update_end};
use crate::shared::agent::{Agent, TdError};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::report::{Outcome, malformed, unsupported};

/// Loss numbers of the `td_error` kernel: the square,
pub const MSE: u32 = 0;
/// half of it,
pub const HALF_MSE: u32 = 1;
/// Huber's,
pub const HUBER: u32 = 2;
/// and Huber's over its threshold.
pub const SMOOTH_L1: u32 = 3;

/// What one loss gives for one set of weights.
pub struct Losses {
    elements: Vec<f32>,
    grad: Vec<f32>,
    /// Mean over the rows.
    pub mean: f32,
}

/// Replays every loss the file names.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let predictions = case.f32("pred")?;
    let rows = predictions.len();
    if rows == 0 {
        return malformed("'pred' is empty");
    }
    let targets = case.f32_of("target", &[rows])?;
    let weights = case.f32_of("weight", &[rows])?;
    let ones = vec![1.0; rows];
    let losses: Vec<&str> = case.names().filter_map(|name| name.strip_suffix(".elements")).collect();
    if losses.is_empty() {
        return malformed("no tensor '*.elements'");
    }
    for loss in losses {
        let (kind, threshold) = kind(loss)?;
        for (variant, importance) in [("mean", ones.as_slice()), ("weighted", weights)] {
            let got = evaluate(device, kind, threshold, [predictions, targets, importance])?;
            let mut compare = |part: &str, values: &[f32]| -> Outcome<()> {
                let name = format!("{loss}.{part}");
                let bound = case.tolerance(&name)?;
                comparison.tensor(part, &name, values, case.f32(&name)?, bound)
            };
            if variant == "mean" {
                compare("elements", &got.elements)?;
            }
            compare(&format!("{variant}.loss"), &[got.mean])?;
            compare(&format!("{variant}.grad"), &got.grad)?;
        }
    }
    Ok(())
}

/// `mse`, `smooth_l1_beta0.5`, `huber_delta1`: kernel number and threshold.
fn kind(name: &str) -> Outcome<(u32, f32)> {
    let threshold = |text: &str| match text.parse::<f32>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => malformed(format!("'{name}' has no threshold above 0")),
    };
    if name == "mse" {
        Ok((MSE, 1.0))
    } else if let Some(delta) = name.strip_prefix("huber_delta") {
        Ok((HUBER, threshold(delta)?))
    } else if let Some(beta) = name.strip_prefix("smooth_l1_beta") {
        // At a threshold of 0 the square is never met: what is left is the absolute error.
        let beta = if beta.parse() == Ok(0.0) { f32::MIN_POSITIVE } else { threshold(beta)? };
        Ok((SMOOTH_L1, beta))
    } else {
        unsupported(format!("loss '{name}' is not built in"))
    }
}

/// One loss of predictions against targets, weighted.
pub fn evaluate(
    device: &mut Device<'_>,
    loss: u32,
    huber_delta: f32,
    [predictions, targets, importance]: [&[f32]; 3],
) -> Outcome<Losses> {
    let Ok(batch) = u32::try_from(predictions.len()) else { return malformed("too many rows") };
    let rows = u64::from(batch);
    let mut buffers = Buffers::default();
    let agents: Buffer<Agent> = buffers.add("agents", 1, "");
    let actions: Buffer<u32> = buffers.add("actions", rows, "");
    let errors: Buffer<TdError> = buffers.add("errors", rows, "");
    let mut column = |name: &str| -> Buffer<f32> { buffers.add(name, rows, "") };
    let [q, y, weights, dq, entropies] = ["q", "targets", "importance", "dq", "entropies"].map(&mut column);
    let mut recording = Recording::default();
    let params = td_error::Params {
        batch,
        actions: 1,
        slots: 1,
        grad_slots: 1,
        q_stride: 1,
        q_offset: 0,
        heads: 1,
        head: 0,
        head_weight: 1.0,
        least_weight: 0.0,
        largest_weight: f32::MAX,
        loss,
        agents: 1,
    };
    td_error::record(&mut recording, params, agents, q, actions, y, weights, dq, errors)?;
    // The mean over the batch, as an update forms it.
    let params = update_end::Params { batch, grad_slots: 1, heads: 1, later_head_weight: 1.0, agents: 1 };
    let optimizers = buffers.add("optimizers", 1, "");
    update_end::record(&mut recording, params, agents, optimizers, entropies, y, errors)?;
    let program = device.prepare(&buffers, &recording)?;
    device.write(agents, &[Agent { huber_delta, ..Agent::default() }])?;
    device.write(q, predictions)?;
    device.write(y, targets)?;
    device.write(weights, importance)?;
    device.run(program)?;
    let elements = device.read(errors)?.iter().map(|error| error.loss).collect();
    let mean = device.read(agents)?.first().map_or(f32::NAN, |agent| agent.loss_sum);
    Ok(Losses { elements, grad: device.read(dq)?, mean })
}
