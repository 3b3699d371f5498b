//! Which settings go with which algorithm: a setting that would change nothing is refused instead of ignored.

use crate::agents::{Algorithm, find};
use crate::config::{Config, NetworkChoice, PathChoice, SETTINGS, Temperature};
use crate::error::{Error, Result};

/// Checks `config` against what `algorithm` uses.
pub fn check(algorithm: &Algorithm, config: &Config) -> Result<()> {
    let defaults = Config::default();
    let of_others = |names: &[&str]| !names.is_empty() && !names.contains(&algorithm.name);
    // What an algorithm of a user's own makes of the settings, its own check knows.
    let listed = find(algorithm.name).is_ok();
    for setting in SETTINGS.iter().filter(|setting| listed && of_others(setting.algorithms)) {
        if !setting.alike(config, &defaults) {
            return Err(Error::invalid(
                setting.key,
                setting.value(config),
                format!("left alone with --algo {}", algorithm.name),
                format!("It does not use it; {} does.", setting.algorithms.join(", ")),
            ));
        }
    }
    (algorithm.check)(config)
}

/// For algorithms without a learned temperature.
pub fn given_temperature(config: &Config) -> Result<()> {
    match config.temperature {
        Temperature::Fixed | Temperature::Schedule => Ok(()),
        _ => Err(Error::invalid(
            "temperature",
            format!("\"{}\"", config.temperature.word()),
            format!("\"fixed\" or \"schedule\" with --algo {}", config.algo),
            "Only sqn, sac_discrete, soft_pqn and sac learn it.",
        )),
    }
}

/// For algorithms whose critics see a real-valued action behind the observation, and whose policy learns by their gradient for it.
pub fn critics_of_actions(config: &Config) -> Result<()> {
    let refuse = |field, value: &str, allowed: &str, hint: &str| {
        Err(Error::invalid(field, value, format!("{allowed} with --algo {}", config.algo), hint))
    };
    if config.network != NetworkChoice::Mlp {
        let hint = "Its critics see the action behind the observation, which a convolution cannot.";
        return refuse("network", config.network.word(), "mlp", hint);
    }
    if config.dueling || config.action_input {
        let field = if config.dueling { "dueling" } else { "action_input" };
        let hint = "Its critics have one output, and see the action already.";
        return refuse(field, "true", "false", hint);
    }
    if config.path == PathChoice::Fused {
        let hint = "The gradient of the critics for the action needs one dispatch per layer.";
        return refuse("path", "fused", "auto or layered", hint);
    }
    Ok(())
}

/// For algorithms with an entropy bonus that can be switched off: its KL form is nothing without it.
pub fn bonus_for_kl(config: &Config) -> Result<()> {
    if !config.kl || config.entropy_in_target {
        return Ok(());
    }
    Err(Error::invalid(
        "kl",
        true,
        "false with entropy_in_target = false",
        "The KL form shifts the entropy bonus, which is switched off.",
    ))
}
