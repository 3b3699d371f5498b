//! `metrics.jsonl`: one JSON object per window of training and one per evaluation. A population's objects are followed by those of
//! its agents, each with its number as `agent`: the long form of everything over time, in the one file that every run has, so that
//! whoever reads a run reads a population too (`pandas.read_json(path, lines=True)`).

use std::fmt::Write;

use serde_json::Value;

use crate::error::Result;
use crate::train::event::Event;
use crate::train::run_dir::{METRICS_FILE, RunDir};
use crate::train::sinks::Sink;
use crate::train::sinks::appended::Appended;
use crate::train::sinks::scalars::{self, Scalar};
use crate::train::trainer::Trainer;

/// An open `metrics.jsonl`.
pub struct MetricsJsonl {
    file: Appended,
    /// Of every agent.
    learning_rates: Vec<f64>,
}

impl MetricsJsonl {
    /// Creates the file, or goes on from a checkpoint.
    pub fn open(dir: &RunDir, trainer: &Trainer, state: Option<&Value>) -> Result<MetricsJsonl> {
        let file = match state {
            Some(state) => Appended::reopen(dir, METRICS_FILE, state)?,
            None => Appended::create(dir, METRICS_FILE)?,
        };
        let learning_rates = trainer.members().iter().map(|member| member.learning_rate).collect();
        Ok(MetricsJsonl { file, learning_rates })
    }
}

impl Sink for MetricsJsonl {
    fn take(&mut self, event: &Event, _: &RunDir) -> Result<()> {
        let mut text = String::new();
        match event {
            Event::Progress(progress) => {
                let rate = self.learning_rates[0];
                let mut values = scalars::cleanrl(progress, rate);
                values.extend(scalars::stable_baselines3(progress, rate));
                // What all agents have together is said of all.
                if self.learning_rates.iter().any(|other| *other != rate) {
                    values.retain(|(name, _)| !name.ends_with("/learning_rate"));
                }
                line(&mut text, progress.env_steps, None, &values);
            }
            // Every number once: there may be a thousand agents.
            Event::AgentsProgress(agents) => {
                for (agent, (progress, rate)) in agents.iter().zip(&self.learning_rates).enumerate() {
                    let mut values = scalars::cleanrl(progress, *rate);
                    values.push(("rollout/exploration_rate", progress.epsilon));
                    values.push(("train/n_updates", progress.updates as f64));
                    values.push(("time/episodes", progress.episodes as f64));
                    line(&mut text, progress.env_steps, Some(agent), &values);
                }
            }
            Event::Evaluation { env_steps, greedy } => {
                line(&mut text, *env_steps, None, &scalars::evaluation(greedy));
            }
            Event::AgentsEvaluation { env_steps, greedy } => {
                for (agent, greedy) in greedy.iter().enumerate() {
                    line(&mut text, *env_steps, Some(agent), &scalars::evaluation(greedy)[..2]);
                }
            }
            _ => return Ok(()),
        }
        self.file.add(text.as_bytes())
    }

    fn state(&self) -> Result<Value> {
        self.file.state()
    }

    fn go_on(&mut self) -> Result<()> {
        self.file.cut()
    }
}

/// Adds an object; names and numbers are such that nothing needs escapes.
fn line(text: &mut String, env_steps: u64, agent: Option<usize>, values: &[Scalar]) {
    // Writing to a string cannot fail.
    let _ = write!(text, "{{\"global_step\":{env_steps}");
    if let Some(agent) = agent {
        let _ = write!(text, ",\"agent\":{agent}");
    }
    for (name, value) in values {
        let _ = write!(text, ",\"{name}\":{value}");
    }
    text.push_str("}\n");
}
