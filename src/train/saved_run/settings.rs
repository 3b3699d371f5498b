//! Whether weights are of the run that they lie in: their own record of their settings beside its configuration.

use crate::config::Config;
use crate::train::run_dir::CONFIG_FILE;

/// Lengths of schedules, of which 0 stands for the whole run.
const WHOLE_RUN: [&str; 2] = ["alpha_decay_steps", "importance_decay_steps"];

/// Whether the weights' own record of their settings is one of the agents that the configuration describes.
pub(super) fn same_settings(recorded: &str, members: &[Config]) -> std::result::Result<(), String> {
    // What depends on the machine that trained, or on how long the run was to be, and not on the agent.
    const ELSEWHERE: [&str; 4] = ["device", "path", "megakernel", "total_timesteps"];
    let table = |config: &Config| toml::Table::try_from(config).map_err(|error| error.to_string());
    let recorded: toml::Table =
        recorded.parse().map_err(|error| format!("the settings recorded in it are unreadable: {error}"))?;
    // The length of a schedule that spanned the run, which a run that was made longer says in figures.
    let planned = recorded.get("total_timesteps").cloned();
    let spelled_out = |key: &str, value: &toml::Value, own: &toml::Value| {
        WHOLE_RUN.contains(&key) && value.as_integer() == Some(0) && planned.as_ref() == Some(own)
    };
    let mut difference = None;
    for member in members {
        let member = table(member)?;
        // A key that one of them lacks belongs to another version.
        let other = recorded.iter().find(|(key, value)| {
            !ELSEWHERE.contains(&key.as_str())
                && member.get(*key).is_some_and(|own| own != *value && !spelled_out(key, value, own))
        });
        match other {
            None => return Ok(()),
            Some((key, value)) => difference.get_or_insert(format!(
                "these weights were trained with {key} = {value}, but {CONFIG_FILE} beside them says {key} = {}",
                member[key]
            )),
        };
    }
    difference.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_from_before_a_run_was_made_longer_are_its_own() {
        let before = Config { total_timesteps: 1_000, ..Config::default() };
        let recorded = toml::to_string(&before).expect("toml");
        let grown =
            |steps| Config { total_timesteps: 2_000, importance_decay_steps: steps, ..Config::default() };
        assert_eq!(same_settings(&recorded, &[grown(1_000)]), Ok(()));
        let other = same_settings(&recorded, &[grown(999)]).expect_err("another schedule");
        assert!(other.contains("importance_decay_steps = 0"), "{other}");
    }
}
