//! Which settings go with which algorithm: a setting that would change nothing is refused instead of ignored.

use toml::Table;

use crate::agents::{ALGORITHMS, Algorithm};
use crate::config::{Config, Temperature};
use crate::error::{Error, Result};

/// Checks `config` against what `algorithm` uses. Keys that are not of some algorithms alone are used by all.
pub fn check(algorithm: &Algorithm, config: &Config) -> Result<()> {
    let [given, defaults] =
        [config, &Config::default()].map(|config| Table::try_from(config).unwrap_or_default());
    let special = ALGORITHMS.iter().flat_map(|algorithm| algorithm.settings);
    for key in special.filter(|key| !algorithm.settings.contains(key)) {
        if given.get(*key) == defaults.get(*key) {
            continue;
        }
        let users: Vec<&str> =
            ALGORITHMS.iter().filter(|other| other.settings.contains(key)).map(|other| other.name).collect();
        return Err(Error::invalid(
            *key,
            given.get(*key).map(toml::Value::to_string).unwrap_or_default(),
            format!("left alone with --algo {}", algorithm.name),
            format!("It does not use it; {} does.", users.join(", ")),
        ));
    }
    (algorithm.check)(config)
}

/// For algorithms without a learned temperature.
pub fn given_temperature(config: &Config) -> Result<()> {
    match config.temperature {
        Temperature::Fixed | Temperature::Schedule => Ok(()),
        _ => Err(Error::invalid(
            "temperature",
            Table::try_from(config)
                .ok()
                .and_then(|table| table.get("temperature").map(toml::Value::to_string))
                .unwrap_or_default(),
            format!("\"fixed\" or \"schedule\" with --algo {}", config.algo),
            "Only sqn learns or solves for its temperature.",
        )),
    }
}
