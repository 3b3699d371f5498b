//! The resolved configuration of one run: every setting, its default, its range, from one table (`table.rs`).
//!
//! Order of precedence: built-in default < preset of the environment < `--config FILE` < `--set` < flags. The same flat names are
//! used everywhere: `--learning-rate` on the command line is `learning_rate` in TOML and in [`Config`].
//!
//! ```
//! use softq::config::{Config, find};
//!
//! // A setting and its range, from the table.
//! let gamma = find("gamma")?;
//! assert_eq!(gamma.range(), "in [0, 1]");
//! // A wrong value is refused with its name and what is allowed.
//! let error = Config { gamma: 1.5, ..Config::default() }.validate(2u32).expect_err("above 1");
//! assert!(error.to_string().contains("gamma = 1.5"), "{error}");
//! # Ok::<(), softq::Error>(())
//! ```
//!
//! Settings that are one of a few words are enums; files and flags have the words.
//!
//! ```
//! use softq::config::{
//!     ActionHeads, Backup, Config, Exploration, HeadWeights, HiddenActivation, Init, LambdaBackup, LogStdForm, Loss,
//!     NetworkChoice, OptimizerChoice, PathChoice, Replay, Temperature, Twin, ValueTransform,
//! };
//!
//! let words = Loss::ALL.iter().map(|loss| loss.word());
//! assert!(words.eq(["mse", "half_mse", "huber"]));
//! // Each of them away from its default.
//! let config = Config {
//!     path: PathChoice::Layered, replay: Replay::Prioritized, network: NetworkChoice::Minatar,
//!     activation: HiddenActivation::Silu, action_heads: ActionHeads::Branching, head_weights: HeadWeights::DiEngine,
//!     init: Init::He, optimizer: OptimizerChoice::Radam, loss: Loss::Huber, backup: Backup::OnlinePolicy,
//!     lambda_backup: LambdaBackup::Max, twin: Twin::Mean, value_transform: ValueTransform::SignedLog,
//!     temperature: Temperature::Schedule, log_std: LogStdForm::Clamped, exploration: Exploration::Greedy,
//!     ..Config::default()
//! };
//! let text = toml::to_string(&config).expect("plain data");
//! assert!(text.contains("backup = \"online_policy\""), "{text}");
//! assert_eq!(toml::from_str::<Config>(&text).expect("the same"), config);
//! ```

mod foreign;
mod population;
mod replay;
mod setting;
mod table;
mod target_entropy;
mod validate;
mod words;

use std::collections::BTreeMap;

use crate::error::{Error, Result};

pub use foreign::{Meaning, aliases, foreign, foreign_device};
pub use population::swept;
pub use replay::MAX_PRIORITIZED_BATCH;
pub use setting::{Kind, Setting, counted, plain, thousands};
pub use table::{Config, SETTINGS};
pub use target_entropy::TargetEntropy;
pub use words::{
    ActionHeads, Backup, Exploration, HeadWeights, HiddenActivation, Init, LambdaBackup, LogStdForm, Loss,
    NetworkChoice, OptimizerChoice, PathChoice, Replay, Temperature, Twin, ValueTransform,
};

/// The setting named `key`, here or by others; or the error that names the nearest one, or explains the name.
///
/// ```
/// use softq::config::{explained, find};
///
/// assert_eq!(find("lr")?.key, "learning_rate");
/// assert!(find("learning_rat").expect_err("a slip").to_string().contains("'learning_rate'"));
/// // What others mean otherwise is explained, by an error of a kind of its own.
/// assert!(find("tau").expect_err("of two meanings").to_string().contains("--polyak"));
/// let error = explained("tau", "Say --polyak.");
/// assert_eq!(error.to_string(), "'tau' is not a setting of softq. Say --polyak.");
/// # Ok::<(), softq::Error>(())
/// ```
pub fn find(key: &str) -> Result<&'static Setting> {
    let of = |key: &str| SETTINGS.iter().find(|setting| setting.key == key);
    let unknown = || Error::unknown("config key", key, SETTINGS.iter().map(|setting| setting.key));
    match (of(key), foreign(key)) {
        (Some(setting), _) => Ok(setting),
        (None, Some(Meaning::Same(same))) => of(same).ok_or_else(unknown),
        (None, Some(Meaning::Explained(why))) => Err(explained(key, why)),
        (None, None) => Err(unknown()),
    }
}

/// The refusal of a name that others use.
pub fn explained(name: &str, why: &str) -> Error {
    Error::Foreign { name: name.to_owned(), why: why.to_owned() }
}

impl Config {
    /// The environment's parameters by name.
    pub fn env_values(&self) -> Result<BTreeMap<String, String>> {
        let pair = |entry: &String| match entry.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok((name.trim().to_owned(), value.trim().to_owned()))
            }
            _ => Err(Error::invalid(
                "env_param",
                format!("'{entry}'"),
                "name=value",
                "For example --env-param max_episode_steps=200.",
            )),
        };
        let mut values = BTreeMap::new();
        for entry in &self.env_param {
            let (name, value) = pair(entry)?;
            // Names are understood in another case too.
            if values.keys().any(|other: &String| other.eq_ignore_ascii_case(&name)) {
                let hint = "Two of these values are for one parameter.";
                return Err(Error::invalid(
                    "env_param",
                    self.env_param.join(" "),
                    "each parameter once",
                    hint,
                ));
            }
            values.insert(name, value);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::agent::Agent;
    use crate::shared::optimizer::Optimizer;
    use toml::{Table, Value};

    #[test]
    fn a_parameter_of_the_environment_is_given_once() {
        let values = |entries: &[&str]| {
            Config { env_param: entries.iter().map(|entry| (*entry).into()).collect(), ..Config::default() }
                .env_values()
        };
        assert_eq!(values(&["gravity=5", "length = 1"]).expect("two").len(), 2);
        for twice in [&["gravity=5", "gravity=6"], &["gravity=5", "Gravity=6"]] {
            let error = values(twice).expect_err("twice").to_string();
            assert!(error.contains(&twice.join(" ")) && error.contains("each parameter once"), "{error}");
        }
    }

    #[test]
    fn defaults_are_valid() {
        Config::default().validate(2).expect("defaults");
    }

    #[test]
    fn target_entropy_reads_both_forms_and_survives_toml() {
        assert_eq!("0.7ln|A|".parse::<TargetEntropy>().expect("ratio"), TargetEntropy::Ratio(0.7));
        assert_eq!("0.2".parse::<TargetEntropy>().expect("nats"), TargetEntropy::Nats(0.2));
        let config = Config { target_entropy: TargetEntropy::Ratio(0.25), ..Config::default() };
        let text = toml::to_string(&config).expect("serialise");
        assert_eq!(toml::from_str::<Config>(&text).expect("parse"), config);
    }

    #[test]
    fn an_unattainable_target_entropy_is_refused() {
        let config = Config { target_entropy: TargetEntropy::Nats(0.7), ..Config::default() };
        let text = config.validate(2).expect_err("0.7 > ln 2").to_string();
        assert!(text.contains("target_entropy") && text.contains("0.6931"), "{text}");
        config.validate(3).expect("attainable with three actions");
        let alone = Config::default().validate(1).expect_err("nothing to choose").to_string();
        assert!(alone.starts_with("temperature = learned") && alone.contains("one choice"), "{alone}");
        assert!(Config { temperature: Temperature::Fixed, ..Config::default() }.validate(1).is_ok());
    }

    #[test]
    fn every_default_and_every_word_survives_the_command_line() {
        let config = Table::try_from(Config::default()).expect("serialise");
        assert_eq!(SETTINGS.len(), config.len());
        for setting in SETTINGS {
            let default = &config[setting.key];
            assert_eq!(setting.parse(&plain(default)).as_ref(), Some(default), "{}", setting.key);
            if let Kind::Word(words) = setting.kind {
                assert!(words.iter().all(|word| setting.parse(word).is_some()), "{}", setting.key);
                assert!(setting.parse("nonsense").is_none(), "{}", setting.key);
            }
        }
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let steps = find("total_timesteps").expect("setting");
        for text in ["60000", "60_000", "6e4"] {
            assert_eq!(steps.parse(text), Some(Value::Integer(60_000)), "{text}");
        }
        for text in ["-1", "many", "0.5", "1e30", ""] {
            assert_eq!(steps.parse(text), None, "{text}");
        }
        assert_eq!(find("batch_size").expect("setting").parse("5000000000"), None, "does not fit 32 bits");
        let hidden = find("hidden").expect("setting");
        for text in ["32,16", "[32, 16]"] {
            assert_eq!(hidden.parse(text), Some(Value::Array(vec![32.into(), 16.into()])), "{text}");
        }
        let entropy = find("target_entropy").expect("setting");
        assert_eq!(entropy.parse("0.2"), Some(Value::Float(0.2)));
        assert_eq!(entropy.parse("0.7ln|A|"), Some(Value::String("0.7ln|A|".into())));
        assert_eq!(entropy.parse("lots"), None);
    }

    #[test]
    fn numbers_that_the_device_would_read_as_others_are_refused() {
        for (key, text) in [
            ("adam_eps", "1e-50"),
            ("adam_eps", "1e-40"),
            ("adam_eps", "1e39"),
            ("reward_scale", "1e39"),
            ("reward_scale", "1e-50"),
            ("max_grad_norm", "1e-300"),
            ("max_grad_norm", "1e300"),
            ("max_grad_norm", "nan"),
            ("learning_rate", "1e-300"),
            ("polyak", "1e-46"),
            ("gamma", "1e-45"),
            ("huber_delta", "inf"),
            ("munchausen_clip", "-1e40"),
            ("target_entropy", "nan"),
            ("target_entropy", "1e-60ln|A|"),
        ] {
            let value = find(key).expect("setting").parse(text).expect("a number");
            let config: Config =
                Table::from_iter([(key.to_owned(), value)]).try_into().expect("of the right type");
            let error = config.validate(2).expect_err(text).to_string();
            assert!(error.starts_with(key) && error.contains("must be"), "{error}");
        }
    }

    #[test]
    fn every_word_is_within_what_the_device_reads() {
        for setting in SETTINGS {
            let Kind::Word(words) = setting.kind else { continue };
            for word in words {
                let value = setting.parse(word).expect("a word of its own");
                let config: Config = Table::from_iter([(setting.key.to_owned(), value)])
                    .try_into()
                    .expect("of the right type");
                setting.check(&config, 2).expect(word);
            }
        }
    }

    #[test]
    fn no_two_settings_fill_the_same_word() {
        fn words<T: bytemuck::Pod>(record: &T) -> Vec<u32> {
            bytemuck::cast_slice::<_, u32>(bytemuck::bytes_of(record)).to_vec()
        }
        let mut filled = Vec::new();
        for setting in SETTINGS.iter().filter(|setting| setting.is_sweepable()) {
            // A word is filled where two different beginnings end alike.
            let ends = [0x0f0f_0f0f_u32, 0x1f1f_1f1f].map(|start| {
                let mut agent: Agent = bytemuck::cast([start; size_of::<Agent>() / 4]);
                let mut optimizer: Optimizer = bytemuck::cast([start; size_of::<Optimizer>() / 4]);
                setting.fill_agent(&Config::default(), 2, &mut agent);
                setting.fill_optimizer(&Config::default(), &mut optimizer);
                let mut policy: Optimizer = bytemuck::cast([start; size_of::<Optimizer>() / 4]);
                setting.fill_policy_optimizer(&Config::default(), &mut policy);
                [words(&agent), words(&optimizer), words(&policy)].concat()
            });
            let own: Vec<usize> = (0..ends[0].len()).filter(|i| ends[0][*i] == ends[1][*i]).collect();
            assert!(!own.is_empty(), "{} fills nothing", setting.key);
            filled.extend(own);
        }
        let count = filled.len();
        filled.sort_unstable();
        filled.dedup();
        assert_eq!(filled.len(), count);
    }
}
