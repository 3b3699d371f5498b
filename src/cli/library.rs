//! The engine of the program: the library itself.

use softq::gpu::{self, AdapterReport, Choice};
use softq::train::config::Config;
use softq::{Error, Result, envs};

use super::engine::{Engine, Environment, Training};

/// The library as the program's [`Engine`].
pub struct Library;

impl Engine for Library {
    fn environment(&self, name: &str) -> Result<Environment> {
        let env = envs::find(name)?;
        Ok(Environment {
            id: env.id.into(),
            num_actions: env.num_actions,
            reward_threshold: env.reward_threshold,
        })
    }

    fn preset(&self, _env_id: &str, _algo: &str) -> Option<toml::Table> {
        None
    }

    fn adapters(&self) -> Vec<AdapterReport> {
        gpu::adapters()
    }

    fn choices(&self, adapters: &[AdapterReport]) -> Vec<(String, Result<Choice>)> {
        gpu::list_choices(adapters)
    }

    fn training(&self, config: &Config) -> Result<Box<dyn Training>> {
        let choice = gpu::choose(&config.device)?;
        Err(Error::NoDevice {
            requested: config.device.clone(),
            reason: format!("{} has no trainer yet", choice.address),
            hint: "It comes with the trainer.".into(),
        })
    }
}
