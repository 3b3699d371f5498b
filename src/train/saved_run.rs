//! A run directory as `softq train` leaves it, read back: its settings, its environment and its weights, checked against
//! each other, so that the agent can be played, recorded or rolled out later.

use std::path::{Path, PathBuf};

use crate::agents::{self, Plan};
use crate::config::Config;
use crate::engine::env::Env;
use crate::envs;
use crate::error::{Error, Result};
use crate::nn::{GroupSpec, GroupTensor};
use crate::train::model_file::{Model, read_model};
use crate::train::playback::{self, Policy};

/// Name of the copy of a user's environment file in a run directory.
pub const ENVIRONMENT_FILE: &str = "environment.wgsl";
/// Name of the weights.
pub const MODEL_FILE: &str = "model.safetensors";
/// Name of the resolved settings.
pub const CONFIG_FILE: &str = "config.toml";

/// The tensor that holds `ln alpha`.
pub const LOG_ALPHA: &str = "log_alpha";

/// A trained agent with everything needed to let it act.
#[derive(Debug)]
pub struct SavedRun {
    /// The run directory.
    pub path: PathBuf,
    /// Its settings.
    pub config: Config,
    /// Its environment, with the parameters of the run; a user's file is the copy in the run directory.
    pub env: &'static Env,
    /// Weights group by group, `[nets, params]`, as [`agents::Plan`] orders them.
    pub weights: Vec<Vec<f32>>,
    /// `ln alpha` at the end of training.
    pub log_alpha: f32,
    /// Environment steps trained, where the file says so.
    pub env_steps: Option<u64>,
}

impl SavedRun {
    /// Whether `path` looks like a run directory: it holds a `config.toml`.
    pub fn is_at(path: &Path) -> bool {
        path.join(CONFIG_FILE).is_file()
    }

    /// Reads and checks a run directory.
    pub fn load(path: &Path) -> Result<SavedRun> {
        let config = read_config(path)?;
        let env = open_env(path, &config)?;
        let file = path.join(MODEL_FILE);
        if !file.is_file() {
            let message =
                "there are no weights: the run has not finished, or did not get as far as saving them";
            return Err(Error::file("load", file, message));
        }
        let model = read_model(&file)?;
        let wrong = |message: String| Error::file("load", &file, message);
        if let Some(other) = model.metadata.get("env").filter(|env| **env != config.env) {
            return Err(wrong(format!(
                "these weights were trained in '{other}', but {CONFIG_FILE} beside them names '{}'",
                config.env
            )));
        }
        let plan = agents::plan(&playback::alone(&config), env)?;
        let whose = format!("a {} agent with hidden = {:?} in {}", config.algo, config.hidden, env.id);
        let (weights, log_alpha) = weights_of(&model, &plan, &whose).map_err(wrong)?;
        let env_steps = model.metadata.get("env_steps").and_then(|steps| steps.parse().ok());
        Ok(SavedRun { path: path.to_owned(), config, env, weights, log_alpha, env_steps })
    }

    /// The agent's policy: its argmax, or samples from `softmax(Q / alpha)` with its last temperature.
    pub fn policy(&self, softmax: bool) -> Policy<'_> {
        let weights = &self.weights;
        match softmax {
            true => Policy::Softmax { weights, log_alpha: self.log_alpha },
            false => Policy::Greedy { weights },
        }
    }
}

fn read_config(path: &Path) -> Result<Config> {
    if !path.is_dir() {
        let message = match path.exists() {
            true => "it is a file; give the run directory that it lies in",
            false => "there is no such directory",
        };
        return Err(Error::file("open run directory", path, message));
    }
    let file = path.join(CONFIG_FILE);
    let text = std::fs::read_to_string(&file).map_err(|error| {
        let message = format!("it has no readable {CONFIG_FILE} ({error}), so it is no directory of a run");
        Error::file("open run directory", path, message)
    })?;
    toml::from_str(&text).map_err(|error| Error::Config { path: file, message: error.to_string() })
}

fn open_env(path: &Path, config: &Config) -> Result<&'static Env> {
    let values = config.env_values()?;
    if !envs::is_path(&config.env) {
        return envs::open(&config.env, &values);
    }
    let copy = path.join(ENVIRONMENT_FILE);
    if !copy.is_file() {
        let message = format!(
            "the copy of {} is missing; put the file that the agent was trained in there",
            config.env
        );
        return Err(Error::file("load", copy, message));
    }
    envs::open_copy(&copy, &config.env, &values)
}

/// The weights in the plan's order and `ln alpha`, or in which way the file does not fit.
fn weights_of(model: &Model, plan: &Plan, whose: &str) -> std::result::Result<(Vec<Vec<f32>>, f32), String> {
    let groups: Vec<(&GroupSpec, Vec<GroupTensor>)> =
        plan.groups.iter().map(|group| (group, group.tensors())).collect();
    let known =
        |name: &str| groups.iter().any(|(_, tensors)| tensors.iter().any(|tensor| tensor.name == name));
    if let Some(name) = model.tensors.keys().find(|name| *name != LOG_ALPHA && !known(name)) {
        return Err(format!("it holds a tensor '{name}', which is no part of {whose}"));
    }
    let values = |name: &str, shape: &[usize]| -> std::result::Result<&[f32], String> {
        let missing = || format!("tensor '{name}' {shape:?} of {whose} is missing");
        let tensor = model.tensors.get(name).ok_or_else(missing)?;
        if tensor.shape != shape {
            return Err(format!("tensor '{name}' has shape {:?}; {whose} needs {shape:?}", tensor.shape));
        }
        match tensor.values.iter().find(|value| !value.is_finite()) {
            Some(value) => {
                Err(format!("tensor '{name}' holds {value}; an agent with such weights cannot act"))
            }
            None => Ok(&tensor.values),
        }
    };
    let mut weights = Vec::new();
    for (group, tensors) in &groups {
        let mut of_group = vec![0.0; group.words()];
        for tensor in tensors {
            of_group[tensor.offset..][..tensor.len()].copy_from_slice(values(&tensor.name, &tensor.shape)?);
        }
        weights.push(of_group);
    }
    Ok((weights, values(LOG_ALPHA, &[1])?[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::event::NamedTensor;
    use crate::train::model_file::model_bytes;
    use crate::train::trainer::Trainer;

    fn small() -> Config {
        Config { device: "cpu".into(), hidden: vec![8], num_envs: 2, seed: 4, ..Config::default() }
    }

    fn save(dir: &Path, config: &Config, tensors: &[NamedTensor]) {
        std::fs::write(dir.join(CONFIG_FILE), toml::to_string(config).expect("toml")).expect("write");
        let bytes = model_bytes(tensors, config, 77).expect("bytes");
        std::fs::write(dir.join(MODEL_FILE), bytes).expect("write");
    }

    fn error(dir: &Path) -> String {
        SavedRun::load(dir).expect_err("must be refused").to_string()
    }

    #[test]
    fn the_weights_come_back_in_their_places() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let mut trainer = Trainer::new(&small()).expect("trainer");
        save(dir.path(), &small(), &trainer.weights().expect("weights"));
        let run = SavedRun::load(dir.path()).expect("load");
        let words = trainer.read_buffer("weights").expect("weights");
        assert_eq!(bytemuck::cast_slice::<f32, u32>(&run.weights[0]), words);
        assert_eq!(run.log_alpha, 0.2f64.ln() as f32);
        assert_eq!((run.env.id.as_str(), run.env_steps, run.config.seed), ("CartPole-v1", Some(77), 4));
        assert!(SavedRun::is_at(dir.path()) && !SavedRun::is_at(&dir.path().join("more")));
    }

    #[test]
    fn files_that_do_not_fit_are_explained() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path();
        assert!(error(&path.join("nowhere")).contains("no such directory"));
        assert!(error(path).contains("no directory of a run"));
        let tensors = Trainer::new(&small()).expect("trainer").weights().expect("weights");
        save(path, &small(), &tensors);
        assert!(error(&path.join(MODEL_FILE)).contains("it is a file"));

        save(path, &Config { hidden: vec![9], ..small() }, &tensors);
        let text = error(path);
        assert!(text.contains("has shape [4, 8]") && text.contains("needs [4, 9]"), "{text}");
        save(path, &small(), &tensors[1..]);
        let text = error(path);
        assert!(text.contains(&tensors[0].name) && text.contains("is missing"), "{text}");
        let foreign = NamedTensor { name: "policy.weight".into(), shape: vec![1], values: vec![0.0] };
        save(path, &small(), &[&tensors[..], &[foreign]].concat());
        assert!(error(path).contains("a tensor 'policy.weight', which is no part of a sqn agent"));
        let mut broken = tensors.clone();
        broken[0].values[0] = f32::NAN;
        save(path, &small(), &broken);
        assert!(error(path).contains("NaN"));

        save(path, &small(), &tensors);
        let config = Config { env: "Acrobot-v1".into(), ..small() };
        std::fs::write(path.join(CONFIG_FILE), toml::to_string(&config).expect("toml")).expect("write");
        assert!(error(path).contains("trained in 'CartPole-v1'"), "{}", error(path));
        std::fs::write(path.join(CONFIG_FILE), "gama = 1").expect("write");
        assert!(error(path).contains("gama"), "{}", error(path));

        save(path, &small(), &tensors);
        std::fs::remove_file(path.join(MODEL_FILE)).expect("remove");
        assert!(error(path).contains("there are no weights"), "{}", error(path));
    }

    #[test]
    fn a_users_environment_is_the_copy_in_the_directory() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let config = Config { env: "gone/my_pole.wgsl".into(), ..small() };
        let tensors = Trainer::new(&small()).expect("trainer").weights().expect("weights");
        save(dir.path(), &config, &tensors);
        assert!(error(dir.path()).contains("the copy of gone/my_pole.wgsl is missing"));
        let source = include_str!("../../shaders/envs/cartpole.wgsl");
        std::fs::write(dir.path().join(ENVIRONMENT_FILE), source).expect("write");
        let run = SavedRun::load(dir.path()).expect("load");
        assert_eq!((run.env.id.as_str(), run.env.user), ("my_pole", true));
    }
}
