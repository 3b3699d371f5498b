//! `model.safetensors`, the last weights, `best.safetensors`, those that evaluated best, and `agents.safetensors`, the last
//! ones of all agents of a population.

use crate::error::Result;
use crate::train::event::Event;
use crate::train::model_file::{agents_bytes, model_bytes};
use crate::train::run_dir::{AGENTS_FILE, BEST_FILE, MODEL_FILE, RunDir};
use crate::train::sinks::Sink;

/// Writes weights as they come.
pub struct Model;

impl Sink for Model {
    fn take(&mut self, event: &Event, dir: &RunDir) -> Result<()> {
        match event {
            Event::Last(weights) => dir.write(MODEL_FILE, &model_bytes(weights)?),
            Event::All(weights) => dir.write(AGENTS_FILE, &agents_bytes(weights)?),
            Event::Best(weights) => {
                dir.write(BEST_FILE, &model_bytes(weights)?)?;
                dir.seal(false)
            }
            _ => Ok(()),
        }
    }
}
