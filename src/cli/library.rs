//! The engine of the program: the library itself.

use softq::config::Config;
use softq::gpu::{self, AdapterReport, Choice};
use softq::train::event::{Event, NamedTensor, Report};
use softq::train::presets;
use softq::train::trainer::Trainer;
use softq::{Result, envs};

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

    fn preset(&self, env_id: &str, algo: &str) -> Option<toml::Table> {
        presets::preset(env_id, algo)
    }

    fn adapters(&self) -> Vec<AdapterReport> {
        gpu::adapters()
    }

    fn choices(&self, adapters: &[AdapterReport]) -> Vec<(String, Result<Choice>)> {
        gpu::list_choices(adapters)
    }

    fn training(&self, config: &Config) -> Result<Box<dyn Training>> {
        Ok(Box::new(Trainer::new(config)?))
    }
}

impl Training for Trainer {
    fn choice(&self) -> &Choice {
        self.choice()
    }

    fn explain(&self) -> String {
        self.explain()
    }

    fn run(&mut self, observe: &mut dyn FnMut(&Event) -> Result<()>) -> Result<Report> {
        self.run(observe)
    }

    fn weights(&mut self) -> Result<Vec<NamedTensor>> {
        self.weights()
    }

    fn record_episode(&mut self) -> Result<Vec<Vec<f32>>> {
        self.record_episode()
    }
}
