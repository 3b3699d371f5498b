//! The engine of the program: the library itself.

use softq::Result;
use softq::config::Config;
use softq::gpu::{self, AdapterReport, Choice};
use softq::train::drawing::Pictures;
use softq::train::event::{Event, NamedTensor, Report};
use softq::train::trainer::Trainer;

use super::engine::{Engine, Training};

/// The library as the program's [`Engine`].
pub struct Library;

impl Engine for Library {
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

    fn record_episode(&mut self, width: u16) -> Result<Pictures> {
        self.record_episode(width)
    }
}
