//! A run directory as `softq train` leaves it, read back: its settings, its environment and its weights, checked against
//! each other, so that the agent can be played, recorded or rolled out later.
//!
//! ```
//! use softq::config::Config;
//! use softq::engine::cpu::CpuExecutor;
//! use softq::train::event::Event;
//! use softq::train::playback::{LONGEST, play};
//! use softq::train::run_dir::RunDir;
//! use softq::train::saved_run::{Origin, SavedRun, Which};
//! use softq::train::sinks::{RunFiles, train_with};
//! use softq::train::trainer::Trainer;
//!
//! let root = tempfile::tempdir().expect("temporary directory");
//! let path = root.path().join("run");
//! let short = Config { env: "catch".into(), device: "cpu".into(), total_timesteps: 1_200, ..Config::default() };
//! let mut trainer = Trainer::new(&short)?;
//! let files = RunFiles::create(RunDir::create(&path)?, &trainer, Default::default())?.without_pictures();
//! train_with(&mut trainer, files, &Default::default(), &mut |_: &Event| Ok(()))?;
//!
//! // What it was to do, and the agent that came of it.
//! assert_eq!(Origin::read(&path)?.config, short);
//! let run = SavedRun::load(&path, Which::Best)?;
//! assert_eq!((run.env.id.as_str(), run.env_steps), ("Catch-bsuite", Some(1_200)));
//! let episode = play(&run.config, run.env, run.policy(false), 0, LONGEST, &mut CpuExecutor::new())?;
//! assert_eq!((episode.steps(), episode.ended), (9, true));
//! # Ok::<(), softq::Error>(())
//! ```

mod settings;

use std::path::{Path, PathBuf};

use crate::agents::reference::Reference;
use crate::agents::{self, Capabilities, Plan};
use crate::config::Config;
use crate::engine::env::Env;
use crate::envs::{self, Values};
use crate::error::{Error, Result};
use crate::files;
use crate::nn::{GroupSpec, GroupTensor};
use crate::train::checksums::Checksums;
use crate::train::model_file::{Model, read_model};
use crate::train::playback::{self, Policy, Trained};
use crate::train::reference;
use crate::train::run_dir::{
    AGENTS_FILE, BEST_FILE, CONFIG_FILE, ENVIRONMENT_FILE, MODEL_FILE, POPULATION_FILE, REFERENCE_FILE,
    SUMS_FILE,
};

use settings::same_settings;

/// Which of a run's weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Those at the end of training.
    #[default]
    Last,
    /// Those that evaluated best.
    Best,
    /// The last ones of this agent of a population.
    Agent(usize),
}

impl Which {
    /// Their file in the run directory.
    pub fn file(self) -> &'static str {
        match self {
            Which::Last => MODEL_FILE,
            Which::Best => BEST_FILE,
            Which::Agent(_) => AGENTS_FILE,
        }
    }

    /// `last`, `best` or `agent 3`.
    pub fn label(self) -> String {
        match self {
            Which::Last => "last".into(),
            Which::Best => "best".into(),
            Which::Agent(agent) => format!("agent {agent}"),
        }
    }
}

/// The tensor that holds `ln alpha`.
pub const LOG_ALPHA: &str = "log_alpha";

/// A trained agent with everything needed to let it act.
#[derive(Debug)]
pub struct SavedRun {
    /// The run directory.
    pub path: PathBuf,
    /// Which of its weights.
    pub which: Which,
    /// Its settings.
    pub config: Config,
    /// Its environment, with the parameters of the run; a user's file is the copy in the run directory.
    pub env: &'static Env,
    /// The policy that it is relative to, if that is not the uniform one: the copy in the run directory.
    pub reference: Option<Reference>,
    /// Its groups of networks.
    pub groups: Vec<GroupSpec>,
    /// Weights group by group, `[nets, params]`, as [`agents::Plan`] orders them.
    pub weights: Vec<Vec<f32>>,
    /// `ln alpha` at the end of training, one for each head that has its own.
    pub log_alphas: Vec<f32>,
    /// Environment steps trained, where the file says so.
    pub env_steps: Option<u64>,
    /// What its user should know, such as files without a checksum.
    pub warnings: Vec<String>,
}

impl SavedRun {
    /// Whether `path` looks like a run directory: it holds a `config.toml`.
    pub fn is_at(path: &Path) -> bool {
        path.join(CONFIG_FILE).is_file()
    }

    /// Reads and checks a run directory.
    pub fn load(path: &Path, which: Which) -> Result<SavedRun> {
        let origin = Origin::read(path)?;
        let checked = |name: &str, bytes: &[u8]| origin.check(path, name, bytes);
        let Origin { config: whole, env, .. } = &origin;
        let (which, members) = chosen(which, whole.members()?)?;
        let file = path.join(which.file());
        if !file.is_file() {
            let message = match which {
                Which::Last => {
                    "there are no weights: the run has not finished, or did not get as far as saving them"
                }
                Which::Best => {
                    "there are no such weights: the run ended before an evaluation, or is of an older version"
                }
                Which::Agent(_) => {
                    "there are no weights of all agents: the run has not finished, or is of an older version. Without --agent the \
                     best one is taken"
                }
            };
            return Err(Error::file("load", file, message));
        }
        let bytes =
            files::read(&file, files::MOST_DATA).map_err(|error| Error::file("read", &file, error))?;
        let mut model = read_model(&file, &bytes)?;
        checked(which.file(), &bytes)?;
        // The file says whose weights it holds.
        let named = || model.metadata.get("agent")?.parse::<usize>().ok();
        let agent = if let Which::Agent(agent) = which { Some(agent) } else { named() };
        let config =
            agent.and_then(|agent| members.get(agent)).filter(|_| members.len() > 1).unwrap_or(whole);
        let wrong = |message: String| Error::file("load", &file, message);
        if let Some(other) = model.metadata.get("env").filter(|env| **env != config.env) {
            return Err(wrong(format!(
                "these weights were trained in '{other}', but {CONFIG_FILE} beside them names '{}'",
                config.env
            )));
        }
        if let Some(recorded) = model.metadata.get("config") {
            let told = if let Which::Agent(_) = which { std::slice::from_ref(whole) } else { &members[..] };
            same_settings(recorded, told).map_err(wrong)?;
        }
        if let Which::Agent(agent) = which {
            take_agent(&mut model, agent, members.len()).map_err(wrong)?;
        }
        let alone = playback::alone(config);
        let plan = agents::plan_relative(&alone, env, Capabilities::default(), origin.reference.as_ref())?;
        let (setting, value) = agents::described(config);
        let whose = format!("a {} agent with {setting} = {value} in {}", config.algo, env.id);
        let (weights, log_alphas) = weights_of(&model, &plan, &whose).map_err(wrong)?;
        let env_steps = model.metadata.get("env_steps").and_then(|steps| steps.parse().ok());
        let mut warnings = Vec::new();
        let sums = &origin.sums;
        if sums.is_none() || !model.checked {
            warnings.push(format!(
                "{} has no {}; runs of older versions have none. A change to its files goes unnoticed.",
                path.display(),
                if sums.is_none() { SUMS_FILE } else { "checksum in its weights" }
            ));
        }
        let read = [CONFIG_FILE, ENVIRONMENT_FILE, REFERENCE_FILE, which.file()];
        for name in sums.iter().flat_map(|sums| sums.strangers(path, &read)) {
            let file = path.join(name);
            warnings.push(format!(
                "{} is not the one in {SUMS_FILE}; it was removed or altered.",
                file.display()
            ));
        }
        let config = config.clone();
        let Origin { env, reference, .. } = origin;
        let (path, groups) = (path.to_owned(), plan.groups);
        Ok(SavedRun { path, which, config, env, reference, groups, weights, log_alphas, env_steps, warnings })
    }

    /// An agent out of the bytes of a weights file alone, with the settings that the file itself records; `open` knows the
    /// environments. Whatever its file in a run directory is called, these are `last`.
    pub fn of_file(
        name: &Path,
        bytes: &[u8],
        open: &dyn Fn(&str, &Values) -> Result<&'static Env>,
    ) -> Result<SavedRun> {
        let model = read_model(name, bytes)?;
        let wrong = |message: String| Error::file("load", name, message);
        let recorded = model.metadata.get("config").ok_or_else(|| {
            wrong(
                "it does not say what it was trained with; give a model.safetensors that softq wrote".into(),
            )
        })?;
        let config: Config = toml::from_str(recorded)
            .map_err(|error| wrong(format!("its settings cannot be read: {}", error.message())))?;
        if agents::reference::is_named(&config) {
            let message =
                "it was trained relative to a policy, which is in its run directory and not in this file";
            return Err(wrong(message.into()));
        }
        let env = open(&config.env, &config.env_values()?)?;
        agents::check(&config, env)?;
        let plan = agents::plan(&playback::alone(&config), env)?;
        let (setting, value) = agents::described(&config);
        let whose = format!("a {} agent with {setting} = {value} in {}", config.algo, env.id);
        let (weights, log_alphas) = weights_of(&model, &plan, &whose).map_err(wrong)?;
        Ok(SavedRun {
            path: name.to_owned(),
            which: Which::Last,
            config,
            env,
            reference: None,
            groups: plan.groups,
            weights,
            log_alphas,
            env_steps: model.metadata.get("env_steps").and_then(|steps| steps.parse().ok()),
            warnings: Vec::new(),
        })
    }

    /// The agent's policy: its argmax, or samples from `softmax(Q / alpha)` with its last temperature or from its policy network.
    pub fn policy(&self, softmax: bool) -> Policy<'_> {
        let SavedRun { weights, log_alphas, reference, .. } = self;
        let trained = Trained { weights, log_alphas, reference: reference.as_ref() };
        if softmax { Policy::Softmax(trained) } else { Policy::Greedy(trained) }
    }
}

/// What a run was to do, as its directory says.
pub struct Origin {
    /// Its settings.
    pub config: Config,
    /// Its environment; a user's file is the copy in the directory.
    pub env: &'static Env,
    /// The policy that it is relative to, if that is not the uniform one: the copy in the directory.
    pub reference: Option<Reference>,
    /// Digests of its files; runs of older versions have none.
    sums: Option<Checksums>,
}

impl Origin {
    /// Reads and checks it.
    pub fn read(path: &Path) -> Result<Origin> {
        let sums = if path.is_dir() { Checksums::read(path)? } else { None };
        let checked = |name: &str, bytes: &[u8]| match &sums {
            Some(sums) => sums.check(path, name, bytes),
            None => Ok(()),
        };
        let config = read_config(path, &checked)?;
        let env = open_env(path, &config, &checked)?;
        let reference = match agents::reference::is_named(&config) {
            true => Some(reference::of_copy(path, env, &checked)?),
            false => None,
        };
        Ok(Origin { config, env, reference, sums })
    }

    fn check(&self, path: &Path, name: &str, bytes: &[u8]) -> Result<()> {
        self.sums.as_ref().map_or(Ok(()), |sums| sums.check(path, name, bytes))
    }
}

/// Refuses a file whose bytes are not those of the run.
type Check<'a> = &'a dyn Fn(&str, &[u8]) -> Result<()>;

/// Which weights are meant in a run of these agents.
fn chosen(which: Which, members: Vec<Config>) -> Result<(Which, Vec<Config>)> {
    match which {
        Which::Agent(agent) if agent >= members.len() => {
            let allowed = match members.len() {
                1 => "0, the only agent of this run".to_owned(),
                agents => format!("from 0 to {}", agents - 1),
            };
            let hint = format!("{POPULATION_FILE} of a population ranks its agents by number.");
            Err(Error::invalid("--agent", agent, allowed, hint))
        }
        Which::Agent(_) if members.len() == 1 => Ok((Which::Last, members)),
        which => Ok((which, members)),
    }
}

/// Leaves the tensors of one of so many agents, or says in which way the file is not one of them.
fn take_agent(model: &mut Model, agent: usize, agents: usize) -> std::result::Result<(), String> {
    for tensor in model.tensors.values_mut() {
        if tensor.shape.first() != Some(&agents) {
            return Err(format!(
                "tensor '{}' has shape {:?}; the run has {agents} agents, for each of which it must hold one",
                tensor.name, tensor.shape
            ));
        }
        tensor.shape.remove(0);
        let each = tensor.values.len() / agents;
        tensor.values = tensor.values[agent * each..][..each].to_vec();
    }
    Ok(())
}

fn read_config(path: &Path, checked: Check<'_>) -> Result<Config> {
    if !path.is_dir() {
        let message = match path.exists() {
            true => "it is a file; give the run directory that it lies in",
            false => "there is no such directory",
        };
        return Err(Error::file("open run directory", path, message));
    }
    let file = path.join(CONFIG_FILE);
    let text = files::read_text(&file, files::MOST_TEXT).map_err(|error| {
        let message = format!("it has no readable {CONFIG_FILE} ({error}), so it is no directory of a run");
        Error::file("open run directory", path, message)
    })?;
    checked(CONFIG_FILE, text.as_bytes())?;
    toml::from_str(&text).map_err(|error| Error::Config { path: file, message: error.to_string() })
}

fn open_env(path: &Path, config: &Config, checked: Check<'_>) -> Result<&'static Env> {
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
    let bytes = files::read(&copy, files::MOST_TEXT).map_err(|error| Error::file("read", &copy, error))?;
    checked(ENVIRONMENT_FILE, &bytes)?;
    envs::open_copy(&copy, &config.env, &values)
}

/// The weights in the plan's order and `ln alpha`, or in which way the file does not fit.
fn weights_of(
    model: &Model,
    plan: &Plan,
    whose: &str,
) -> std::result::Result<(Vec<Vec<f32>>, Vec<f32>), String> {
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
    let later = plan.shards[0].head_temperatures.map_or(0, |of| of.buffer.len as usize);
    Ok((weights, values(LOG_ALPHA, &[1 + later])?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::event::{NamedTensor, Weights};
    use crate::train::model_file::model_bytes;
    use crate::train::trainer::Trainer;

    fn small() -> Config {
        Config { device: "cpu".into(), hidden: vec![8], num_envs: 2, seed: 4, ..Config::default() }
    }

    fn save(dir: &Path, config: &Config, tensors: &[NamedTensor]) {
        std::fs::write(dir.join(CONFIG_FILE), toml::to_string(config).expect("toml")).expect("write");
        let config = config.members().expect("one").remove(0);
        let (tensors, greedy_mean) = (tensors.to_vec(), None);
        let bytes = model_bytes(&Weights { agent: 0, config, env_steps: 77, greedy_mean, tensors });
        let bytes = bytes.expect("bytes");
        std::fs::write(dir.join(MODEL_FILE), bytes).expect("write");
    }

    fn error(dir: &Path) -> String {
        SavedRun::load(dir, Which::Last).expect_err("must be refused").to_string()
    }

    #[test]
    fn the_weights_come_back_in_their_places() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let mut trainer = Trainer::new(&small()).expect("trainer");
        save(dir.path(), &small(), &trainer.weights().expect("weights"));
        let run = SavedRun::load(dir.path(), Which::Last).expect("load");
        let words = trainer.read_buffer("weights").expect("weights");
        assert_eq!(bytemuck::cast_slice::<f32, u32>(&run.weights[0]), words);
        assert_eq!(run.log_alphas, [0.2f64.ln() as f32]);
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
        let config = Config { gamma: 0.5, ..small() };
        std::fs::write(path.join(CONFIG_FILE), toml::to_string(&config).expect("toml")).expect("write");
        assert!(error(path).contains("gamma = 0.99, but config.toml beside them says gamma = 0.5"));
        // Where it was trained is no property of an agent, nor is that the run was made longer.
        let config = Config { device: "gpu".into(), total_timesteps: 90_000, ..small() };
        std::fs::write(path.join(CONFIG_FILE), toml::to_string(&config).expect("toml")).expect("write");
        let run = SavedRun::load(path, Which::Last).expect("the same agent");
        assert!(run.warnings[0].contains(SUMS_FILE), "{:?}", run.warnings);
        assert!(
            SavedRun::load(path, Which::Best).expect_err("none").to_string().contains("best.safetensors")
        );
        let sums = Checksums::of(path, &[CONFIG_FILE, MODEL_FILE]).expect("digests");
        std::fs::write(path.join(SUMS_FILE), sums.text()).expect("write");
        assert_eq!(SavedRun::load(path, Which::Last).expect("checked").warnings, [""; 0]);
        save(path, &Config { seed: 5, ..small() }, &tensors);
        assert!(error(path).contains("config.toml: its SHA-256"), "{}", error(path));
        std::fs::remove_file(path.join(SUMS_FILE)).expect("remove");
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
        let run = SavedRun::load(dir.path(), Which::Last).expect("load");
        assert_eq!((run.env.id.as_str(), run.env.user), ("my_pole", true));
    }
}
