//! From scattered settings to one [`Config`]: built-in default < preset of the environment and algorithm < `--config
//! FILE` < `--set key=value` < flags. Each layer is a flat TOML table; the merged table is read into `Config` once. Every key
//! is checked where it came from, and so is what must hold between settings: an error names the file and line, or the flag.
//!
//! ```
//! use softq::config::find;
//! use softq::train::layers::{Layers, Origin, Resolved, SettingsFile, resolve};
//!
//! let text = "env = \"catch\"\ngamma = 0.9\nbatch_size = 32\n";
//! let layers = Layers {
//!     file: Some(SettingsFile { path: "my.toml".into(), text: text.into() }),
//!     set: vec!["gamma=0.95".into()],
//!     flags: vec![(find("seed")?, "7".into())],
//! };
//! let Resolved { config, origins, .. } = resolve(&layers)?;
//! assert_eq!((config.batch_size, config.gamma, config.seed), (32, 0.95, 7));
//! // The preset is that of the environment that the file names.
//! let from = ["buffer_size", "learning_rate", "batch_size", "gamma", "seed"].map(|key| origins[key]);
//! assert_eq!(from, [Origin::Default, Origin::Preset, Origin::File, Origin::Set, Origin::Flag]);
//! # Ok::<(), softq::Error>(())
//! ```

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::agents;
use crate::config::{Config, Kind, SETTINGS, Setting, find, swept};
use crate::engine::env::Env;
use crate::envs::{self, Values};
use crate::error::{Error, Result};
use crate::train::presets::preset;

mod file;

pub use file::SettingsFile;

/// The layers as the user gave them.
#[derive(Debug, Default)]
pub struct Layers {
    /// `--config FILE`.
    pub file: Option<SettingsFile>,
    /// `--set key=value`, in order.
    pub set: Vec<String>,
    /// Flags, each with the text that followed it.
    pub flags: Vec<(&'static Setting, String)>,
}

/// Key of the parameters of the environment.
pub(super) const ENV_PARAM: &str = "env_param";

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Library default.
    Default,
    /// Preset of environment and algorithm.
    Preset,
    /// `--config FILE`.
    File,
    /// `--set`.
    Set,
    /// A flag.
    Flag,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Origin::Default => "default",
            Origin::Preset => "preset",
            Origin::File => "--config",
            Origin::Set => "--set",
            Origin::Flag => "flag",
        })
    }
}

/// A checked configuration, with the environment it names.
#[derive(Debug)]
pub struct Resolved {
    /// The configuration; `env` holds the full id, or the path of a file.
    pub config: Config,
    /// Its environment.
    pub env: &'static Env,
    /// Where each value came from.
    pub origins: BTreeMap<String, Origin>,
    /// What the user should know: of the environment that was taken, and of settings that have no effect.
    pub notes: Vec<String>,
}

/// Merges the layers and checks everything that needs no device.
///
/// ```
/// use softq::train::layers::{Layers, resolve};
///
/// let layers = Layers { set: vec!["env=catch".into(), "gamma=0.9".into()], ..Layers::default() };
/// let resolved = resolve(&layers)?;
/// assert_eq!((resolved.env.id.as_str(), resolved.config.gamma), ("Catch-bsuite", 0.9));
/// # Ok::<(), softq::Error>(())
/// ```
pub fn resolve(layers: &Layers) -> Result<Resolved> {
    resolve_with(layers, &envs::open)
}

/// The same where `open` knows the environments, such as those whose files lie in no file system.
///
/// ```
/// use softq::envs;
/// use softq::train::layers::{Layers, resolve_with};
///
/// let source = &envs::find("cartpole")?.source;
/// let layers = Layers { set: vec!["env=pages/my_pole.wgsl".into()], ..Layers::default() };
/// let resolved = resolve_with(&layers, &|name, values| envs::from_source(name, source, values))?;
/// assert_eq!((resolved.env.id.as_str(), resolved.config.env.as_str()), ("my_pole", "pages/my_pole.wgsl"));
/// # Ok::<(), softq::Error>(())
/// ```
pub fn resolve_with(
    layers: &Layers,
    open: &dyn Fn(&str, &Values) -> Result<&'static Env>,
) -> Result<Resolved> {
    let file = layers.file.as_ref().map(SettingsFile::table).transpose()?.unwrap_or_default();
    let mut set = Table::new();
    for entry in &layers.set {
        let (setting, value) = read_set(entry)?;
        add(&mut set, setting, value);
    }
    let flags = layers
        .flags
        .iter()
        .map(|(setting, text)| {
            Ok((setting.key.to_owned(), read_text(setting, text, &format!("--{}", setting.flag()))?))
        })
        .collect::<Result<Table>>()?;
    let user = [(Origin::File, file), (Origin::Set, set), (Origin::Flag, flags)];
    let mut origins = BTreeMap::new();
    for (origin, table) in &user {
        origins.extend(table.keys().map(|key| (key.clone(), *origin)));
    }
    let from = |error| blame(error, &origins, layers.file.as_ref());

    // The topmost layer that names the environment or the algorithm also selects the preset below all of them.
    let named = |key: &str| user.iter().rev().find_map(|(_, table)| table.get(key)).and_then(Value::as_str);
    let defaults = Config::default();
    let given = named("env").unwrap_or(&defaults.env);
    let kept = layers.file.as_ref().filter(|_| origins.get("env") == Some(&Origin::File));
    let kept = kept.and_then(|file| file.kept_world(given));
    let name = kept.as_ref().map_or(given, |(copy, _)| copy).to_owned();
    let env = open(&name, &Values::new()).map_err(from)?;
    let algorithm = agents::find(named("algo").unwrap_or(&defaults.algo)).map_err(from)?;
    let preset = preset(&env.id, algorithm.name).unwrap_or_default();

    let mut merged = Table::try_from(defaults).map_err(|e| unreadable(&e))?;
    let mut all: BTreeMap<String, Origin> = merged.keys().map(|k| (k.clone(), Origin::Default)).collect();
    all.extend(preset.keys().map(|key| (key.clone(), Origin::Preset)));
    all.extend(origins.clone());
    merged.extend(preset);
    let base: Config = merged.clone().try_into().map_err(|e| unreadable(&e))?;
    for (origin, mut table) in user {
        // A file says all of an environment's parameters; what is given beside it changes those that it names.
        if origin != Origin::File
            && let (Some(Value::Array(above)), Some(Value::Array(below))) =
                (table.get_mut(ENV_PARAM), merged.get(ENV_PARAM))
        {
            put_below(above, below);
        }
        merged.extend(table);
    }
    if let (Some(file), Some(&Origin::File)) = (&layers.file, origins.get("reference"))
        && let Some(copy) = file.kept_reference()
    {
        merged.insert("reference".into(), Value::String(copy));
    }
    let name = if env.user { name } else { env.id.clone() };
    merged.insert("env".into(), Value::String(name.clone()));
    let config: Config = merged.try_into().map_err(|e| unreadable(&e))?;
    let env = open(&name, &config.env_values().map_err(from)?).map_err(from)?;
    agents::check(&config, env).map_err(from)?;
    let mut notes: Vec<String> = kept.map(|(_, note)| note).into_iter().collect();
    notes.extend(idle(&config, &base, &origins)?);
    Ok(Resolved { config, env, origins: all, notes })
}

/// Puts environment parameters below others that go before them where they have the same name.
pub(super) fn put_below(above: &mut Vec<Value>, below: &[Value]) {
    // Names are understood in another case too.
    let name = |entry: &Value| {
        entry.as_str().and_then(|text| text.split('=').next()).map(|name| name.trim().to_lowercase())
    };
    let kept = below.iter().filter(|entry| above.iter().all(|other| name(other) != name(entry)));
    let kept: Vec<Value> = kept.cloned().collect();
    above.splice(0..0, kept);
}

/// Adds a setting to those of the same origin: the last one counts, and of lists of pairs all entries do.
fn add(table: &mut Table, setting: &Setting, value: Value) {
    match (setting.kind, table.get_mut(setting.key), value) {
        (Kind::Pairs, Some(Value::Array(pairs)), Value::Array(more)) => pairs.extend(more),
        (_, _, value) => {
            table.insert(setting.key.to_owned(), value);
        }
    }
}

/// Settings that the user gave and that have no effect, for any agent, because of what others say. The file of a run names
/// every setting, so that of a file only those count that are neither as they would be without it nor switched off.
fn idle(config: &Config, base: &Config, given: &BTreeMap<String, Origin>) -> Result<Vec<String>> {
    let members = config.members()?;
    let swept: Vec<_> = config.sweep.iter().filter_map(|entry| swept(entry).ok()).collect();
    let default = Config::default();
    let meant = |setting: &Setting| match given.get(setting.key) {
        Some(Origin::Set | Origin::Flag) => true,
        Some(_) => !setting.alike(config, base) && !setting.alike(config, &default),
        None => swept.iter().any(|other| other.key == setting.key),
    };
    let told = |setting: &Setting| {
        let needs = members.iter().map(|member| setting.unmet(member)).collect::<Option<Vec<_>>>()?;
        Some(format!("{} has no effect: it needs {}.", setting.key, needs.first()?))
    };
    let overridden =
        swept.iter().filter(|setting| matches!(given.get(setting.key), Some(Origin::Set | Origin::Flag)));
    let overridden =
        overridden.map(|setting| format!("{} has no effect: the sweep gives its values.", setting.key));
    Ok(SETTINGS.iter().filter(|setting| meant(setting)).filter_map(told).chain(overridden).collect())
}

/// An error about a setting that a file gave names the file, and the line where there is one.
fn blame(error: Error, origins: &BTreeMap<String, Origin>, file: Option<&SettingsFile>) -> Error {
    let key = match &error {
        Error::Invalid { field, .. } => field.as_str(),
        Error::Unknown { kind: "environment", .. } => "env",
        Error::Unknown { kind: "algorithm", .. } => "algo",
        _ => return error,
    };
    match (origins.get(key), file) {
        (Some(Origin::File), Some(file)) => file.error(key, &error.to_string()),
        (_, Some(file)) if file.sweeps(key) && origins.get("sweep") == Some(&Origin::File) => {
            file.error("sweep", &error.to_string())
        }
        _ => error,
    }
}

/// What a file of trials or of experiments sets, each `key=value`; errors name the key as it stands there.
pub(super) fn resolve_given(set: Vec<String>) -> Result<Resolved> {
    resolve(&Layers { set, ..Layers::default() }).map_err(|error| match error {
        Error::Invalid { field, value, allowed, hint } => {
            let field = field.strip_prefix("--set ").unwrap_or(&field).to_owned();
            Error::Invalid { field, value, allowed, hint }
        }
        other => other,
    })
}

/// Only a preset can still be wrong once every user layer has been checked.
fn unreadable(error: &dyn std::fmt::Display) -> Error {
    Error::invalid(
        "preset",
        error,
        "a table of config keys with values of the right type",
        "Please report this.",
    )
}

fn read_set(entry: &str) -> Result<(&'static Setting, Value)> {
    let (key, text) = entry.split_once('=').ok_or_else(|| {
        Error::invalid("--set", entry, "key=value", "For example --set learning_rate=0.001.")
    })?;
    // Both spellings, so that a flag's name can be pasted.
    let key = key.trim().trim_start_matches('-').replace('-', "_");
    let setting = find(&key)?;
    let value = read_text(setting, text.trim(), &format!("--set {key}"))?;
    Ok((setting, value))
}

fn read_text(setting: &Setting, text: &str, name: &str) -> Result<Value> {
    check_word(setting, &Value::String(text.to_owned()))?;
    setting.parse(text).ok_or_else(|| {
        let hint = format!("`softq train --help` describes --{}.", setting.flag());
        Error::invalid(name, format!("'{text}'"), setting.expected(), hint)
    })
}

/// A misspelt word gets the nearest known one, which says more than "wrong type".
fn check_word(setting: &Setting, value: &Value) -> Result<()> {
    match (setting.kind, value) {
        (Kind::Word(words), Value::String(word)) if !words.contains(&word.as_str()) => {
            Err(Error::unknown(setting.key, word, words.iter().copied()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Backup, TargetEntropy};
    use crate::train::run_dir::ENVIRONMENT_FILE;

    fn flags(entries: &[(&str, &str)]) -> Layers {
        let flag = |(key, text): &(&str, &str)| (find(key).expect("setting"), (*text).to_owned());
        Layers { flags: entries.iter().map(flag).collect(), ..Layers::default() }
    }

    fn set(entries: &[&str]) -> Layers {
        Layers { set: entries.iter().map(|entry| (*entry).to_owned()).collect(), ..Layers::default() }
    }

    fn file(text: &str) -> Layers {
        let file = Some(SettingsFile { path: "my.toml".into(), text: text.to_owned() });
        Layers { file, ..Layers::default() }
    }

    fn error(layers: Layers) -> String {
        let error = resolve(&layers).expect_err("must be refused");
        assert_eq!(error.exit_code(), 2, "{error}");
        error.to_string()
    }

    #[test]
    fn each_layer_overrides_the_one_below() {
        let below = file("batch_size = 16\nalpha = 0.4\nhidden = [8, 8]\ntarget_entropy = \"0.6ln|A|\"\n");
        let middle = set(&["alpha=0.3", "--learning-rate = 5e-4", "hidden=[4]"]);
        let above = flags(&[("hidden", "2,2"), ("kl", "false")]);
        let resolved = resolve(&Layers { set: middle.set, flags: above.flags, ..below }).expect("valid");
        let config = resolved.config;
        assert_eq!(config.env, "CartPole-v1");
        // The preset of CartPole.
        assert_eq!((config.polyak, config.batch_size, config.alpha), (0.05, 16, 0.3));
        assert_eq!((config.learning_rate, config.hidden, config.kl), (5e-4, vec![2, 2], false));
        assert_eq!(config.target_entropy, TargetEntropy::Ratio(0.6));
        assert_eq!(config.buffer_size, Config::default().buffer_size);
        let origins =
            ["polyak", "batch_size", "alpha", "hidden", "buffer_size"].map(|key| resolved.origins[key]);
        assert_eq!(origins, [Origin::Preset, Origin::File, Origin::Set, Origin::Flag, Origin::Default]);
    }

    #[test]
    fn a_setting_without_effect_is_told() {
        let notes = |layers: &Layers| resolve(layers).expect("valid").notes;
        let fixed = ("temperature", "fixed");
        let given = flags(&[fixed, ("target_entropy", "0.5ln|A|"), ("alpha_final", "0.1"), ("hidden", "8")]);
        assert_eq!(
            notes(&given),
            [
                "alpha_final has no effect: it needs temperature = schedule.",
                "target_entropy has no effect: it needs temperature = learned, learned_exp or per_state."
            ]
        );
        // The preset's target_entropy is nobody's mistake, nor is that of a run's own file, which names all settings.
        assert!(notes(&flags(&[fixed])).is_empty());
        let run = toml::to_string(&resolve(&flags(&[fixed])).expect("valid").config).expect("serialise");
        assert!(notes(&file(&run)).is_empty());
        // Agents for some of whom it has an effect.
        assert!(notes(&flags(&[("epsilon_final", "0.1"), ("sweep", "epsilon_decay_steps=0,9")])).is_empty());
        // A clamp that only lets alpha in.
        assert!(notes(&flags(&[fixed, ("alpha", "1e-5"), ("alpha_min", "1e-6")])).is_empty());
        let level = ("epsilon_decay_steps", "9");
        assert_eq!(
            notes(&flags(&[fixed, ("alpha_min", "1e-3"), level])),
            [
                "alpha_min has no effect: it needs an alpha that moves, or one below 0.0001.",
                "epsilon_decay_steps has no effect: it needs epsilon and epsilon_final apart."
            ]
        );
        let swept = flags(&[("sweep", "huber_delta=1,2")]);
        assert_eq!(notes(&swept), ["huber_delta has no effect: it needs loss = huber."]);
        let still = flags(&[("algo", "soft_q"), ("target_network", "false"), ("polyak", "0.5")]);
        assert_eq!(notes(&still), ["polyak has no effect: it needs target_network = true."]);
        let one_step = flags(&[("algo", "soft_pqn"), ("q_lambda", "0"), ("n_step_entropy", "true")]);
        assert_eq!(notes(&one_step), ["n_step_entropy has no effect: it needs q_lambda above 0."]);
    }

    #[test]
    fn lists_of_pairs_that_are_set_again_are_added() {
        let sweep = |entries: &[&str]| resolve(&set(entries)).expect("valid").config.sweep;
        let both = ["gamma=0.9,0.99", "alpha=0.1,0.2"];
        assert_eq!(sweep(&["sweep=gamma=0.9,0.99", "sweep=alpha=0.1,0.2"]), both);
        assert_eq!(sweep(&["sweep=[\"gamma=0.9,0.99\", \"alpha=0.1,0.2\"]"]), both);
        assert!(resolve(&set(&["sweep=[\"gamma=0.9"])).is_err());
        let layers = set(&["env=mountain_car", "env_param=gravity=0.003", "env_param=goal_velocity=0.01"]);
        let given = resolve(&layers).expect("valid").config.env_param;
        assert_eq!(given[2..], ["gravity=0.003", "goal_velocity=0.01"]);
    }

    #[test]
    fn a_parameter_of_the_environment_leaves_those_of_the_preset() {
        let params = |layers: &Layers| resolve(layers).expect("valid").config.env_param;
        let preset = params(&flags(&[("env", "mountain_car")]));
        assert_eq!(preset, ["rescale_observations=true", "max_episode_steps=1000"]);
        let given = flags(&[("env", "mountain_car"), ("env_param", "gravity=0.003\nmax_episode_steps=300")]);
        assert_eq!(params(&given), ["rescale_observations=true", "gravity=0.003", "max_episode_steps=300"]);
        let capital = flags(&[("env", "mountain_car"), ("env_param", "MAX_EPISODE_STEPS=300")]);
        assert_eq!(params(&capital), ["rescale_observations=true", "MAX_EPISODE_STEPS=300"]);
        // A file says them all, as that of a run does.
        let text = "env = \"mountain_car\"\nenv_param = [\"gravity=0.003\"]";
        assert_eq!(params(&file(text)), ["gravity=0.003"]);
        assert_eq!(
            params(&Layers { set: set(&["env_param=gravity=0.004"]).set, ..file(text) }),
            ["gravity=0.004"]
        );
    }

    #[test]
    fn a_file_selects_environment_and_preset() {
        let resolved = resolve(&file("env = \"acrobot\"\nbackup = \"max\"")).expect("valid");
        assert_eq!((resolved.config.env.as_str(), resolved.config.backup), ("Acrobot-v1", Backup::Max));
        assert_eq!(
            resolved.origins["twin"] == Origin::Preset,
            preset("Acrobot-v1", "sqn").expect("one").contains_key("twin")
        );
    }

    #[test]
    fn a_resolved_configuration_read_as_file_gives_itself() {
        let first = resolve(&Layers::default()).expect("valid").config;
        let text = toml::to_string(&first).expect("serialise");
        assert_eq!(first, resolve(&file(&text)).expect("valid").config);
    }

    #[test]
    fn a_run_is_repeated_in_its_own_world() {
        let root = tempfile::tempdir().expect("temporary directory");
        let original = root.path().join("walk.wgsl");
        let world = include_str!("../../tests/data/worlds/n_pack1.wgsl");
        std::fs::write(root.path().join(ENVIRONMENT_FILE), world).expect("copy");
        std::fs::write(&original, world).expect("original");
        let named = original.display().to_string();
        let path = root.path().join("config.toml");
        let layers = || Layers {
            file: Some(SettingsFile { path: path.clone(), text: format!("env = {named:?}\n") }),
            ..Layers::default()
        };
        let same = resolve(&layers()).expect("valid");
        assert_eq!((same.config.env, same.notes), (named.clone(), Vec::new()));
        std::fs::write(&original, format!("{world}\n// another world\n")).expect("edited");
        let edited = resolve(&layers()).expect("valid");
        assert!(edited.config.env.ends_with(ENVIRONMENT_FILE), "{}", edited.config.env);
        assert!(edited.notes.iter().any(|note| note.contains("differs from the copy that the run kept")));
        std::fs::remove_file(&original).expect("gone");
        let gone = resolve(&layers()).expect("valid");
        assert!(
            gone.config.env.ends_with(ENVIRONMENT_FILE)
                && gone.notes.iter().any(|note| note.contains("is gone"))
        );
        // A flag above means the file as it is.
        let above = Layers { flags: flags(&[("env", &named)]).flags, ..layers() };
        assert!(resolve(&above).is_err());
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        for layers in [file("kl = true\nlearning_rat = 0.1"), set(&["learning-rat=0.1"])] {
            let named = layers.file.is_some();
            let text = error(layers);
            assert!(
                text.contains("unknown config key 'learning_rat'. Did you mean 'learning_rate'?"),
                "{text}"
            );
            assert_eq!(text.contains("my.toml: line 2"), named, "{text}");
        }
    }

    #[test]
    fn wrong_types_name_the_place_the_value_and_the_type() {
        for (layers, parts) in [
            (
                file("gamma = 0.9\nbatch_size = \"many\""),
                ["my.toml", "line 2: batch_size = \"many\"", "whole number"],
            ),
            (file("seed = -1"), ["my.toml", "seed = -1", "0 to 9,223,372,036,854,775,807"]),
            (set(&["kl=maybe"]), ["--set", "kl = 'maybe'", "true or false"]),
            (flags(&[("batch_size", "many")]), ["--batch-size", "'many'", "a whole number"]),
            (flags(&[("seed", "9223372036854775808")]), ["--seed", "'9223372036854775808'", "775,807"]),
        ] {
            let text = error(layers);
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
    }

    #[test]
    fn wrong_values_name_the_file_and_the_line_that_gave_them() {
        for (text, key) in [
            ("kl = true\n\nadam_eps = 1e-50", "adam_eps"),
            ("kl = true\n# two\nbatch_size = 0", "batch_size"),
            ("algo = \"dqn\"\n# two\nbackup = \"max\"", "backup"),
            ("kl = true\n# two\nsweep = [\"gamma=2\"]\n", "gamma"),
            ("kl = true\n# two\nalgo = \"dqm\"\n", "algorithm"),
            ("kl = true\n# two\nenv = \"cartpol\"\n", "environment"),
            ("kl = true\n# two\nenv_param = [\"x\"]\n", "env_param"),
        ] {
            let message = error(file(text));
            assert!(message.contains(key), "{message}");
            assert!(message.contains("my.toml: line 3"), "{message}");
        }
        // A flag above a good file is the flag's fault.
        let text = error(Layers { flags: flags(&[("gamma", "2")]).flags, ..file("gamma = 0.9") });
        assert!(!text.contains("my.toml"), "{text}");
    }

    #[test]
    fn misspelt_words_broken_files_and_entries_are_explained() {
        let text = error(file("backup = \"sample\""));
        assert!(text.contains("unknown backup 'sample'. Did you mean 'sampled'?"), "{text}");
        let text = error(file("gamma = = 1"));
        assert!(text.contains("not valid TOML") && text.contains("line 1"), "{text}");
        let text = SettingsFile::read(Path::new("/nowhere/my.toml")).expect_err("none").to_string();
        assert!(text.contains("/nowhere/my.toml") && text.contains("cannot be read"), "{text}");
        #[cfg(unix)]
        assert!(
            SettingsFile::read(Path::new("/dev/zero"))
                .expect_err("endless")
                .to_string()
                .contains("no regular file")
        );
        let text = error(set(&["gamma"]));
        assert!(text.contains("key=value"), "{text}");
        let text = error(flags(&[("env", "cartpol")]));
        assert!(text.contains("unknown environment 'cartpol'. Did you mean 'cartpole'?"), "{text}");
    }

    #[test]
    fn ranges_are_checked_with_the_actions_of_the_environment() {
        let text = error(flags(&[("target_entropy", "0.8")]));
        assert!(text.contains("0.6931"), "{text}");
        resolve(&flags(&[("env", "acrobot"), ("target_entropy", "0.8")])).expect("below ln 3");
    }
}
