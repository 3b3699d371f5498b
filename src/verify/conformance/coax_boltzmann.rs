//! `coax_boltzmann*`: coax's `BoltzmannPolicy`, whose probabilities, log-probabilities and entropies are those of
//! `softmax(q / temperature)`.

use crate::engine::recording::{Buffers, Recording};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::policy::PolicyMemory;
use crate::verify::conformance::report::{Outcome, malformed};
use crate::verify::conformance::torch_softmax::by_row;

/// Replays every table of action values at every temperature.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let Some(temperatures) = case.config().get("temperatures").and_then(|list| list.as_array()) else {
        return malformed("config has no list 'temperatures'");
    };
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
        for (index, temperature) in temperatures.iter().enumerate() {
            let Some(temperature) = temperature.as_f64().filter(|t| *t > 0.0 && t.is_finite()) else {
                return malformed(format!("the temperature {temperature} is not a number above 0"));
            };
            let policy = memory.evaluate(device, program, q, temperature as f32)?;
            let mut compare = |part: &str, columns: usize, got: &[f32]| {
                by_row(case, comparison, part, &format!("{table}.t{index}.{part}"), columns, got)
            };
            compare("prob", actions, &policy.probs)?;
            compare("logp", actions, &policy.log_probs)?;
            compare("entropy", 1, &policy.entropies)?;
        }
    }
    Ok(())
}
