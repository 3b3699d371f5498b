//! `torch_polyak*`: target weights that follow a given sequence of online weights, averaged or copied.
//!
//! Runs on the Adam kernel, which moves the targets, with a zero gradient and a zero learning rate.

use serde_json::Value;

use crate::verify::conformance::case::{Case, number_at};
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::optimizer::{Stepper, optimizer};
use crate::verify::conformance::report::{Outcome, malformed};

/// Forms of the same average: `{tau}.{form}`.
const FORMS: [&str; 2] = ["di_engine", "torch_ema"];

/// Replays every averaging rate and the hard copy.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let [steps, count] = case.matrix("online")?;
    let online = case.f32("online")?;
    let start = case.f32_of("target0", &[count])?;
    let sequence = |device: &mut Device<'_>, polyak: f64, interval: u32| -> Outcome<Vec<f32>> {
        let mut record = optimizer(0.0, [0.9, 0.999], 1e-8);
        record.polyak = polyak as f32;
        record.target_update_interval = interval;
        let stepper = Stepper::new(device, count, false, record)?;
        device.write(stepper.weights, &[start, start].concat())?;
        let mut targets = Vec::with_capacity(steps * count);
        for weights in online.chunks_exact(count) {
            // Only the online half: the targets stay where the last step left them.
            device.write(stepper.weights, weights)?;
            stepper.step(device, &vec![0.0; count])?;
            targets.extend_from_slice(&device.read(stepper.weights)?[count..]);
        }
        Ok(targets)
    };
    let Some(taus) = case.config().get("taus").and_then(Value::as_array) else {
        return malformed("config has no 'taus'");
    };
    for (index, tau) in taus.iter().enumerate() {
        let got = sequence(device, number_at(tau, &[])?, 1)?;
        for form in FORMS {
            let name = format!("tau{index}.{form}");
            if case.has(&name) {
                let bound = case.tolerance(&name)?;
                comparison.tensor(form, &name, &got, case.f32_of(&name, &[steps, count])?, bound)?;
            }
        }
    }
    if case.has("hard") {
        let interval = case.number(&["freq"])?;
        if !(interval >= 1.0 && interval <= f64::from(u32::MAX) && interval.fract() == 0.0) {
            return malformed(format!("freq = {interval} is no number of steps"));
        }
        let got = sequence(device, 1.0, interval as u32)?;
        // A copy is exact; the file states no tolerance for it.
        comparison.tensor("hard", "hard", &got, case.f32_of("hard", &[steps, count])?, 0.0)?;
    }
    Ok(())
}
