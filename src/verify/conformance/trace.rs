//! Scalars of every update and tensors of some, against `trace.*`, `step{k}.*` and `after{k}.*`.

use std::collections::BTreeMap;

use crate::engine::recording::Buffer;
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Sink;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::network::Network;
use crate::verify::conformance::report::Outcome;

/// Scalars collected over the updates, by name.
#[derive(Default)]
pub struct Trace {
    values: BTreeMap<&'static str, Vec<f32>>,
    /// How many values of each name were told.
    told: BTreeMap<&'static str, usize>,
}

impl Trace {
    /// Adds the value of one update.
    pub fn push(&mut self, name: &'static str, value: f32) {
        self.values.entry(name).or_default().push(value);
    }

    /// Tells the values that are new since the last time.
    pub fn tell(&mut self, sink: &mut dyn Sink) {
        for (name, values) in &self.values {
            let told = self.told.entry(name).or_default();
            for (index, value) in values.iter().enumerate().skip(*told) {
                sink.element(&format!("trace.{name}"), index, *value);
            }
            *told = values.len();
        }
    }

    /// Compares every scalar that the file has.
    pub fn compare(&self, case: &Case, sink: &mut dyn Sink) -> Outcome<()> {
        for (name, values) in &self.values {
            let label = format!("trace.{name}");
            if case.has(&label) {
                let want = case.f32(&label)?;
                sink.tensor(name, &label, values, want, case.tolerance(&label)?)?;
            }
        }
        Ok(())
    }
}

/// Whether the file has anything below `prefix`.
pub fn any(case: &Case, prefix: &str) -> bool {
    case.names().any(|name| name.starts_with(prefix))
}

/// Compares `{prefix}{name}{branch}` if the file has it.
pub fn part(case: &Case, sink: &mut dyn Sink, [prefix, name, branch]: [&str; 3], got: &[f32]) -> Outcome<()> {
    let label = format!("{prefix}{name}{branch}");
    if case.has(&label) {
        sink.tensor(name, &label, got, case.f32(&label)?, case.tolerance(&label)?)?;
    }
    Ok(())
}

/// Compares the tensors of one network, called `{prefix}{group}.{net}.*`, if the file has them.
pub fn network(
    case: &Case,
    sink: &mut dyn Sink,
    network: &Network,
    [prefix, group, net]: [&str; 3],
    flat: &[f32],
) -> Outcome<()> {
    let stem = format!("{prefix}{group}.{net}.");
    if !any(case, &stem) {
        return Ok(());
    }
    // `after10.adam_m.main`: the group is cut after the second part.
    let quantity = group.split('.').next().unwrap_or(group);
    let bound = case.tolerance(&format!("{prefix}{quantity}"))?;
    for tensor in network.export(flat) {
        let label = format!("{stem}{}", tensor.name);
        sink.tensor(quantity, &label, &tensor.values, case.f32_of(&label, &tensor.shape)?, bound)?;
    }
    Ok(())
}

/// Compares weights, gradients and moments of the networks `nets` of a group, called `{prefix}.{kind}{net}.*`, where the file
/// has them. Weights have a tolerance for each network, the others one for all.
pub fn group(
    case: &Case,
    device: &mut Device<'_>,
    sink: &mut dyn Sink,
    (prefix, nets, network): (&str, &[&str], &Network),
    buffers: &[(&str, Buffer<f32>)],
) -> Outcome<()> {
    for (kind, buffer) in buffers {
        let flat = device.read(*buffer)?;
        for (net, flat) in nets.iter().zip(flat.chunks_exact(network.layout.params() as usize)) {
            let stem = format!("{prefix}.{kind}{net}");
            if !any(case, &format!("{stem}.")) {
                continue;
            }
            let (quantity, tolerance) = match kind.strip_suffix('.') {
                None => ("weights", stem.clone()),
                Some(kind) => (kind, format!("{prefix}.{kind}")),
            };
            let bound = case.tolerance(&tolerance)?;
            for tensor in network.export(flat) {
                let label = format!("{stem}.{}", tensor.name);
                let want = case.f32_of(&label, &tensor.shape)?;
                sink.tensor(quantity, &label, &tensor.values, want, bound)?;
            }
        }
    }
    Ok(())
}
