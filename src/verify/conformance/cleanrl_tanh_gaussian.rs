//! `cleanrl_tanh_gaussian*`: actions, their log-probabilities and the gradients of both for given means, log-deviations and
//! noise, against CleanRL's `get_action` in float64. The float32 tensors lose digits where tanh saturates and are held to the
//! file's own tolerance.

use serde_json::Value;

use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::{tanh_gaussian, tanh_gaussian_backward};
use crate::shared::agent::Agent;
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::report::{Outcome, malformed};

/// Added to `|da/du|` by the script.
pub const FLOOR: f32 = 1e-6;

/// Scale and bias of every dimension, then 1 and 0: the script's critics know actions in the units of the environment.
pub fn space(case: &Case, dims: usize) -> Outcome<Vec<f32>> {
    let bounds = |name: &str| -> Outcome<Vec<f32>> {
        let list = case.config().get(name).and_then(Value::as_array);
        let numbers: Option<Vec<f32>> =
            list.and_then(|list| list.iter().map(|x| x.as_f64().map(|x| x as f32)).collect());
        match numbers {
            Some(numbers) if numbers.len() == dims => Ok(numbers),
            _ => malformed(format!("config.{name} does not hold {dims} numbers")),
        }
    };
    let (low, high) = (bounds("action_low")?, bounds("action_high")?);
    let both = || low.iter().zip(&high);
    let scales =
        both().map(|(low, high)| (high - low) / 2.0).chain(both().map(|(low, high)| (high + low) / 2.0));
    Ok(scales.chain(vec![1.0; dims]).chain(vec![0.0; dims]).collect())
}

/// Replays all rows.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let shape = case.matrix("mean")?;
    let [rows, dims] = shape;
    let (Ok(batch), Ok(width)) = (u32::try_from(rows), u32::try_from(dims)) else {
        return malformed("sizes beyond 32 bits");
    };
    let [mean, log_std, noise] = ["mean", "log_std", "noise"].map(|name| case.f32_of(name, &shape));
    let (mean, log_std, noise) = (mean?, log_std?, noise?);
    let outputs: Vec<f32> = mean
        .chunks(dims)
        .zip(log_std.chunks(dims))
        .flat_map(|(mean, log_std)| [mean, log_std].concat())
        .collect();

    let mut buffers = Buffers::default();
    let count = (rows * dims) as u64;
    let agents: Buffer<Agent> = buffers.add("agents", 1, "");
    let mut declare = |name: &str, length: u64| -> Buffer<f32> { buffers.add(name, length, "") };
    let [policy, dz] = ["policy", "dz"].map(|name| declare(name, 2 * count));
    let [noises, actions, dinputs] = ["noise", "actions", "dinputs"].map(|name| declare(name, count));
    let [log_probs, importance] = ["log_probs", "importance"].map(|name| declare(name, rows as u64));
    let spaces = declare("spaces", 4 * dims as u64);
    // As they are given: no network's output lies outside.
    let (log_std_min, log_std_max) = (-80.0, 80.0);
    let params = tanh_gaussian::Params {
        batch,
        dims: width,
        slots: 1,
        draws: 1,
        given: 1,
        input_slots: 1,
        width,
        log_std_min,
        log_std_max,
        floor: FLOOR,
        agents: 1,
        ..Default::default()
    };
    let mut draw = Recording::default();
    tanh_gaussian::record(&mut draw, params, agents, policy, spaces, noises, actions, log_probs)?;
    let params = tanh_gaussian_backward::Params {
        batch,
        dims: width,
        slots: 1,
        draws: 1,
        critics: 1,
        width,
        log_std_min,
        log_std_max,
        floor: FLOOR,
        agents: 1,
        ..Default::default()
    };
    let mut differentiate = Recording::default();
    tanh_gaussian_backward::record(
        &mut differentiate,
        params,
        agents,
        policy,
        spaces,
        noises,
        dinputs,
        importance,
        dz,
    )?;
    let draw = device.prepare(&buffers, &draw)?;
    let differentiate = device.also(&differentiate)?;
    device.write(agents, &[Agent { alpha: 1.0, ..Agent::default() }])?;
    device.write(policy, &outputs)?;
    device.write(spaces, &space(case, dims)?)?;

    device.write(noises, noise)?;
    device.run(draw)?;
    let mut got = vec![("action", device.read(actions)?), ("log_prob", device.read(log_probs)?)];
    // J = mean w (alpha ln pi - Q): its gradient is that of the sum of ln pi with w the rows, and that of -Q with w = 0.
    for (of, weight, slope) in [("action", 0.0, 1.0), ("log_prob", rows as f32, 0.0)] {
        device.write(importance, &vec![weight; rows])?;
        device.write(dinputs, &vec![slope; rows * dims])?;
        device.run(differentiate)?;
        let gradients = device.read(dz)?;
        let column = |from: usize| {
            gradients.chunks(2 * dims).flat_map(|row| row[from..from + dims].to_vec()).collect()
        };
        let names = if of == "action" {
            ["d_action_d_mean", "d_action_d_log_std"]
        } else {
            ["d_log_prob_d_mean", "d_log_prob_d_log_std"]
        };
        got.push((names[0], column(0)));
        got.push((names[1], column(dims)));
    }
    device.write(noises, &vec![0.0; rows * dims])?;
    device.run(draw)?;
    got.push(("mean_action", device.read(actions)?));
    for (name, got) in got {
        compare(case, comparison, name, &got)?;
    }
    Ok(())
}

/// Against both tensors of a name, the float64 one within what a form without cancellation has.
fn compare(case: &Case, comparison: &mut Comparison, name: &str, got: &[f32]) -> Outcome<()> {
    let bound = case.tolerance(name)?;
    comparison.tensor(name, name, got, case.f32(name)?, bound)?;
    let label = format!("{name}64");
    let density = name.contains("log_prob");
    comparison.tensor_by(&label, &label, got, case.f64(&label)?, |_, want| match density {
        true => 1e-5 * want.abs().max(1.0),
        false => bound,
    })
}
