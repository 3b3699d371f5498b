//! Hyperparameters that change while a run goes on: those that the device reads from the records of its agents and their
//! optimisers, where only the words that a setting fills are written. Everything else decides shapes and commands.
//!
//! ```
//! use softq::config::{Config, find};
//! use softq::train::trainer::Trainer;
//! use softq::train::tune::is_tunable;
//!
//! let config = Config { env: "catch".into(), device: "cpu".into(), ..Config::default() };
//! let mut trainer = Trainer::new(&config)?;
//! trainer.advance()?;
//! trainer.tune("gamma", "0.9")?;
//! assert_eq!((trainer.agent()?.gamma, trainer.config().gamma), (0.9, 0.9));
//! assert!(is_tunable(find("gamma")?) && !is_tunable(find("hidden")?));
//! let refused = trainer.tune("hidden", "32").expect_err("a shape").to_string();
//! assert!(refused.contains("What may change while a run goes on is"), "{refused}");
//! # Ok::<(), softq::Error>(())
//! ```

use toml::{Table, Value};

use crate::agents::plan::Plan;
use crate::agents::{self, Capabilities};
use crate::config::{Config, SETTINGS, Setting, find, swept};
use crate::error::{Error, Result};
use crate::train::trainer::Trainer;

/// Settings that the device reads, but that a run cannot change: what they stand for has happened.
const BEGUN: [&str; 1] = ["seed"];

/// Whether [`Trainer::tune`] takes this setting.
pub fn is_tunable(setting: &Setting) -> bool {
    setting.is_sweepable() && !BEGUN.contains(&setting.key)
}

impl Trainer {
    /// Gives a setting another value, read as on the command line, for all agents from the next submission on. A learned
    /// temperature that is set goes on from there.
    pub fn tune(&mut self, key: &str, text: &str) -> Result<()> {
        let setting = find(key)?;
        if !is_tunable(setting) {
            let tunable: Vec<&str> = SETTINGS.iter().filter(|s| is_tunable(s)).map(|s| s.key).collect();
            let hint = format!("What may change while a run goes on is {}.", tunable.join(", "));
            return Err(Error::invalid(setting.key, text, "the same throughout a run", hint));
        }
        let same = |entry: &String| swept(entry).is_ok_and(|swept| swept.key == setting.key);
        if self.config.sweep.iter().any(same) {
            let hint = "Start another run to give all of them one value.";
            return Err(Error::invalid(
                setting.key,
                text,
                "left to the agents, of which each has its own",
                hint,
            ));
        }
        let wrong = |hint: String| Error::invalid(setting.key, text, setting.expected(), hint);
        let value = setting.parse(text).ok_or_else(|| wrong(setting.help().to_owned() + "."))?;
        let mut table = Table::try_from(&self.config).map_err(|error| wrong(error.to_string()))?;
        let others = beside(&value);
        table.insert(setting.key.to_owned(), value);
        let config: Config =
            table.clone().try_into().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
        let plan = self.plan_of(&config)?;
        let alike = self.plan.init.len() == plan.init.len()
            && self.plan.init.iter().zip(&plan.init).all(|(a, b)| a.0 == b.0 && a.1.len() == b.1.len());
        if !alike {
            let hint = "The trainer was made with another plan than that of its settings.";
            return Err(Error::invalid(setting.key, text, "the same throughout this run", hint));
        }
        // The words that the setting fills are those that differ where its value does.
        let other = match setting.alike(&config, &self.config) {
            true => others.into_iter().find_map(|other| {
                table.insert(setting.key.to_owned(), other);
                self.plan_of(&table.clone().try_into().ok()?).ok()
            }),
            false => None,
        };
        let before = other.as_ref().map_or(&self.plan.init, |other| &other.init);
        for ((buffer, before), (_, after)) in before.iter().zip(&plan.init) {
            // What learning has changed meanwhile lies between the words of hyperparameters.
            let mut first = 0;
            for run in
                after.iter().zip(before).collect::<Vec<_>>().chunk_by(|a, b| (a.0 == a.1) == (b.0 == b.1))
            {
                if run[0].0 != run[0].1 {
                    self.executor.write_at(*buffer, first, &after[first as usize..][..run.len()])?;
                }
                first += run.len() as u64;
            }
        }
        (self.config, self.plan.init, self.plan.members) = (config, plan.init, plan.members);
        Ok(())
    }
}

impl Trainer {
    fn plan_of(&self, config: &Config) -> Result<Plan> {
        agents::check(config, self.env)?;
        let device = Capabilities {
            hardware: self.choice.hardware,
            max_buffer_bytes: self.executor.max_buffer_bytes(),
        };
        agents::plan_relative(config, self.env, device, self.plan.reference.as_ref())
    }
}

/// Values beside this one, of which a setting allows one.
fn beside(value: &Value) -> Vec<Value> {
    match value {
        Value::Float(value) => vec![Value::Float(0.5 * value), Value::Float(value + 0.5)],
        Value::Integer(value) => vec![Value::Integer(value + 1), Value::Integer(value - 1)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Temperature;
    use crate::shared::agent::Agent;
    use crate::shared::optimizer::Optimizer;

    fn trainer(config: Config) -> Trainer {
        let small =
            Config { device: "cpu".into(), hidden: vec![8], learning_starts: 16, batch_size: 8, ..config };
        let mut trainer = Trainer::new(&small).expect("trainer");
        for _ in 0..20 {
            trainer.advance().expect("a step");
        }
        trainer
    }

    #[test]
    fn a_setting_changes_its_words_alone() {
        let mut trainer = trainer(Config::default());
        let before = trainer.agent().expect("record");
        assert!(before.updates > 0);
        trainer.tune("epsilon", "0.25").expect("epsilon");
        trainer.tune("gamma", "0.9").expect("gamma");
        trainer.tune("learning_rate", "5e-4").expect("learning rate");
        let after = trainer.agent().expect("record");
        assert_eq!((after.epsilon, after.gamma), (0.25, 0.9));
        assert_eq!(Agent { epsilon: before.epsilon, gamma: before.gamma, ..after }, before);
        let words = trainer.read_buffer("optimizers").expect("buffer");
        let optimizer: Optimizer = bytemuck::cast_slice(&words)[0];
        assert_eq!(optimizer.learning_rate, 5e-4);
        assert!(optimizer.steps > 0, "what a step counts is as it was");
        assert_eq!(trainer.config().learning_rate, 5e-4);
    }

    #[test]
    fn a_fixed_temperature_can_be_set() {
        let fixed = Config { temperature: Temperature::Fixed, alpha: 0.5, ..Config::default() };
        let mut trainer = trainer(fixed);
        trainer.tune("alpha", "0.125").expect("alpha");
        trainer.advance().expect("a step");
        assert_eq!(trainer.agent().expect("record").alpha, 0.125);
    }

    #[test]
    fn a_learned_temperature_goes_on_from_the_value_that_it_had() {
        let mut trainer = trainer(Config { alpha: 0.5, ..Config::default() });
        let drifted = trainer.agent().expect("record");
        assert!(drifted.updates > 0 && drifted.alpha != 0.5, "{drifted:?}");
        trainer.tune("alpha", "0.5").expect("alpha");
        let back = trainer.agent().expect("record");
        assert_eq!((back.alpha, back.updates), (0.5, drifted.updates));
        assert!((back.log_alpha - 0.5f32.ln()).abs() < 1e-6, "{back:?}");
    }

    #[test]
    fn what_cannot_change_is_refused_with_what_can() {
        let sweep = vec!["alpha=0.1,0.2".into(), "lr=1e-3".into()];
        let mut trainer = trainer(Config { sweep, ..Config::default() });
        for (key, value, part) in [
            ("batch_size", "32", "What may change"),
            ("seed", "3", "What may change"),
            ("alpha", "0.3", "each has its own"),
            ("learning_rate", "1e-4", "each has its own"),
            ("gamma", "2", "gamma = 2"),
            ("gamma", "fast", "a number such as"),
        ] {
            let error = trainer.tune(key, value).expect_err(key).to_string();
            assert!(error.contains(part), "{key}: {error}");
        }
        assert_eq!(trainer.config().learning_rate, Config::default().learning_rate);
    }
}
