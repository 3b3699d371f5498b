//! An experiment: algorithms x environments x variants of settings x seeds, from one file, into one folder.
//!
//! ```toml
//! environments = ["catch", "cartpole"]
//! algorithms = ["sqn", "dqn"]
//! seeds = 5                              # 0 to 4: one population per algorithm, environment and variant
//!
//! [settings]                             # of every run, on top of its preset
//! eval_frequency = 1000
//!
//! [per_environment.catch]                # on top of those, in one environment
//! total_timesteps = 10000
//!
//! [[variants]]                           # and on top of those, each a line of its own
//! name = "alpha 0.01"
//! settings = { temperature = "fixed", alpha = 0.01 }
//! ```

pub mod run;
pub mod scores;
pub mod windows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use crate::config::{Kind, find, plain};
use crate::error::{Error, Result};
use crate::files;
use crate::train::layers::{ENV_PARAM, Resolved, put_below, resolve_given};

/// The file, as it is written.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct File {
    environments: Vec<String>,
    algorithms: Vec<String>,
    seeds: u32,
    #[serde(default)]
    first_seed: u64,
    #[serde(default)]
    settings: Table,
    #[serde(default)]
    per_environment: BTreeMap<String, Table>,
    #[serde(default)]
    variants: Vec<Variant>,
}

/// Settings with a name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Variant {
    name: String,
    #[serde(default)]
    settings: Table,
}

/// What is to be run.
#[derive(Debug)]
pub struct Experiment {
    /// Path of its file.
    pub path: PathBuf,
    /// Its text, which the folder keeps.
    pub text: String,
    /// Its populations, in order.
    pub cells: Vec<Cell>,
}

/// One algorithm in one environment with one variant of settings: a population of one agent per seed.
#[derive(Debug)]
pub struct Cell {
    /// The algorithm as scores name it: `sqn`, or with a variant `sqn, alpha 0.01`.
    pub algorithm: String,
    /// Name of its files.
    pub slug: String,
    /// Its settings and environment.
    pub resolved: Resolved,
}

/// Settings that the experiment itself decides.
const OWN: [&str; 4] = ["env", "algo", "agents", "seed"];

impl Experiment {
    /// Reads a file and resolves every population of it, so that whatever is wrong is told before anything runs. `device`
    /// replaces that of the file.
    pub fn read(path: &Path, device: Option<&str>) -> Result<Experiment> {
        let text = files::read_text(path, files::MOST_TEXT).map_err(|e| Error::Config {
            path: path.to_owned(),
            message: format!(
                "cannot be read: {e}. Give the path of a TOML file that describes an experiment"
            ),
        })?;
        Experiment::parse(path, text, device)
    }

    fn parse(path: &Path, text: String, device: Option<&str>) -> Result<Experiment> {
        let wrong = |message: String| Error::Config { path: path.to_owned(), message };
        let file: File = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let empty = |name: &str| wrong(format!("{name} is empty; name at least one"));
        if file.environments.is_empty() {
            return Err(empty("environments"));
        }
        if file.algorithms.is_empty() {
            return Err(empty("algorithms"));
        }
        if file.seeds == 0 {
            return Err(wrong("seeds = 0 is not allowed: it must be at least 1. 5 to 10 are usual.".into()));
        }
        let variants = match file.variants.is_empty() {
            true => vec![Variant::default()],
            false => file.variants.clone(),
        };
        if let Some(stranger) = file.per_environment.keys().find(|name| !file.environments.contains(name)) {
            return Err(wrong(format!(
                "per_environment.{stranger} is none of the environments of this file"
            )));
        }
        let mut cells: Vec<Cell> = Vec::new();
        for environment in &file.environments {
            for algorithm in &file.algorithms {
                for variant in &variants {
                    let cell = file.cell(environment, algorithm, variant, device);
                    let cell = cell.map_err(|error| {
                        let of = if variant.name.is_empty() {
                            String::new()
                        } else {
                            format!(", {}", variant.name)
                        };
                        wrong(format!("{algorithm}{of} in {environment}: {error}"))
                    })?;
                    if cells.iter().any(|other| other.slug == cell.slug) {
                        return Err(wrong(format!(
                            "two of its runs would have one directory, '{}': name every environment, algorithm and \
                             variant once, and variants by different letters or digits",
                            cell.slug
                        )));
                    }
                    cells.push(cell);
                }
            }
        }
        Ok(Experiment { path: path.to_owned(), text, cells })
    }
}

impl File {
    fn cell(
        &self,
        environment: &str,
        algorithm: &str,
        variant: &Variant,
        device: Option<&str>,
    ) -> Result<Cell> {
        let legible = |c: char| c.is_alphanumeric() || " _.=+-*/()".contains(c);
        if !variant.name.chars().all(legible) {
            let allowed = "letters, digits, spaces and _.=+-*/()";
            return Err(Error::invalid("name", &variant.name, allowed, "It is a cell of scores.csv."));
        }
        let mut merged = Table::from_iter([("stop_when_solved".to_owned(), Value::Boolean(false))]);
        let of_environment = self.per_environment.get(environment);
        for table in [Some(&self.settings), of_environment, Some(&variant.settings)].into_iter().flatten() {
            for (key, value) in table {
                if OWN.contains(&key.as_str()) {
                    let allowed = "said by environments, algorithms, seeds and first_seed";
                    return Err(Error::invalid(key, plain(value), allowed, "Leave it out of the settings."));
                }
                let setting = find(&key.replace('-', "_"))?;
                if setting.key == "sweep" {
                    let hint =
                        "Scores know agents by their seeds: give every value a [[variants]] of its own.";
                    return Err(Error::invalid(key, plain(value), "left out of an experiment", hint));
                }
                let mut value = value.clone();
                if setting.key == ENV_PARAM
                    && let (Value::Array(above), Some(Value::Array(below))) =
                        (&mut value, merged.get(ENV_PARAM))
                {
                    put_below(above, below);
                }
                merged.insert(setting.key.to_owned(), value);
            }
        }
        let agents = self.seeds.to_string();
        let seed = self.first_seed.to_string();
        let text = |key: &str, value: &Value| match (find(key).map(|setting| &setting.kind), value) {
            (Ok(Kind::Pairs), Value::Array(pairs)) => pairs.iter().map(plain).collect::<Vec<_>>().join("\n"),
            _ => plain(value),
        };
        let mut set: Vec<String> =
            merged.iter().map(|(key, value)| format!("{key}={}", text(key, value))).collect();
        set.extend(
            [("env", environment), ("algo", algorithm), ("agents", &agents), ("seed", &seed)]
                .map(|(key, value)| format!("{key}={value}")),
        );
        set.extend(device.map(|device| format!("device={device}")));
        let resolved = resolve_given(set)?;
        if let Some(wrong) = resolved.env.id.chars().find(|c| !legible(*c)) {
            let hint = format!("It is a cell of scores.csv, where '{wrong}' cannot stand: rename the file.");
            return Err(Error::invalid(
                "environments",
                environment,
                "names of letters, digits, spaces and _.=+-*/()",
                hint,
            ));
        }
        let algorithm = match variant.name.as_str() {
            "" => algorithm.to_owned(),
            name => format!("{algorithm}; {name}"),
        };
        let plain = |text: &str| -> String {
            text.chars().map(|c| if c.is_alphanumeric() || "-_.=".contains(c) { c } else { '_' }).collect()
        };
        let slug = format!("{}__{}", plain(&resolved.env.id), plain(&algorithm));
        Ok(Cell { algorithm, slug, resolved })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Experiment> {
        Experiment::parse(Path::new("my.toml"), text.to_owned(), Some("cpu"))
    }

    #[test]
    fn a_file_becomes_one_population_per_algorithm_environment_and_variant() {
        let experiment = parse(
            "environments = ['catch', 'cartpole']\nalgorithms = ['sqn', 'dqn']\nseeds = 3\nfirst_seed = 7\n\
             [settings]\neval-frequency = 500\n[per_environment.catch]\ntotal_timesteps = 4000\n\
             [[variants]]\nname = 'slow'\nsettings = { learning_rate = 0.0001 }\n[[variants]]\nname = 'fast'",
        );
        let cells = experiment.expect("cells").cells;
        let names: Vec<&str> = cells.iter().map(|cell| cell.slug.as_str()).collect();
        assert_eq!(names.len(), 8);
        assert_eq!(
            names[..3],
            ["Catch-bsuite__sqn__slow", "Catch-bsuite__sqn__fast", "Catch-bsuite__dqn__slow"]
        );
        let config = &cells[0].resolved.config;
        assert_eq!(
            (config.agents, config.seed, config.eval_frequency, config.total_timesteps),
            (3, 7, 500, 4000)
        );
        assert_eq!(
            (config.learning_rate, config.stop_when_solved, config.device.as_str()),
            (0.0001, false, "cpu")
        );
        assert_ne!(cells[4].resolved.config.total_timesteps, 4000);
        assert_eq!(cells[0].algorithm, "sqn; slow");
    }

    #[test]
    fn parameters_of_an_environment_are_put_on_top_of_those_below_by_name() {
        let experiment = parse(
            "environments = ['catch']\nalgorithms = ['sqn']\nseeds = 1\n[settings]\nenv_param = ['rows=6', 'columns=4']\n\
             [per_environment.catch]\nenv_param = ['columns=3']\n[[variants]]\nname = 'short'\n\
             settings = { env_param = ['max_episode_steps=50'] }",
        );
        let cells = experiment.expect("cells").cells;
        assert_eq!(cells[0].resolved.config.env_param, ["rows=6", "columns=3", "max_episode_steps=50"]);
    }

    #[test]
    fn a_world_whose_name_is_no_cell_is_refused() {
        let root = tempfile::tempdir().expect("temporary directory");
        let file = root.path().join("a,b.wgsl");
        std::fs::write(&file, include_str!("../../../tests/data/worlds/n_pack1.wgsl")).expect("write");
        let text = format!("environments = ['{}']\nalgorithms = ['sqn']\nseeds = 1", file.display());
        let message = parse(&text).expect_err("refused").to_string();
        assert!(message.contains("a,b.wgsl") && message.contains("',' cannot stand"), "{message}");
    }

    #[test]
    fn whatever_is_wrong_is_told_before_anything_runs() {
        let all = "environments = ['catch']\nalgorithms = ['sqn']\nseeds = 2\n";
        for (text, parts) in [
            (
                "environments = []\nalgorithms = ['sqn']\nseeds = 2".to_owned(),
                ["environments", "at least one"],
            ),
            (all.replace("2", "0"), ["seeds = 0", "at least 1"]),
            (all.replace("sqn", "sqm"), ["sqm in catch", "Did you mean 'sqn'?"]),
            (all.replace("catch", "cath"), ["sqn in cath", "Did you mean"]),
            (format!("{all}[settings]\ngama = 1"), ["gama", "Did you mean 'gamma'?"]),
            (format!("{all}[settings]\ngamma = 2"), ["gamma = 2", "sqn in catch"]),
            (format!("{all}[settings]\nseed = 2"), ["seed = 2", "first_seed"]),
            (format!("{all}[settings]\nsweep = ['lr=1e-3,1e-2']"), ["sweep = ", "[[variants]]"]),
            (
                format!("{all}[settings]\nenv_param = ['rows=6', 'colums=4']"),
                ["colums", "Did you mean 'columns'?"],
            ),
            (format!("{all}sedes = 2"), ["sedes", "unknown field"]),
            (format!("{all}[per_environment.acrobot]\ngamma = 0.9"), ["per_environment.acrobot", "none of"]),
            (format!("{all}[[variants]]\nname = 'a,b'"), ["a,b", "letters"]),
            (
                format!("{all}[[variants]]\nname = 'a'\n[[variants]]\nname = 'a'"),
                ["one directory", "Catch-bsuite__sqn"],
            ),
        ] {
            let error = parse(&text).expect_err(&text);
            let message = error.to_string();
            assert_eq!(error.exit_code(), 2, "{message}");
            assert!(message.contains("my.toml"), "{message}");
            assert!(parts.iter().all(|part| message.contains(part)), "{parts:?}: {message}");
        }
    }
}
