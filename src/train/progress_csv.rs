//! `progress.csv`: one row per window of training and one per evaluation, appended as they come, so that a killed run
//! keeps its curve. Column names are CleanRL's, and Stable-Baselines3's where CleanRL has none; a blank cell means
//! "not measured in this row".

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::train::event::{Evaluation, Progress};

const HEADER: &str = "global_step,charts/episodic_return,charts/episodic_length,charts/SPS,losses/td_loss,losses/q_values,\
                      losses/alpha,losses/entropy,losses/grad_norm,rollout/exploration_rate,train/n_updates,time/episodes,\
                      time/time_elapsed,eval/episodic_return,eval/episodic_return_std";

/// An open `progress.csv`.
pub struct ProgressCsv {
    file: File,
    path: PathBuf,
}

impl ProgressCsv {
    /// Creates the file and writes the header.
    pub fn create(path: &Path) -> Result<ProgressCsv> {
        let file = File::create_new(path).map_err(|e| Error::file("create", path, e))?;
        let mut csv = ProgressCsv { file, path: path.to_owned() };
        csv.line(HEADER)?;
        Ok(csv)
    }

    /// Appends the statistics of a window.
    pub fn progress(&mut self, p: &Progress) -> Result<()> {
        let steps_per_second = (p.wall_s > 0.0).then(|| (p.env_steps as f64 / p.wall_s).round());
        self.line(&format!(
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
        self.line(&format!("{env_steps},,,,,,,,,,,,,{},{}", greedy.mean(), greedy.std()))
    }

    /// One write call per row: a reader never sees half a row, and nothing waits in a buffer when the run is killed.
    fn line(&mut self, row: &str) -> Result<()> {
        self.file
            .write_all(format!("{row}\n").as_bytes())
            .map_err(|e| Error::file("write", self.path.clone(), e))
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
        let path = root.path().join("progress.csv");
        let mut csv = ProgressCsv::create(&path).expect("create");
        csv.progress(&Progress { env_steps: 64, wall_s: 0.5, alpha: 0.25, ..Progress::default() })
            .expect("row");
        csv.progress(&Progress {
            env_steps: 128,
            episodic_return: Some(20.5),
            td_loss: Some(0.125),
            ..Progress::default()
        })
        .expect("row");
        csv.evaluation(128, &Evaluation { returns: vec![10.0, 12.0] }).expect("row");
        let text = std::fs::read_to_string(path).expect("read");
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
