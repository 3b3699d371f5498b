//! The engine of the program: the library itself.

use softq::train::config::Config;
use softq::{Error, Result};

use super::engine::{AdapterReport, Choice, Engine, Environment, Training};

/// The library as the program's [`Engine`].
pub struct Library;

impl Engine for Library {
    fn environment(&self, name: &str) -> Result<Environment> {
        let names = ["cartpole", "CartPole-v1"];
        if names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            Ok(Environment { id: "CartPole-v1".into(), num_actions: 2, reward_threshold: 475.0 })
        } else {
            Err(Error::unknown("environment", name, names))
        }
    }

    fn preset(&self, _env_id: &str, _algo: &str) -> Option<toml::Table> {
        None
    }

    fn adapters(&self) -> Vec<AdapterReport> {
        Vec::new()
    }

    fn choices(&self, _adapters: &[AdapterReport]) -> Vec<(String, Result<Choice>)> {
        Vec::new()
    }

    fn training(&self, config: &Config) -> Result<Box<dyn Training>> {
        Err(Error::NoDevice {
            requested: config.device.clone(),
            reason: "this build has no engine yet".into(),
            hint: "Wait for it.".into(),
        })
    }
}
