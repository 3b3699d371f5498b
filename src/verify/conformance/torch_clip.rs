//! `torch_clip_grad_norm*`: global norm over all gradient tensors and the clipped gradients.
//!
//! The engine never stores a clipped gradient: Adam multiplies as it reads. With beta1 = 0 its first moment after one step
//! is that product, so this compares what the optimizer sees.

use serde_json::Value;

use crate::verify::conformance::case::{Case, number_at};
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::optimizer::{Stepper, optimizer};
use crate::verify::conformance::report::{Outcome, malformed, unsupported};

/// Replays every set of gradients.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let Some(sets) = case.config().get("sets").and_then(Value::as_object) else {
        return malformed("config has no 'sets'");
    };
    for (name, set) in sets {
        let mut grads = Vec::new();
        let mut ranges = Vec::new();
        while case.has(&format!("{name}.grad{}", ranges.len())) {
            let start = grads.len();
            grads.extend_from_slice(case.f32(&format!("{name}.grad{}", ranges.len()))?);
            ranges.push(start..grads.len());
        }
        if grads.is_empty() {
            return malformed(format!("no tensor '{name}.grad0'"));
        }
        let mut record = optimizer(0.0, [0.0, 0.999], 1e-8);
        if set.get("norm_type").and_then(Value::as_f64).is_some_and(|norm| norm != 2.0) {
            return unsupported(format!("'{name}' has norm_type {}; here it is 2", set["norm_type"]));
        }
        // PyTorch clips to a norm of 0, which here switches clipping off.
        record.max_grad_norm = (number_at(set, &["max_norm"])? as f32).max(f32::MIN_POSITIVE);
        let stepper = Stepper::new(device, grads.len(), false, record)?;
        stepper.step(device, &grads)?;

        let norm = stepper.grad_norm(device)?;
        let label = format!("{name}.total_norm");
        comparison.tensor("total_norm", &label, &[norm], case.f32(&label)?, case.tolerance(&label)?)?;
        let clipped = device.read(stepper.m)?;
        let bound = case.tolerance(&format!("{name}.clipped"))?;
        for (index, range) in ranges.into_iter().enumerate() {
            let label = format!("{name}.clipped{index}");
            comparison.tensor("clipped", &label, &clipped[range], case.f32(&label)?, bound)?;
        }
    }
    Ok(())
}
