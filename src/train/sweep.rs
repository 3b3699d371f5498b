//! A sweep: a file that says which settings to try, as a grid or drawn from distributions, and what that comes to, trial by
//! trial. Trial `i` has the same settings whatever else is trained, so that a sweep can be stopped, gone on with, made longer and
//! shared among processes.
//!
//! ```
//! use softq::train::sweep::Sweep;
//!
//! let sweep = Sweep::parse(
//!     "trials = 4
//!      [settings]
//!      env = \"catch\"
//!      [parameters]
//!      learning_rate = { distribution = \"log_uniform\", min = 1e-4, max = 1e-2 }",
//! )?;
//! let third = sweep.config(3)?.learning_rate;
//! assert!((1e-4..=1e-2).contains(&third));
//! assert_eq!(third, sweep.config(3)?.learning_rate, "whatever else is trained");
//! # Ok::<(), softq::Error>(())
//! ```

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::{Config, find};
use crate::error::{Error, Result};
use crate::files;
use crate::train::trials::{Outcome, Settings, common_notes, config_of, resolved};

pub mod distribution;
pub mod ranking;
pub mod store;

use distribution::Distribution;

/// Most trials of a sweep, every seed counted: their settings are all in memory at once.
const MOST_TRIALS: u64 = 100_000;
/// Trials side by side where nothing else is said.
const SIDE_BY_SIDE: u32 = 16;

/// What a sweep file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// Settings of all trials.
    pub settings: Settings,
    /// What differs, by key.
    pub parameters: Vec<(String, Distribution)>,
    /// Different settings; a grid has as many as it has combinations.
    pub trials: u64,
    /// Whether they are all combinations.
    pub is_grid: bool,
    /// Seeds that each is tried with.
    pub seeds: u64,
    /// Seed of what is drawn.
    pub seed: u64,
    /// Trials side by side.
    pub agents: u32,
}

/// A finished trial: a line of the results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number.
    pub trial: u64,
    /// Its own settings, the seed included.
    pub settings: Settings,
    /// What it came to.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    trials: Option<u64>,
    #[serde(default = "one")]
    seeds: u64,
    #[serde(default)]
    seed: u64,
    #[serde(default = "side_by_side")]
    agents: u32,
    #[serde(default)]
    settings: Settings,
    parameters: Map<String, Value>,
}

fn one() -> u64 {
    1
}

fn side_by_side() -> u32 {
    SIDE_BY_SIDE
}

impl Sweep {
    /// Reads the file at `path`, and checks what needs no device: the first trial and the ends of every distribution.
    pub fn read(path: &Path) -> Result<(Sweep, String)> {
        let wrong = |message: String| Error::Config { path: path.to_owned(), message };
        let text = files::read_text(path, files::MOST_TEXT).map_err(|e| {
            wrong(format!("cannot be read: {e}. Give the path of a TOML file; docs/sweeps.md has one."))
        })?;
        let sweep = Sweep::parse(&text).map_err(|e| wrong(e.to_string()))?;
        Ok((sweep, text))
    }

    /// A sweep from the text of its file.
    pub fn parse(text: &str) -> Result<Sweep> {
        let file: File = toml::from_str(text).map_err(|e| {
            let hint =
                "It has trials, agents, seeds, seed, [settings] and [parameters]; docs/sweeps.md has one.";
            Error::invalid("the file", e.to_string().trim_end(), "a sweep in TOML", hint)
        })?;
        let range = |field: &str, value: u64, high: u64| match (1..=high).contains(&value) {
            true => Ok(()),
            false => Err(Error::invalid(
                field,
                value,
                format!("1 to {high}"),
                if value == 0 { "One is the least." } else { "Fewer are enough for a sweep." },
            )),
        };
        range("seeds", file.seeds, 1_000)?;
        range("agents", file.agents.into(), 65_535)?;
        if file.parameters.is_empty() {
            let hint =
                "For example learning_rate = { distribution = \"log_uniform\", min = 1e-4, max = 1e-2 }.";
            return Err(Error::invalid("[parameters]", "{}", "at least one key", hint));
        }
        let mut parameters: Vec<(String, Distribution)> = Vec::new();
        for (key, value) in &file.parameters {
            let setting = find(key)?;
            if setting.key == "seed"
                || file.settings.keys().any(|other| find(other).is_ok_and(|s| s.key == setting.key))
            {
                let hint = match setting.key {
                    "seed" => "Seeds of a trial are counted by `seeds`, from the seed in [settings] on.",
                    _ => "Leave it out of [settings], or give it no distribution.",
                };
                return Err(Error::invalid(
                    format!("parameters.{key}"),
                    value,
                    "a key that nothing else sets",
                    hint,
                ));
            }
            if parameters.iter().any(|(known, _)| known == setting.key) {
                let hint = "Names of others stand for the same setting.";
                return Err(Error::invalid(format!("parameters.{key}"), value, "each setting once", hint));
            }
            parameters.push((setting.key.to_owned(), Distribution::read(key, value)?));
        }
        let combinations = parameters
            .iter()
            .map(|(_, distribution)| distribution.values().map(|values| values.len() as u64))
            .try_fold(1u64, |product, length| Some(product.saturating_mul(length?)));
        let trials = file.trials.or(combinations).ok_or_else(|| {
            let hint =
                "Only where every parameter is a list of values, all combinations are tried without it.";
            Error::invalid("trials", "none", "a number of trials", hint)
        })?;
        range("trials", trials, MOST_TRIALS)?;
        range("trials times seeds", trials * file.seeds, MOST_TRIALS)?;
        let sweep = Sweep {
            settings: file.settings,
            parameters,
            trials,
            is_grid: file.trials.is_none(),
            seeds: file.seeds,
            seed: file.seed,
            agents: file.agents,
        };
        sweep.check()?;
        Ok(sweep)
    }

    /// Every value of every list and both ends of every range, one at a time, beside the first trial.
    fn check(&self) -> Result<()> {
        let first = self.own(0)?;
        config_of(&self.settings, &first)?;
        for (key, distribution) in &self.parameters {
            for value in distribution.extremes() {
                let mut own = first.clone();
                own.insert(key.clone(), value);
                config_of(&self.settings, &own)?;
            }
        }
        Ok(())
    }

    /// Number of trials, seeds counted.
    pub fn len(&self) -> u64 {
        self.trials * self.seeds
    }

    /// A sweep has at least one trial.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The settings of trial `trial` alone. All seeds of one combination follow each other.
    pub fn own(&self, trial: u64) -> Result<Settings> {
        let (combination, nth) = (trial / self.seeds, trial % self.seeds);
        let mut own = Settings::new();
        let mut rest = combination;
        // The last list varies fastest, as in nested loops.
        for (key, distribution) in self.parameters.iter().rev() {
            let value = match distribution.values() {
                Some(values) if self.is_grid => {
                    let length = values.len() as u64;
                    let value = values[(rest % length) as usize].clone();
                    rest /= length;
                    value
                }
                _ => distribution.draw(key, combination, self.seed),
            };
            own.insert(key.clone(), value);
        }
        let base = config_of(&self.settings, &own)?.seed;
        own.insert("seed".into(), (base + nth).into());
        Ok(own)
    }

    /// What the user should know of all trials, as far as the first of them show: settings that have no effect.
    pub fn notes(&self) -> Result<Vec<String>> {
        const LOOKED_AT: u64 = 64;
        let notes = (0..self.len().min(LOOKED_AT))
            .map(|trial| Ok(resolved(&self.settings, &self.own(trial)?)?.notes));
        Ok(common_notes(notes.collect::<Result<Vec<_>>>()?.into_iter()))
    }

    /// The configuration of a trial.
    pub fn config(&self, trial: u64) -> Result<Config> {
        // The seed of the trial is above that of the settings.
        config_of(&self.settings, &self.own(trial)?)
            .map_err(|error| Error::invalid("trial", trial, "settings that go together", error.to_string()))
    }
}

/// Where the results of `path` go if nothing else is said.
pub fn default_dir(path: &Path) -> PathBuf {
    let stem = path.file_stem().map_or("sweep".into(), |stem| stem.to_string_lossy().into_owned());
    Path::new("sweeps").join(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: &str = "trials = 40\nseeds = 2\nagents = 8\n[settings]\nenv = \"cartpole\"\nseed = 5\n[parameters]\n\
        learning_rate = { distribution = \"log_uniform\", min = 1e-4, max = 1e-2 }\n\
        gamma = { values = [0.9, 0.99] }\ntarget_update_interval = { distribution = \"int_uniform\", min = 1, max = 3 }\n\
        alpha = { distribution = \"uniform\", min = 0.1, max = 0.3 }\n";

    #[test]
    fn drawn_trials_lie_in_their_ranges_and_stay_when_the_sweep_grows() {
        let sweep = Sweep::parse(RANDOM).expect("a sweep");
        assert_eq!((sweep.len(), sweep.agents, sweep.is_grid), (80, 8, false));
        let configs: Vec<Config> = (0..80).map(|trial| sweep.config(trial).expect("a trial")).collect();
        for pair in configs.chunks(2) {
            assert_eq!((pair[0].seed, pair[1].seed), (5, 6));
            assert_eq!(pair[0].learning_rate, pair[1].learning_rate);
        }
        let all = |of: fn(&Config) -> f64| configs.iter().step_by(2).map(of).collect::<Vec<f64>>();
        let rates = all(|config| config.learning_rate);
        assert!(rates.iter().all(|rate| (1e-4..=1e-2).contains(rate)));
        let below = rates.iter().filter(|rate| **rate < 1e-3).count();
        assert!((10..=30).contains(&below), "the median of log_uniform is the geometric mean: {below}");
        assert!(all(|config| config.alpha).iter().all(|alpha| (0.1..=0.3).contains(alpha)));
        for n in [1.0, 2.0, 3.0] {
            assert!(all(|config| f64::from(config.target_update_interval)).contains(&n));
        }
        assert!([0.9, 0.99].iter().all(|gamma| all(|config| config.gamma).contains(gamma)));
        let longer = Sweep::parse(&RANDOM.replace("trials = 40", "trials = 90")).expect("a sweep");
        assert!((0..80).all(|trial| longer.own(trial).expect("one") == sweep.own(trial).expect("one")));
        let other = Sweep::parse(&format!("seed = 1\n{RANDOM}")).expect("a sweep");
        assert_ne!(other.own(0).expect("one"), sweep.own(0).expect("one"));
    }

    #[test]
    fn lists_alone_are_a_grid() {
        let text = "[settings]\nenv = \"cartpole\"\n[parameters]\ngamma = { values = [0.9, 0.99] }\n\
                    hidden = { values = [[8], [16, 16], [32]] }\n";
        let sweep = Sweep::parse(text).expect("a sweep");
        let found: Vec<(f64, Vec<u32>)> = (0..sweep.len())
            .map(|trial| sweep.config(trial).expect("a trial"))
            .map(|config| (config.gamma, config.hidden))
            .collect();
        let row = |gamma: f64| [vec![8], vec![16, 16], vec![32]].map(|hidden| (gamma, hidden));
        assert_eq!(found, [row(0.9), row(0.99)].concat());
    }

    #[test]
    fn wrong_files_are_refused_by_key() {
        for (from, to, part) in [
            ("trials = 40\n", "", "trials = none"),
            ("trials = 40", "trials = 0", "trials = 0"),
            ("trials = 40", "trails = 40", "trails"),
            ("agents = 8", "agents = 0", "agents = 0"),
            ("seeds = 2", "seeds = 0", "seeds = 0"),
            ("seed = 5", "gamma = 0.9", "parameters.gamma"),
            ("alpha =", "alfa =", "alfa"),
            ("alpha =", "seed =", "parameters.seed"),
            ("max = 0.3", "max = 0.05", "alpha"),
            ("max = 0.3", "most = 0.3", "most"),
            ("min = 1e-4", "min = 0", "above 0"),
            ("\"uniform\"", "\"unifrom\"", "unifrom"),
            ("[0.9, 0.99]", "[0.9, 1.5]", "gamma = 1.5"),
            ("[0.9, 0.99]", "[]", "at least one value"),
            ("[0.9, 0.99]", "[0.9, 0.99], max = 1", "'max' is none of the words of 'values'"),
            ("min = 0.1,", "values = [0.2], min = 0.1,", "'values' is none of the words of 'uniform'"),
            ("min = 1, max = 3", "min = 0.5, max = 3", "whole"),
            ("env = \"cartpole\"", "env = \"cartpol\"", "cartpole"),
            ("[parameters]", "[parameter]", "parameter"),
        ] {
            let text = RANDOM.replace(from, to);
            assert_ne!(text, RANDOM, "{from}");
            let error = Sweep::parse(&text).expect_err(from);
            assert_eq!(error.exit_code(), 2, "{error}");
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    }
}
