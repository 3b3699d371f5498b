//! The settings of a run, for people.

use softq::Result;
use softq::bench::roofline;
use softq::bench::timing::Effort;
use softq::gpu;
use softq::train::trainer::Trainer;

use softq::config::SETTINGS;
use softq::train::layers::{Origin, Resolved};

/// The text of `--explain`: every setting and where it came from, then the device and the commands of an iteration.
///
/// The least time of a dispatch follows from the device's limits, which are measured here in a fraction of a second.
pub fn explanation(resolved: &Resolved, trainer: &Trainer) -> Result<String> {
    let mut text = String::new();
    let values = toml::Table::try_from(&resolved.config).unwrap_or_default();
    for setting in SETTINGS {
        let value = values.get(setting.key).map(toml::Value::to_string).unwrap_or_default();
        let origin = resolved.origins.get(setting.key).copied().unwrap_or(Origin::Default);
        text += &format!("{:<44} # {origin}\n", format!("{} = {value}", setting.key));
    }
    let mut executor = gpu::open(trainer.choice())?;
    let effort = Effort { sample_s: 0.002, repeats: 3 };
    let limits = roofline::measure(&mut *executor, effort, &mut |_| Ok(()))?;
    let dispatches = trainer.explain(Some(&|work| limits.floor_s(work)));
    Ok(format!("{text}\n{}\n", dispatches.trim_end()))
}
