//! `torch_mlp_*`: outputs of a perceptron and the gradients of its parameters and inputs for a given cotangent.

use serde_json::Value;

use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::{Activation, dense_backward_input, dense_backward_weights, dense_forward};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::network::{Exported, Framework, Network, activation};
use crate::verify::conformance::report::{Outcome, malformed, unsupported};

/// Forward and backward through the dense kernels.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    match case.config().get("kind").and_then(Value::as_str) {
        Some("mlp") => {}
        Some("layernorm") => return unsupported("layer normalisation is not built in"),
        Some("dueling") => return unsupported("dueling heads are not built in"),
        other => return unsupported(format!("network kind {other:?} is not built in")),
    }
    let hidden = activation(case.config().get("activation").and_then(Value::as_str).unwrap_or_default())?;
    let network = Network::read(case, "weight.", Framework::Torch, hidden)?;
    let batch = case.matrix("x")?[0];
    let x = case.f32_of("x", &[batch, network.inputs()])?;
    let cotangent = case.f32_of("cotangent", &[batch, network.outputs()])?;
    let weights = network.import(case, "weight.")?;

    let mut buffers = Buffers::default();
    let memory = Memory::new(&mut buffers, &network, batch)?;
    let mut recording = Recording::default();
    forward(&mut recording, &network, &memory)?;
    backward(&mut recording, &network, &memory)?;
    let program = device.prepare(&buffers, &recording)?;
    device.write(memory.activations[0], x)?;
    device.write(memory.weights, &weights)?;
    device.write(memory.deltas[network.mlp.layers.len()], cotangent)?;
    device.run(program)?;

    let output = device.read(memory.activations[network.mlp.layers.len()])?;
    comparison.tensor("y", "y", &output, case.f32("y")?, case.tolerance("y")?)?;
    let input_grad = device.read(memory.deltas[0])?;
    comparison.tensor("grad_x", "grad_x", &input_grad, case.f32("grad_x")?, case.tolerance("grad_x")?)?;
    let bound = case.tolerance("grad")?;
    for part in network.export(&device.read(memory.grads)?) {
        compare_grad(case, comparison, &part, bound)?;
    }
    Ok(())
}

/// A gradient in full, or what the file keeps of a large matrix: some rows, and the sums of rows and columns.
fn compare_grad(case: &Case, comparison: &mut Comparison, part: &Exported, bound: f64) -> Outcome<()> {
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

/// Buffers of one network; index 0 of the lists is the input, index `i` the output of layer `i - 1`.
struct Memory {
    batch: u32,
    weights: Buffer<f32>,
    grads: Buffer<f32>,
    activations: Vec<Buffer<f32>>,
    deltas: Vec<Buffer<f32>>,
}

impl Memory {
    fn new(buffers: &mut Buffers, network: &Network, batch: usize) -> Outcome<Memory> {
        let Ok(batch) = u32::try_from(batch) else { return malformed("too many rows") };
        let widths = network.mlp.layers.iter().map(|layer| layer.out_dim);
        let widths: Vec<u64> = [network.inputs() as u64].into_iter().chain(widths.map(u64::from)).collect();
        let mut list = |name: &str| -> Vec<Buffer<f32>> {
            let add =
                |(i, width): (usize, &u64)| buffers.add(format!("{name}{i}"), u64::from(batch) * width, "");
            widths.iter().enumerate().map(add).collect()
        };
        let (activations, deltas) = (list("activation"), list("delta"));
        let params = u64::from(network.mlp.params);
        let (weights, grads) = (buffers.add("weights", params, ""), buffers.add("grads", params, ""));
        Ok(Memory { batch, weights, grads, activations, deltas })
    }
}

/// Outputs layer by layer.
fn forward(recording: &mut Recording, network: &Network, memory: &Memory) -> Outcome<()> {
    for (i, layer) in network.mlp.layers.iter().enumerate() {
        let params = dense_forward::Params {
            batch: memory.batch,
            in_dim: layer.in_dim,
            out_dim: layer.out_dim,
            nets: 1,
            net_params: network.mlp.params,
            weight_offset: layer.weight_offset,
            slots: 1,
            x_slots: 1,
            slot_net: 0,
            slot_x: 0,
            activation: layer.activation as u32,
            agents: 1,
        };
        let [x, y] = [memory.activations[i], memory.activations[i + 1]];
        dense_forward::record(recording, params, x, memory.weights, y)?;
    }
    Ok(())
}

/// Gradients from the last layer to the first, and further to the input.
fn backward(recording: &mut Recording, network: &Network, memory: &Memory) -> Outcome<()> {
    for (i, layer) in network.mlp.layers.iter().enumerate().rev() {
        let (x, dy, dx) = (memory.activations[i], memory.deltas[i + 1], memory.deltas[i]);
        let params = dense_backward_weights::Params {
            batch: memory.batch,
            in_dim: layer.in_dim,
            out_dim: layer.out_dim,
            net_params: network.mlp.params,
            weight_offset: layer.weight_offset,
            grad_slots: 1,
            x_slots: 1,
            slot_x: 0,
            agents: 1,
        };
        dense_backward_weights::record(recording, params, x, dy, memory.grads)?;
        let below = if i == 0 { Activation::Identity } else { network.mlp.layers[i - 1].activation };
        let params = dense_backward_input::Params {
            batch: memory.batch,
            in_dim: layer.in_dim,
            out_dim: layer.out_dim,
            nets: 1,
            net_params: network.mlp.params,
            weight_offset: layer.weight_offset,
            grad_slots: 1,
            x_slots: 1,
            activation: below as u32,
            agents: 1,
        };
        dense_backward_input::record(recording, params, dy, memory.weights, x, dx)?;
    }
    Ok(())
}
