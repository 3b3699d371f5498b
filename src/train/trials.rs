//! Trials: settings that are to be compared, trained side by side in populations. What may differ between the agents of a
//! population does; trials that differ in more are populations of their own. Since an agent of a population is bit for bit the
//! run of its own settings, what a trial comes to does not depend on which others it is trained with.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use toml::Table;

use crate::config::{Config, Kind, SETTINGS, Setting, find, plain};
use crate::error::{Error, Result};
use crate::train::event::{Event, Report};
use crate::train::layers::{Resolved, resolve_given};
use crate::train::trainer::Trainer;

/// Settings by their keys.
pub type Settings = Map<String, Value>;

/// What a trial came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Environment steps taken; none of a trial that diverged, whose population may have gone on.
    pub env_steps: Option<u64>,
    /// Environment steps at the first evaluation at or above the environment's threshold that a second one confirmed.
    pub solved_at_env_steps: Option<u64>,
    /// The update that first met a NaN or an infinity; such a trial has no returns.
    pub diverged_at_update: Option<u64>,
    /// Mean return of the last greedy evaluation.
    pub eval_greedy_mean: Option<f64>,
    /// Its standard deviation over episodes.
    pub eval_greedy_std: Option<f64>,
    /// Mean return of actions drawn from the policy.
    pub eval_softmax_mean: Option<f64>,
    /// Its standard deviation over episodes.
    pub eval_softmax_std: Option<f64>,
}

/// Trials that are trained together.
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    /// The configuration of all of them, one agent per trial.
    pub config: Config,
    /// Which trials they are, in the order of its agents.
    pub trials: Vec<usize>,
}

/// The configuration of a trial: `shared` settings, then its `own`, above the preset of environment and algorithm.
pub fn config_of(shared: &Settings, own: &Settings) -> Result<Config> {
    Ok(resolved(shared, own)?.config)
}

/// The same with what its user should know, such as settings that have no effect.
pub fn resolved(shared: &Settings, own: &Settings) -> Result<Resolved> {
    for settings in [shared, own] {
        let mut seen = BTreeSet::new();
        for (key, value) in settings {
            if !seen.insert(find(key)?.key) {
                return Err(Error::invalid(
                    key,
                    value,
                    "each setting once",
                    "Two of these names mean one setting.",
                ));
            }
        }
    }
    let mut set = vec!["stop_when_solved=false".to_owned()];
    for (key, value) in shared.iter().chain(own) {
        let setting = find(key)?;
        let refused = match setting.key {
            "agents" | "sweep" => "Trials are trained side by side as they come.",
            "stop_when_solved" => {
                "Trials that are trained side by side end together; solved_at_env_steps says when each got there."
            }
            _ => "",
        };
        if !refused.is_empty() {
            return Err(Error::invalid(setting.key, value, "left out for trials", refused));
        }
        let text = text_of(setting, value).ok_or_else(|| {
            let hint = format!("`softq train --help` describes --{}.", setting.flag());
            Error::invalid(setting.key, value, setting.expected(), hint)
        })?;
        set.push(format!("{}={text}", setting.key));
    }
    resolve_given(set)
}

/// What is to be said of all of these trials.
pub fn common_notes(trials: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let common = trials.reduce(|mut common, notes| {
        common.retain(|note| notes.contains(note));
        common
    });
    common.unwrap_or_default()
}

/// A value as `--set` takes it.
fn text_of(setting: &Setting, value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(items) => {
            let between = if setting.kind == Kind::Pairs { "\n" } else { "," };
            let items: Option<Vec<String>> = items.iter().map(|item| text_of(setting, item)).collect();
            Some(items?.join(between))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// The command that repeats a trial alone.
pub fn command(shared: &Settings, own: &Settings) -> String {
    let mut words = vec!["softq train".to_owned()];
    for (key, value) in shared.iter().chain(own) {
        let text = find(key).ok().and_then(|setting| text_of(setting, value)).unwrap_or_default();
        for text in text.split('\n') {
            let bare = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-,=/".contains(c));
            let text = if bare { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) };
            words.push(format!("--{} {text}", key.replace('_', "-")));
        }
    }
    words.push("--stop-when-solved false".to_owned());
    words.join(" ")
}

/// The populations that train these trials, each of at most `most` agents; `configs` come with the numbers of their trials.
pub fn populations(configs: &[(usize, Config)], most: usize) -> Result<Vec<Population>> {
    let mut groups: Vec<(Table, Vec<&(usize, Config)>)> = Vec::new();
    for entry in configs {
        let mut fixed = Table::try_from(&entry.1)
            .map_err(|e| Error::invalid("trial", entry.0, "settings that TOML can hold", e.to_string()))?;
        fixed.retain(|key, _| find(key).is_ok_and(|setting| !setting.is_sweepable()));
        match groups.iter_mut().find(|(known, _)| *known == fixed) {
            Some((_, members)) => members.push(entry),
            None => groups.push((fixed, vec![entry])),
        }
    }
    let chunks = groups.iter().flat_map(|(_, members)| members.chunks(most.max(1)));
    Ok(chunks.map(population).collect())
}

fn population(members: &[&(usize, Config)]) -> Population {
    let trials = members.iter().map(|(trial, _)| *trial).collect();
    let first = &members[0].1;
    if members.len() == 1 {
        return Population { config: Config { agents: 1, ..first.clone() }, trials };
    }
    let differs = |setting: &&Setting| {
        let apart = members.iter().any(|(_, config)| !setting.alike(first, config));
        setting.is_sweepable() && (apart || setting.key == "seed")
    };
    let each = |setting: &Setting| {
        let values: Vec<String> = members.iter().map(|(_, config)| plain(&setting.value(config))).collect();
        format!("{}=each({})", setting.key, values.join(","))
    };
    let sweep = SETTINGS.iter().filter(differs).map(each).collect();
    Population { config: Config { agents: members.len() as u32, sweep, ..first.clone() }, trials }
}

/// Takes what came of a population: an outcome per trial, or the error of its one trial.
pub type Take<'a> = dyn FnMut(&Population, Result<Vec<Outcome>>) -> Result<()> + 'a;

/// Trains populations one after the other and tells `take` what came of each. One that ends by the settings or the world of one of
/// its trials is trained again, each trial alone, so that only that one is lost. False as soon as `stop` holds something else than 0.
pub fn train_each(
    populations: Vec<Population>,
    stop: &AtomicUsize,
    observe: &mut dyn FnMut(&Event),
    take: &mut Take<'_>,
) -> Result<bool> {
    let mut waiting = VecDeque::from(populations);
    while let Some(population) = waiting.pop_front() {
        match train(&population.config, stop, observe) {
            Ok(None) => return Ok(false),
            Ok(Some(outcomes)) => take(&population, Ok(outcomes))?,
            Err(error) if !error.is_of_one_run() => return Err(error),
            Err(error) if population.trials.len() == 1 => take(&population, Err(error))?,
            Err(_) => {
                let alone = population.config.members()?.into_iter().zip(population.trials);
                for (config, trial) in alone.rev() {
                    waiting.push_front(Population { config, trials: vec![trial] });
                }
            }
        }
    }
    Ok(true)
}

/// Trains a population to its end, one outcome per agent; `None` as soon as `stop` holds something else than 0.
pub fn train(
    config: &Config,
    stop: &AtomicUsize,
    observe: &mut dyn FnMut(&Event),
) -> Result<Option<Vec<Outcome>>> {
    let mut trainer = Trainer::new(config)?;
    loop {
        if stop.load(Ordering::Relaxed) != 0 {
            return Ok(None);
        }
        match trainer.advance() {
            Ok(events) => {
                for event in events {
                    observe(&event);
                    if let Event::Finished(report) = event {
                        return Ok(Some(outcomes(&report)));
                    }
                }
            }
            // All of them.
            Err(Error::Diverged { .. }) => {
                let lost = |diverged_at_update| Outcome { diverged_at_update, ..Outcome::default() };
                let standings = trainer.course.standings.iter();
                return Ok(Some(standings.map(|standing| lost(standing.diverged_at_update)).collect()));
            }
            Err(error) => return Err(error),
        }
        trainer.wait()?;
    }
}

fn outcomes(report: &Report) -> Vec<Outcome> {
    let outcome = |member: &crate::train::event::Member| {
        let ended = member.diverged_at_update.is_none();
        let kept = |value: f64| ended.then_some(value);
        Outcome {
            env_steps: ended.then_some(report.env_steps),
            solved_at_env_steps: member.solved_at_env_steps,
            diverged_at_update: member.diverged_at_update,
            eval_greedy_mean: kept(member.greedy.mean()),
            eval_greedy_std: kept(member.greedy.std()),
            eval_softmax_mean: kept(member.softmax.mean()),
            eval_softmax_std: kept(member.softmax.std()),
        }
    };
    report.members.iter().map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(value: Value) -> Settings {
        value.as_object().expect("an object").clone()
    }

    fn tiny() -> Settings {
        settings(json!({
            "env": "cartpole", "device": "cpu", "total_timesteps": 600, "learning_starts": 100, "hidden": [8],
            "batch_size": 8, "eval_frequency": 300, "eval_episodes": 3, "log_frequency": 300
        }))
    }

    fn configs(own: &[Value]) -> Vec<(usize, Config)> {
        let config = |(trial, own): (usize, &Value)| {
            (trial, config_of(&tiny(), &settings(own.clone())).unwrap_or_else(|e| panic!("{e}")))
        };
        own.iter().enumerate().map(config).collect()
    }

    #[test]
    fn trials_share_a_population_where_they_may() {
        let configs = configs(&[
            json!({"learning_rate": 1e-3}),
            json!({"hidden": [16]}),
            json!({"gamma": 0.9, "seed": 4}),
            json!({"learning_rate": 3e-10, "target_entropy": "0.3ln|A|"}),
            json!({"hidden": [16], "alpha": 0.7}),
        ]);
        let populations = populations(&configs, 2).expect("populations");
        let trials: Vec<&[usize]> = populations.iter().map(|population| &population.trials[..]).collect();
        assert_eq!(trials, [&[0, 2][..], &[3], &[1, 4]]);
        // Its agents are the trials, to the bit.
        for population in &populations {
            let members = population.config.members().expect("members");
            assert_eq!(members.len(), population.trials.len());
            for (member, trial) in members.iter().zip(&population.trials) {
                assert_eq!(*member, Config { agents: 1, ..configs[*trial].1.clone() });
            }
        }
    }

    #[test]
    fn company_changes_no_outcome_and_divergence_is_one() {
        let configs = configs(&[
            json!({"learning_rate": 1e-3}),
            json!({"reward_scale": 1e38}),
            json!({"learning_rate": 1e-2, "seed": 3}),
        ]);
        let train = |most: usize| {
            let mut found: Vec<(usize, Outcome)> = Vec::new();
            for population in populations(&configs, most).expect("populations") {
                let outcomes = train(&population.config, &AtomicUsize::new(0), &mut |_| {}).expect("trained");
                found.extend(population.trials.into_iter().zip(outcomes.expect("not stopped")));
            }
            found.sort_by_key(|(trial, _)| *trial);
            found
        };
        let (alone, together) = (train(1), train(3));
        assert_eq!(alone, together);
        for trial in [0, 2] {
            assert!(alone[trial].1.eval_greedy_mean.is_some_and(|mean| mean >= 1.0), "{alone:?}");
        }
        let lost = &alone[1].1;
        assert!(lost.diverged_at_update.is_some() && lost.eval_greedy_mean.is_none(), "{lost:?}");
        let stopped = super::train(&configs[0].1, &AtomicUsize::new(2), &mut |_| {}).expect("no failure");
        assert_eq!(stopped, None);
    }

    #[test]
    fn what_is_no_setting_of_a_trial_is_refused() {
        for (own, parts) in [
            (json!({"learning_rat": 1}), ["learning_rat", "learning_rate"]),
            (json!({"learning_rate": null}), ["learning_rate = null", "a number"]),
            (json!({"learning_rate": {"a": 1}}), ["learning_rate", "a number"]),
            (json!({"learning_rate": -1}), ["learning_rate", "-1"]),
            (json!({"hidden": "wide"}), ["hidden", "wide"]),
            (json!({"agents": 4}), ["agents", "side by side"]),
            (json!({"stop_when_solved": true}), ["stop_when_solved", "end together"]),
            (json!({"env": "cartpol"}), ["cartpol", "cartpole"]),
            (json!({"lr": 1e-3, "learning_rate": 1e-2}), ["each setting once", "mean one setting"]),
        ] {
            let text = config_of(&tiny(), &settings(own)).expect_err("refused").to_string();
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
    }

    #[test]
    fn a_command_repeats_a_trial() {
        let own = json!({"target_entropy": "0.3ln|A|", "env_param": ["gravity=5", "length=1"], "seed": 3});
        let text = command(&settings(json!({"env": "cartpole"})), &settings(own));
        assert_eq!(
            text,
            "softq train --env cartpole --env-param gravity=5 --env-param length=1 --seed 3 --target-entropy '0.3ln|A|' \
             --stop-when-solved false"
        );
    }
}
