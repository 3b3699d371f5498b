//! `evaluations.csv`: every greedy evaluation of every agent, a row each: the learning curves of a population in long form,
//! from which bands over seeds are made.

use serde_json::Value;

use crate::error::Result;
use crate::train::event::{Evaluation, Event};
use crate::train::run_dir::{EVALUATIONS_FILE, RunDir};
use crate::train::sinks::Sink;
use crate::train::sinks::appended::Appended;
use crate::train::trainer::Trainer;

/// Names of the columns.
pub const HEADER: &str = "global_step,agent,seed,eval/episodic_return,eval/episodic_return_std";

/// An open `evaluations.csv`.
pub struct EvaluationsCsv {
    file: Appended,
    /// Seed of every agent.
    seeds: Vec<u64>,
}

impl EvaluationsCsv {
    /// Creates the file and writes the header, or goes on from a checkpoint.
    pub fn open(dir: &RunDir, trainer: &Trainer, state: Option<&Value>) -> Result<EvaluationsCsv> {
        let seeds = trainer.members().iter().map(|config| config.seed).collect();
        if let Some(state) = state {
            return Ok(EvaluationsCsv { file: Appended::reopen(dir, EVALUATIONS_FILE, state)?, seeds });
        }
        let mut file = Appended::create(dir, EVALUATIONS_FILE)?;
        file.line(HEADER)?;
        Ok(EvaluationsCsv { file, seeds })
    }
}

impl Sink for EvaluationsCsv {
    fn take(&mut self, event: &Event, _: &RunDir) -> Result<()> {
        let Event::Evaluation { env_steps, greedy } = event else { return Ok(()) };
        let episodes = greedy.returns.len() / self.seeds.len().max(1);
        let mut rows = String::new();
        for (agent, (returns, seed)) in greedy.returns.chunks(episodes.max(1)).zip(&self.seeds).enumerate() {
            let own = Evaluation::of_returns(returns.iter().copied());
            rows += &format!("{env_steps},{agent},{seed},{},{}\n", own.mean(), own.std());
        }
        self.file.add(rows.as_bytes())
    }

    fn state(&self) -> Result<Value> {
        self.file.state()
    }

    fn go_on(&mut self) -> Result<()> {
        self.file.cut()
    }
}
