//! `torch_mlp_*`: outputs of a perceptron and the gradients of its parameters and inputs for a given cotangent.

use serde_json::Value;

use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::nn::{Activations, Pass, Tensor, Wanted};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::network::{Exported, Framework, Network, activation};
use crate::verify::conformance::report::{Outcome, malformed, unsupported};

/// Forward and backward through the dense kernels.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    match case.config().get("kind").and_then(Value::as_str) {
        Some("mlp" | "layernorm" | "dueling") => {}
        other => return unsupported(format!("network kind {other:?} is not built in")),
    }
    let eps = case.config().get("layernorm_eps").or(case.config().get("layer_norm_eps"));
    if eps.and_then(Value::as_f64).is_some_and(|eps| (eps - 1e-5).abs() > 1e-12) {
        return unsupported("the eps of layer normalisation is 1e-5 here");
    }
    let hidden = activation(case.config().get("activation").and_then(Value::as_str).unwrap_or_default())?;
    let network = Network::read(case, "weight.", Framework::Torch, hidden)?;
    let batch = case.matrix("x")?[0];
    let x = case.f32_of("x", &[batch, network.inputs()])?;
    let cotangent = case.f32_of("cotangent", &[batch, network.outputs()])?;
    let weights = network.import(case, "weight.")?;

    let Ok(rows) = u32::try_from(batch) else { return malformed("too many rows") };
    let net = &network.layout;
    let pass = Pass {
        agents: 1,
        batch: rows,
        nets: 1,
        slot_net: vec![0],
        slot_input: vec![0],
        inputs: 1,
        gradients: 1,
    };
    let mut buffers = Buffers::default();
    let input: Buffer<f32> = buffers.add("x", x.len() as u64, "");
    let activations = Activations::new(&mut buffers, "activation", net, &pass, input, "");
    let width = |tensor: &Tensor| u64::from(rows) * u64::from(tensor.width());
    let deltas: Vec<Buffer<f32>> =
        net.tensors().iter().map(|tensor| buffers.add("delta", width(tensor), "")).collect();
    let parameters: Buffer<f32> = buffers.add("weights", u64::from(net.params()), "");
    let grads: Buffer<f32> = buffers.add("grads", u64::from(net.params()), "");
    let mut recording = Recording::default();
    pass.forward(&mut recording, net, parameters, &activations)?;
    pass.backward(&mut recording, net, parameters, &activations, &deltas, grads, 1, Wanted::Both)?;
    let program = device.prepare(&buffers, &recording)?;
    device.write(input, x)?;
    device.write(parameters, &weights)?;
    device.write(deltas[deltas.len() - 1], cotangent)?;
    device.run(program)?;

    let output = device.read(activations.outputs())?;
    comparison.tensor("y", "y", &output, case.f32("y")?, case.tolerance("y")?)?;
    let input_grad = device.read(deltas[0])?;
    comparison.tensor("grad_x", "grad_x", &input_grad, case.f32("grad_x")?, case.tolerance("grad_x")?)?;
    let bound = case.tolerance("grad")?;
    for part in network.export(&device.read(grads)?) {
        compare_grad(case, comparison, &part, bound)?;
    }
    Ok(())
}

/// A gradient in full, or what the file keeps of a large matrix: some rows, and the sums of rows and columns.
pub fn compare_grad(case: &Case, comparison: &mut Comparison, part: &Exported, bound: f64) -> Outcome<()> {
    let name = format!("grad.{}", part.name);
    if case.has(&name) {
        return comparison.tensor("grad", &name, &part.values, case.f32_of(&name, &part.shape)?, bound);
    }
    let [rows, columns] = match part.shape.as_slice() {
        [rows, columns] => [*rows, *columns],
        _ => return malformed(format!("no tensor '{name}'")),
    };
    let mut found = false;
    let slices: Vec<&str> = case.names().filter(|other| other.starts_with(&format!("{name}.rows"))).collect();
    for slice in slices {
        let range = slice[name.len() + ".rows".len()..].split_once('_');
        let range = range.and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        let Some((from, to)) = range.filter(|(from, to): &(usize, usize)| from < to && *to <= rows) else {
            return malformed(format!("'{slice}' names no rows of {rows}"));
        };
        let got = &part.values[from * columns..to * columns];
        comparison.tensor("grad", slice, got, case.f32_of(slice, &[to - from, columns])?, bound)?;
        found = true;
    }
    let at = |row: usize, column: usize| f64::from(part.values[row * columns + column]);
    let row_sum = |row: usize| (0..columns).map(|column| at(row, column)).sum();
    let column_sum = |column: usize| (0..rows).map(|row| at(row, column)).sum();
    let sums: [(&str, usize, Vec<f64>); 2] = [
        ("row_sums64", columns, (0..rows).map(row_sum).collect()),
        ("col_sums64", rows, (0..columns).map(column_sum).collect()),
    ];
    for (kind, terms, got) in sums {
        // The tolerance is for one element; rounding errors of independent elements add up like a random walk.
        let bound = bound * (terms as f64).sqrt();
        let sums = format!("{name}.{kind}");
        if case.has(&sums) {
            let want = case.f64(&sums)?;
            if want.len() != got.len() {
                return malformed(format!("'{sums}' has {} values, expected {}", want.len(), got.len()));
            }
            for (index, (got, want)) in got.iter().zip(want).enumerate() {
                comparison.value("grad_sums", *got, *want, bound, || format!("{sums}[{index}]"));
            }
            comparison.cases += 1;
            found = true;
        }
    }
    if found { Ok(()) } else { malformed(format!("no tensor '{name}'")) }
}
