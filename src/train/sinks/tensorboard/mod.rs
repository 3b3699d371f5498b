//! `tensorboard/`: event files with all numbers of a run under CleanRL's and Stable-Baselines3's names, and its settings for the
//! hparams page. The agents of a population are runs of their own (`agent_00`, ...), beside the one of all together; of more than
//! [`MOST_RUNS`] agents there is that one alone, and `metrics.jsonl` has the others.

mod hparams;
mod proto;
mod records;

use serde_json::{Value, json};

use crate::error::Result;
use crate::train::event::{Event, Progress};
use crate::train::run_dir::{RunDir, TENSORBOARD};
use crate::train::sinks::Sink;
use crate::train::sinks::scalars::{self, Scalar};
use crate::train::sinks::tensorboard::records::EventFile;
use crate::train::trainer::Trainer;

/// Agents that get a run of their own, at most: each is an open file.
pub const MOST_RUNS: usize = 32;

/// The open event files of a run.
pub struct TensorBoard {
    all: EventFile,
    agents: Vec<EventFile>,
    /// Of every agent.
    learning_rates: Vec<f64>,
    finished: bool,
}

impl TensorBoard {
    /// Creates the files, or goes on from a checkpoint.
    pub fn open(dir: &RunDir, trainer: &Trainer, state: Option<&Value>) -> Result<TensorBoard> {
        let root = dir.inner(TENSORBOARD)?;
        let members = trainer.members();
        let own = if (2..=MOST_RUNS).contains(&members.len()) { members.len() } else { 0 };
        let agent = |agent: usize| {
            let state = state.map(|state| &state["agents"][agent]);
            EventFile::open(&root.inner(&format!("agent_{agent:02}"))?, state)
        };
        let mut files = TensorBoard {
            all: EventFile::open(&root, state.map(|state| &state["all"]))?,
            agents: (0..own).map(agent).collect::<Result<_>>()?,
            learning_rates: members.iter().map(|member| member.learning_rate).collect(),
            finished: false,
        };
        if state.is_none() {
            let keys = hparams::keys(members);
            files.all.values(0, vec![hparams::experiment(&keys, &members[0])])?;
            for (member, file) in members.iter().zip(files.sessions()) {
                file.values(0, vec![hparams::start(&keys, member)])?;
            }
        }
        Ok(files)
    }

    /// The files that are a run for the hparams page.
    fn sessions(&mut self) -> &mut [EventFile] {
        if self.agents.is_empty() { std::slice::from_mut(&mut self.all) } else { &mut self.agents }
    }
}

fn both(progress: &Progress, learning_rate: f64) -> Vec<Scalar> {
    let mut values = scalars::cleanrl(progress, learning_rate);
    values.extend(scalars::stable_baselines3(progress, learning_rate));
    values
}

impl Sink for TensorBoard {
    fn take(&mut self, event: &Event, _: &RunDir) -> Result<()> {
        match event {
            Event::Progress(progress) => {
                self.all.scalars(progress.env_steps, &both(progress, self.learning_rates[0]))
            }
            Event::AgentsProgress(all) => {
                let mut own = self.agents.iter_mut().zip(all).zip(&self.learning_rates);
                own.try_for_each(|((file, progress), rate)| {
                    file.scalars(progress.env_steps, &both(progress, *rate))
                })
            }
            Event::Evaluation { env_steps, greedy } => {
                self.all.scalars(*env_steps, &scalars::evaluation(greedy))
            }
            Event::AgentsEvaluation { env_steps, greedy } => {
                let mut own = self.agents.iter_mut().zip(greedy);
                own.try_for_each(|(file, greedy)| file.scalars(*env_steps, &scalars::evaluation(greedy)))
            }
            Event::Finished(_) => {
                self.finished = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn state(&self) -> Result<Value> {
        let agents = self.agents.iter().map(EventFile::state).collect::<Result<Vec<_>>>()?;
        Ok(json!({ "all": self.all.state()?, "agents": agents }))
    }

    fn go_on(&mut self) -> Result<()> {
        self.all.cut()?;
        self.agents.iter_mut().try_for_each(EventFile::cut)
    }

    fn close(&mut self, _: &RunDir) -> Result<()> {
        let (well, end) = (self.finished, hparams::end(self.finished));
        let told = self.sessions().iter_mut().try_for_each(|file| file.values(0, vec![end.clone()]));
        // After a failure, such as a full disk, that one is the error to report.
        if well { told } else { Ok(()) }
    }
}
