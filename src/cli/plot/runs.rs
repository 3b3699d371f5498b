//! Runs as lines of a plot: agents of the same settings are the seeds of one line, and what they differ in names it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use softq::config::{Config, Replay, Temperature, plain};
use softq::error::{Error, Result};
use softq::train::saved_run::Origin;
use toml::{Table, Value};

/// Settings that say which run it is, or where it was trained, and not what is compared.
const OF_THE_RUN: [&str; 8] = ["env", "algo", "seed", "agents", "sweep", "device", "path", "total_timesteps"];

/// A run directory.
pub(super) struct Run {
    pub path: PathBuf,
    /// Id of its environment, or stem of the file.
    pub environment: String,
    /// The text of a user's environment.
    world: String,
    /// The return at which it counts as solved.
    pub threshold: Option<f64>,
    /// The settings of each agent.
    members: Vec<Config>,
}

impl Run {
    pub fn read(path: &Path) -> Result<Run> {
        let Origin { config, env, .. } = Origin::read(path)?;
        Ok(Run {
            path: path.to_owned(),
            environment: env.id.clone(),
            world: env.given.clone(),
            threshold: env.reward_threshold,
            members: config.members()?.into_iter().map(with_lengths).collect(),
        })
    }
}

/// The settings with the lengths of schedules that span the run: of runs of different length they are different schedules.
fn with_lengths(mut config: Config) -> Config {
    if config.temperature == Temperature::Schedule && config.alpha_decay_steps == 0 {
        config.alpha_decay_steps = config.total_timesteps;
    }
    if config.replay == Replay::Prioritized && config.importance_decay_steps == 0 {
        config.importance_decay_steps = config.total_timesteps;
    }
    config
}

/// Refuses different worlds under one name.
fn check_worlds(runs: &[Run]) -> Result<()> {
    let mut known: BTreeMap<&str, &Run> = BTreeMap::new();
    for run in runs {
        let first = *known.entry(&run.environment).or_insert(run);
        if first.world != run.world {
            let what = format!("{} in {}", run.environment, run.path.display());
            let allowed = format!("the same file as that of {}", first.path.display());
            let hint = "Their environment.wgsl differ: plot them apart, or rename the file of one and train it again.";
            return Err(Error::invalid("PATH", what, allowed, hint));
        }
    }
    Ok(())
}

/// The line that each agent of each run belongs to. A seed that would count twice is refused.
pub(super) fn lines(runs: &[Run]) -> Result<Vec<Vec<String>>> {
    check_worlds(runs)?;
    let mut compared: BTreeMap<(&str, &str), Vec<Table>> = BTreeMap::new();
    for run in runs {
        for member in &run.members {
            let key = (run.environment.as_str(), member.algo.as_str());
            compared.entry(key).or_default().push(Table::try_from(member).unwrap_or_default());
        }
    }
    let differs =
        |key: &str, tables: &[Table]| tables.iter().any(|table| table.get(key) != tables[0].get(key));
    let mut seen: BTreeMap<(String, String, u64), &Path> = BTreeMap::new();
    let mut lines = Vec::new();
    for run in runs {
        let mut own = Vec::new();
        for member in &run.members {
            let tables = &compared[&(run.environment.as_str(), member.algo.as_str())];
            let table = Table::try_from(member).unwrap_or_default();
            let named = |(key, value): (&String, &Value)| {
                let shown = !OF_THE_RUN.contains(&key.as_str()) && differs(key, tables);
                let text = plain(value).replace(',', " ");
                shown.then(|| if text.is_empty() { format!("no {key}") } else { format!("{key}={text}") })
            };
            let settings: Vec<String> = table.iter().filter_map(named).collect();
            let line = match settings.is_empty() {
                true => member.algo.clone(),
                false => format!("{}; {}", member.algo, settings.join(" ")),
            };
            if let Some(other) = seen.insert((run.environment.clone(), line.clone(), member.seed), &run.path)
            {
                let what = format!("seed {} of {line} in {}", member.seed, run.path.display());
                let allowed = format!("given once; it is in {} too", other.display());
                return Err(Error::invalid("PATH", what, allowed, "A run counts as one seed."));
            }
            own.push(line);
        }
        lines.push(own);
    }
    Ok(lines)
}
