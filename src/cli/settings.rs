//! The settings of a run, for people.

use softq::train::trainer::Trainer;

use softq::config::SETTINGS;
use softq::train::layers::{Origin, Resolved};

/// The text of `--explain`: every setting and where it came from, then the device and the commands of an iteration.
pub fn explanation(resolved: &Resolved, trainer: &Trainer) -> String {
    let mut text = String::new();
    let values = toml::Table::try_from(&resolved.config).unwrap_or_default();
    for setting in SETTINGS {
        let value = values.get(setting.key).map(toml::Value::to_string).unwrap_or_default();
        let origin = resolved.origins.get(setting.key).copied().unwrap_or(Origin::Default);
        text += &format!("{:<44} # {origin}\n", format!("{} = {value}", setting.key));
    }
    format!("{text}\n{}\n", trainer.explain().trim_end())
}
