//! `progress.csv`: one row per window of training and one per evaluation, appended as they come, so that a killed run
//! keeps its curve. Column names are CleanRL's, and Stable-Baselines3's where CleanRL has none; a blank cell means
//! "not measured in this row".

use serde_json::Value;

use crate::error::Result;
use crate::train::event::{Evaluation, Event, Progress};
use crate::train::run_dir::{PROGRESS_FILE, RunDir};
use crate::train::sinks::Sink;
use crate::train::sinks::appended::Appended;

const HEADER: &str = "global_step,charts/episodic_return,charts/episodic_length,charts/SPS,losses/td_loss,losses/q_values,\
                      losses/alpha,losses/entropy,losses/grad_norm,rollout/exploration_rate,train/n_updates,time/episodes,\
                      time/time_elapsed,eval/episodic_return,eval/episodic_return_std";

/// An open `progress.csv`.
pub struct ProgressCsv(Appended);

impl Sink for ProgressCsv {
    fn take(&mut self, event: &Event, _: &RunDir) -> Result<()> {
        match event {
            Event::Progress(progress) => self.progress(progress),
            Event::Evaluation { env_steps, greedy } => self.evaluation(*env_steps, greedy),
            _ => Ok(()),
        }
    }

    fn state(&self) -> Result<Value> {
        self.0.state()
    }

    fn go_on(&mut self) -> Result<()> {
        self.0.cut()
    }
}

impl ProgressCsv {
    /// Creates the file and writes the header, or goes on from a checkpoint.
    pub fn open(dir: &RunDir, state: Option<&Value>) -> Result<ProgressCsv> {
        if let Some(state) = state {
            return Appended::reopen(dir, PROGRESS_FILE, state).map(ProgressCsv);
        }
        let mut file = Appended::create(dir, PROGRESS_FILE)?;
        file.line(HEADER)?;
        Ok(ProgressCsv(file))
    }

    /// Appends the statistics of a window.
    pub fn progress(&mut self, p: &Progress) -> Result<()> {
        let steps_per_second = (p.wall_s > 0.0).then(|| (p.env_steps as f64 / p.wall_s).round());
        self.0.line(&format!(
            "{},{},{},{},{},{},{},{},{},{},{},{},{:.3},,",
            p.env_steps,
            cell(p.episodic_return),
            cell(p.episodic_length),
            cell(steps_per_second),
            cell(p.td_loss),
            cell(p.q_values),
            p.alpha,
            cell(p.entropy),
            cell(p.grad_norm),
            p.epsilon,
            p.updates,
            p.episodes,
            p.wall_s,
        ))
    }

    /// Appends an evaluation.
    pub fn evaluation(&mut self, env_steps: u64, greedy: &Evaluation) -> Result<()> {
        self.0.line(&format!("{env_steps},,,,,,,,,,,,,{},{}", greedy.mean(), greedy.std()))
    }
}

fn cell(value: Option<f64>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_the_columns_of_the_header() {
        let root = tempfile::tempdir().expect("temporary directory");
        let dir = RunDir::create(root.path()).expect("directory");
        let mut csv = ProgressCsv::open(&dir, None).expect("create");
        csv.progress(&Progress { env_steps: 64, wall_s: 0.5, alpha: 0.25, ..Progress::default() })
            .expect("row");
        csv.progress(&Progress {
            env_steps: 128,
            episodic_return: Some(20.5),
            td_loss: Some(0.125),
            ..Progress::default()
        })
        .expect("row");
        csv.evaluation(128, &Evaluation::of_returns([10.0, 12.0])).expect("row");
        let text = std::fs::read_to_string(dir.file(PROGRESS_FILE)).expect("read");
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(rows.len(), 4);
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{text}");
        let value = |row: usize, name: &str| rows[row][rows[0].iter().position(|n| *n == name).expect(name)];
        assert_eq!(value(1, "charts/SPS"), "128");
        assert_eq!(value(1, "losses/alpha"), "0.25");
        assert_eq!(value(1, "charts/episodic_return"), "");
        assert_eq!(value(2, "charts/episodic_return"), "20.5");
        assert_eq!(value(2, "losses/td_loss"), "0.125");
        assert_eq!(value(3, "eval/episodic_return"), "11");
        assert_eq!(value(3, "eval/episodic_return_std"), "1");
    }
}
