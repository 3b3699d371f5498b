//! Reference policies, read: that of another run, a run's own copy of one, or a table of probabilities.
//!
//! A run keeps the reference that it was trained with beside its weights, as one network in `reference.safetensors`, and so
//! needs no other directory to be played, repeated or looked at.

mod table;

use std::collections::BTreeMap;
use std::path::Path;

use crate::agents::reference::{Reference, UNIFORM};
use crate::agents::{self, reference};
use crate::config::{Config, Exploration, Temperature};
use crate::engine::env::Env;
use crate::engine::executor::Executor;
use crate::envs::tabulate::{Starts, Tabulated, tabulate};
use crate::error::{Error, Result};
use crate::files;
use crate::shared::math::exp_f32;
use crate::train::event::NamedTensor;
use crate::train::model_file::{Model, read_model, tensor_bytes};
use crate::train::run_dir::{REFERENCE_FILE, REPORT_FILE};
use crate::train::saved_run::{SavedRun, Which};

/// Key of the metadata of a kept reference: the temperature of its softmax.
const TEMPERATURE: &str = "temperature";

/// What a file of weights may be, in words.
const FORMS: &str = "uniform, the directory of a run, or a file of probabilities (.json, .safetensors)";

/// The policy that `config.reference` names, to train relative to in `env`; none if it is uniform. A table of probabilities is
/// laid out on `executor`. What the user should know is added to `warnings`.
pub fn read(
    config: &Config,
    env: &'static Env,
    executor: &mut dyn Executor,
    warnings: &mut Vec<String>,
) -> Result<Option<Reference>> {
    if !reference::is_named(config) {
        return Ok(None);
    }
    match source(&config.reference, env, warnings)? {
        Source::Network(reference) => Ok(Some(*reference)),
        Source::Rows(rows) => of_rows(&config.reference, rows, env, executor).map(Some),
    }
}

/// The probabilities `[states, actions]` that `name` stands for in the table of `env`.
pub fn probabilities(
    name: &str,
    env: &'static Env,
    table: &Tabulated,
    executor: &mut dyn Executor,
    warnings: &mut Vec<String>,
) -> Result<Vec<f64>> {
    let actions = table.mdp.actions as usize;
    if name == UNIFORM {
        return Ok(vec![1.0 / actions as f64; table.mdp.outcomes.len()]);
    }
    let reference = match source(name, env, warnings)? {
        Source::Rows(rows) => return table::of_states(Path::new(name), rows, &table.mdp),
        Source::Network(reference) => reference,
    };
    let places = places(name, env, table, "a file of probabilities for states that are seen otherwise")?;
    let width = env.obs_size as usize;
    let mut observations = vec![0.0; places.len() * width];
    for (observation, place) in observations.chunks_mut(width).zip(places) {
        if let Some(place) = place {
            observation[*place as usize] = 1.0;
        }
    }
    let logits = reference.logits(executor, &observations)?;
    Ok(logits.chunks(actions).flat_map(table::softmax).collect())
}

/// What a name leads to.
enum Source {
    Network(Box<Reference>),
    Rows(Vec<Vec<f64>>),
}

fn source(name: &str, env: &'static Env, warnings: &mut Vec<String>) -> Result<Source> {
    let path = Path::new(name);
    if path.is_dir() {
        return of_run(path, env, warnings).map(|reference| Source::Network(Box::new(reference)));
    }
    if !path.exists() {
        let hint =
            "There is no such directory or file. `softq train` names the directory of a run when it ends.";
        return Err(Error::invalid("reference", name, FORMS, hint));
    }
    if path.extension().is_none_or(|ending| ending != "safetensors") {
        return table::rows_of_json(path).map(Source::Rows);
    }
    let bytes = files::read(path, files::MOST_DATA).map_err(|error| Error::file("read", path, error))?;
    let model = read_model(path, &bytes)?;
    if model.metadata.contains_key(TEMPERATURE) {
        return kept(path, &model, env).map(|reference| Source::Network(Box::new(reference)));
    }
    if path.parent().is_some_and(SavedRun::is_at) {
        let hint = "Give the run directory that this file lies in.";
        return Err(Error::invalid("reference", name, FORMS, hint));
    }
    table::rows_of_tensors(path, &model).map(Source::Rows)
}

/// The policy of the run in `path`: the softmax of its acting network, at its last temperature.
fn of_run(path: &Path, env: &'static Env, warnings: &mut Vec<String>) -> Result<Reference> {
    let run = SavedRun::load(path, Which::Last)?;
    let refuse =
        |allowed: &str, hint: String| Err(Error::invalid("reference", path.display(), allowed, hint));
    if !path.join(REPORT_FILE).is_file() {
        let hint =
            format!("It has no {REPORT_FILE}: it diverged, failed or was interrupted. Train it to its end.");
        return refuse("a run that has ended", hint);
    }
    if (run.env.obs_shape, run.env.actions.heads()) != (env.obs_shape, env.actions.heads()) {
        let seen = |env: &Env| format!("observations of {} elements and {}", env.obs_size, env.actions);
        let hint = format!(
            "{} has {}; this run was trained in {}: {}.",
            env.id,
            seen(env),
            run.env.id,
            seen(run.env)
        );
        return refuse("a run with the same observations and actions", hint);
    }
    if run.env.obs_rescaled != env.obs_rescaled {
        let hint = format!(
            "Its network would see other numbers. It was trained with env_param = {:?}; give rescale_observations the value that it \
             had there.",
            run.config.env_param
        );
        return refuse("a run whose observations are scaled as those of this one", hint);
    }
    if reference::is_named(&run.config) {
        let hint = "Its policy is relative to a reference of its own, which would have to be followed as well. Name the run \
                    that started the chain, or one trained without a reference.";
        return refuse("a run without a reference of its own", hint.into());
    }
    let algorithm = agents::find(&run.config.algo)?;
    let soft = (algorithm.soft)(&run.config) || run.config.exploration == Exploration::Boltzmann;
    if !soft && !algorithm.actor.policy {
        let hint = "Its policy is an argmax, relative to which every other action is forbidden.";
        return refuse("a run with a softmax policy", hint.into());
    }
    if run.config.temperature == Temperature::PerState && !algorithm.actor.policy {
        return refuse(
            "a run with one temperature",
            "Each of its states has a temperature of its own.".into(),
        );
    }
    if run.config.alpha_per_head {
        let hint = "Each of its heads has a temperature of its own.";
        return refuse("a run with one temperature", hint.into());
    }
    let config = run.config.members()?.swap_remove(0);
    let net = agents::network(&config, env);
    let (params, first) = (net.params() as usize, algorithm.actor.net as usize * net.params() as usize);
    let weights = run.weights.get(algorithm.actor.group).and_then(|group| group.get(first..first + params));
    let temperature = if algorithm.actor.policy {
        1.0
    } else {
        run.log_alphas.first().map_or(1.0, |log_alpha| exp_f32(*log_alpha))
    };
    let reference = Reference::new(config, net, weights.unwrap_or_default().to_vec(), temperature)?;
    warnings.extend(run.warnings);
    Ok(reference)
}

/// A table of probabilities as a network: one layer on observations of which one element is 1.
fn of_rows(
    name: &str,
    rows: Vec<Vec<f64>>,
    env: &'static Env,
    executor: &mut dyn Executor,
) -> Result<Reference> {
    let table = tabulate(executor, env, Starts::Resets)?;
    let shares = table::of_states(Path::new(name), rows, &table.mdp)?;
    let places =
        places(name, env, &table, "the directory of a run for an environment with other observations")?;
    let config = Config { env: env.id.clone(), hidden: Vec::new(), ..Config::default() };
    let net = agents::network(&config, env);
    let mut weights = vec![0.0; net.params() as usize];
    let actions = table.mdp.actions as usize;
    for (row, place) in shares.chunks(actions).zip(places) {
        if let Some(place) = place {
            let to = &mut weights[*place as usize * actions..][..actions];
            to.iter_mut().zip(row).for_each(|(to, share)| *to = table::log_of(*share));
        }
    }
    Reference::new(config, net, weights, 1.0)
}

/// Where the 1 of each state's observation is.
fn places<'a>(name: &str, env: &Env, table: &'a Tabulated, allowed: &str) -> Result<&'a [Option<u32>]> {
    table.places.as_deref().ok_or_else(|| {
        let hint = format!("The states of {} are not told apart by one element that is 1.", env.id);
        Error::invalid("reference", name, allowed, hint)
    })
}

/// The reference that the run in `dir` keeps.
pub fn of_copy(
    dir: &Path,
    env: &'static Env,
    checked: &dyn Fn(&str, &[u8]) -> Result<()>,
) -> Result<Reference> {
    let path = dir.join(REFERENCE_FILE);
    if !path.exists() {
        let message =
            "it is missing: the run was trained relative to this policy, without which its agent cannot act";
        return Err(Error::file("load", path, message));
    }
    let bytes = files::read(&path, files::MOST_DATA).map_err(|error| Error::file("read", &path, error))?;
    checked(REFERENCE_FILE, &bytes)?;
    kept(&path, &read_model(&path, &bytes)?, env)
}

/// A reference as a run keeps it.
fn kept(path: &Path, model: &Model, env: &'static Env) -> Result<Reference> {
    let wrong = |message: String| Error::file("load", path, message);
    let entry = |key: &str| {
        model.metadata.get(key).ok_or_else(|| wrong(format!("'{key}' is missing from its metadata")))
    };
    let config: Config = toml::from_str(entry("config")?)
        .map_err(|error| wrong(format!("the settings recorded in it are unreadable: {error}")))?;
    let temperature: f32 = entry(TEMPERATURE)?.parse().unwrap_or(f32::NAN);
    if !(temperature > 0.0 && temperature.is_finite()) {
        return Err(wrong("its temperature is no number above 0".into()));
    }
    let net = agents::network(&config, env);
    let mut weights = vec![0.0; net.params() as usize];
    let blank = Reference::new(config.clone(), net.clone(), weights.clone(), temperature)?;
    for part in blank.group().tensors() {
        let (setting, value) = agents::described(&config);
        let whose = format!("a policy in {} with {setting} = {value}", env.id);
        let tensor = model.tensors.get(&part.name);
        let tensor = tensor.ok_or_else(|| wrong(format!("tensor '{}' of {whose} is missing", part.name)))?;
        if tensor.shape != part.shape {
            let (name, got, want) = (&part.name, &tensor.shape, &part.shape);
            return Err(wrong(format!("tensor '{name}' has shape {got:?}; {whose} needs {want:?}")));
        }
        if let Some(value) = tensor.values.iter().find(|value| !value.is_finite()) {
            return Err(wrong(format!("tensor '{}' holds {value}", part.name)));
        }
        weights[part.offset..][..part.len()].copy_from_slice(&tensor.values);
    }
    Reference::new(config, net, weights, temperature)
}

/// The bytes of [`REFERENCE_FILE`].
pub fn bytes(reference: &Reference) -> Result<Vec<u8>> {
    let tensors: Vec<NamedTensor> = reference
        .group()
        .tensors()
        .into_iter()
        .map(|tensor| {
            let values = reference.weights[tensor.offset..][..tensor.len()].to_vec();
            NamedTensor { name: tensor.name, shape: tensor.shape, values }
        })
        .collect();
    let config = toml::to_string(&reference.config);
    let metadata = BTreeMap::from([
        ("config", config.map_err(|error| Error::file("write", REFERENCE_FILE, error))?),
        ("env", reference.config.env.clone()),
        ("softq_version", env!("CARGO_PKG_VERSION").to_owned()),
        (TEMPERATURE, reference.temperature.to_string()),
    ]);
    tensor_bytes(REFERENCE_FILE, &tensors, metadata)
}
