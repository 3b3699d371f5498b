//! `report.json`: how a run ended and what that was computed from; and the one line of it that `--json` prints.

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::train::event::{Event, Report};
use crate::train::run_dir::{BEST_FILE, REPORT_FILE, RunDir};
use crate::train::sinks::{Sink, kept, taken_back};
use crate::train::trainer::Trainer;

/// The outcome in one line. `null` stands for "not solved" and for a value that is not finite.
#[derive(Serialize)]
pub struct Summary<'a> {
    env: &'a str,
    algo: &'a str,
    seed: u64,
    agents: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    best_agent: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    solved_agents: Option<usize>,
    device: &'a str,
    adapter: &'a str,
    env_steps: u64,
    updates: u64,
    wall_s: f64,
    uploaded_bytes: u64,
    solved_at_env_steps: Option<u64>,
    eval_greedy_mean: f64,
    eval_greedy_std: f64,
    eval_softmax_mean: f64,
    eval_softmax_std: f64,
    best_greedy_mean: Option<f64>,
    best_env_steps: Option<u64>,
    run_dir: String,
}

impl Summary<'_> {
    /// Summary of a finished run.
    pub fn of<'a>(report: &'a Report, dir: &RunDir) -> Summary<'a> {
        let (best, population) = (report.best(), report.members.len() > 1);
        Summary {
            env: &report.env,
            algo: &report.algo,
            seed: best.config.seed,
            agents: report.members.len(),
            best_agent: population.then_some(report.best),
            solved_agents: population.then(|| report.solved_agents()),
            device: &report.device,
            adapter: &report.adapter,
            env_steps: report.env_steps,
            updates: report.updates,
            wall_s: report.wall_s,
            uploaded_bytes: report.uploaded_bytes,
            solved_at_env_steps: best.solved_at_env_steps,
            eval_greedy_mean: best.greedy.mean(),
            eval_greedy_std: best.greedy.std(),
            eval_softmax_mean: best.softmax.mean(),
            eval_softmax_std: best.softmax.std(),
            best_greedy_mean: report.best_evaluated.as_ref().map(|best| best.mean),
            best_env_steps: report.best_evaluated.as_ref().map(|best| best.env_steps),
            run_dir: dir.path().display().to_string(),
        }
    }
}

#[derive(Serialize)]
struct FullReport<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    reward_threshold: Option<f64>,
    device_reason: &'a str,
    warnings: &'a [String],
    eval_greedy_returns: &'a [f64],
    eval_softmax_returns: &'a [f64],
    best_weights: Option<&'a str>,
}

/// Writes the report of a finished run, with the warnings that came before.
pub struct ReportJson {
    device_reason: String,
    threshold: Option<f64>,
    warnings: Vec<String>,
}

impl ReportJson {
    /// Nothing to report yet, but for the warnings that came before a checkpoint.
    pub fn open(trainer: &Trainer, state: Option<&Value>) -> Result<ReportJson> {
        Ok(ReportJson {
            device_reason: trainer.choice().reason.clone(),
            threshold: trainer.env().reward_threshold,
            warnings: taken_back(REPORT_FILE, state)?,
        })
    }
}

impl Sink for ReportJson {
    fn take(&mut self, event: &Event, dir: &RunDir) -> Result<()> {
        match event {
            // What Trainer::new has to say is said again when a run goes on.
            Event::Warning(text) if !self.warnings.contains(text) => self.warnings.push(text.clone()),
            Event::Finished(report) => {
                let full = FullReport {
                    summary: Summary::of(report, dir),
                    reward_threshold: self.threshold,
                    device_reason: &self.device_reason,
                    warnings: &self.warnings,
                    eval_greedy_returns: &report.best().greedy.returns,
                    eval_softmax_returns: &report.best().softmax.returns,
                    best_weights: report.best_evaluated.is_some().then_some(BEST_FILE),
                };
                let json = serde_json::to_string_pretty(&full)
                    .map_err(|e| Error::file("write", dir.file(REPORT_FILE), e))?;
                dir.write(REPORT_FILE, format!("{json}\n").as_bytes())?;
            }
            _ => {}
        }
        Ok(())
    }

    fn state(&self) -> Result<Value> {
        kept(REPORT_FILE, &self.warnings)
    }
}
