//! Evaluation of a saved agent: the first episode of each of many environments, all side by side.
//!
//! ```
//! use std::path::Path;
//!
//! use softq::config::Config;
//! use softq::engine::cpu::CpuExecutor;
//! use softq::train::evaluate::{EvaluationReport, evaluate, evaluate_later};
//! use softq::train::model_file::model_bytes;
//! use softq::train::saved_run::SavedRun;
//! use softq::train::trainer::Trainer;
//!
//! // An agent that has learnt nothing yet, by way of its file.
//! let config = Config { env: "catch".into(), device: "cpu".into(), ..Config::default() };
//! let bytes = model_bytes(&Trainer::new(&config)?.last_weights()?)?;
//! let run = SavedRun::of_file(Path::new("model.safetensors"), &bytes, &softq::envs::open)?;
//!
//! let report: EvaluationReport = evaluate(&run, true, &mut CpuExecutor::new(), 50, 1)?;
//! assert_eq!((report.policy.as_str(), report.returns.len(), report.unfinished), ("softmax", 50, 0));
//! assert!(report.mean_interval[0] <= report.mean && report.mean <= report.mean_interval[1]);
//! // The same where the thread must not be kept, as in a browser.
//! let later = pollster::block_on(evaluate_later(&run, true, &mut CpuExecutor::new(), 50, 1))?;
//! assert_eq!(later, report);
//! # Ok::<(), softq::Error>(())
//! ```

use serde::Serialize;

use crate::agents::{self, Capabilities};
use crate::config::Config;
use crate::engine::executor::{Executor, read_later_as};
use crate::error::{Error, Result};
use crate::shared::agent::Lane;
use crate::statistics::bootstrap::{CONFIDENCE, Interval, stratified};
use crate::statistics::quantile;
use crate::statistics::scores::Scores;
use crate::train::advance::{CHUNK, longest_evaluation};
use crate::train::event::Evaluation;
use crate::train::fault::not_finite;
use crate::train::playback;
use crate::train::rollout::MAX_EVAL_ENVS;
use crate::train::saved_run::SavedRun;

/// Resamples of the bootstrap intervals.
const RESAMPLES: usize = 2_000;

/// What an evaluation found. Serialised as the JSON line of `softq eval`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluationReport {
    /// Environment id.
    pub env: String,
    /// Algorithm of the agent.
    pub algo: String,
    /// Device address.
    pub device: String,
    /// `greedy` or `softmax`.
    pub policy: String,
    /// `last` or `best`, or of a population an agent such as `agent 3`.
    pub weights: String,
    /// Seed of the environments and of what is drawn.
    pub seed: u64,
    /// Episodes.
    pub episodes: u32,
    /// Episodes that had not ended after the most steps that an evaluation takes; their returns are those up to then.
    pub unfinished: u32,
    /// Return of every episode, undiscounted and unscaled.
    pub returns: Vec<f64>,
    /// Mean return.
    pub mean: f64,
    /// Standard deviation of the returns (that of these episodes, divided by their number).
    pub std: f64,
    /// Smallest return.
    pub min: f64,
    /// Median.
    pub median: f64,
    /// Largest return.
    pub max: f64,
    /// Interquartile mean: without the lowest and highest quarter.
    pub iqm: f64,
    /// 95% bootstrap interval of the mean over episodes: `[low, high]`.
    pub mean_interval: [f64; 2],
    /// That of the interquartile mean.
    pub iqm_interval: [f64; 2],
}

/// Plays `episodes` episodes of the agent of `run`, greedy or drawn from its policy, on an executor that can wait.
pub fn evaluate(
    run: &SavedRun,
    softmax: bool,
    executor: &mut dyn Executor,
    episodes: u32,
    seed: u64,
) -> Result<EvaluationReport> {
    pollster::block_on(evaluate_later(run, softmax, executor, episodes, seed))
}

/// The same without keeping the thread.
pub async fn evaluate_later(
    run: &SavedRun,
    softmax: bool,
    executor: &mut dyn Executor,
    episodes: u32,
    seed: u64,
) -> Result<EvaluationReport> {
    if !(1..=MAX_EVAL_ENVS).contains(&episodes) {
        let allowed = format!("1 to {MAX_EVAL_ENVS}");
        return Err(Error::invalid("episodes", episodes, allowed, "100 is the convention."));
    }
    let config = Config { eval_episodes: episodes, seed, ..playback::alone(&run.config) };
    let mut plan = agents::plan_relative(&config, run.env, Capabilities::default(), run.reference.as_ref())?;
    plan.set_log_alphas(&run.log_alphas);
    let acting = &plan.evaluations[if softmax { 3 } else { 2 }];
    executor.allocate(&plan.buffers)?;
    for (buffer, words) in &plan.init {
        executor.write(*buffer, words)?;
    }
    plan.set_weights(&run.weights, executor)?;
    let (reset, act) = (executor.prepare(&acting.reset)?, executor.prepare(&acting.act)?);
    executor.submit(&[(reset, 1)], None)?;
    let longest = longest_evaluation(&run.config, run.env);
    let mut lanes: Vec<Lane> = Vec::new();
    let mut steps = 0;
    while steps < longest && (lanes.is_empty() || lanes.iter().any(|lane| lane.episodes == 0)) {
        let chunk = CHUNK.min(longest - steps);
        executor.submit(&[(act, chunk)], None)?;
        steps += chunk;
        lanes = read_later_as(executor, plan.shards[0].eval_lanes.id).await?;
        if let Some(lane) = lanes.iter().position(|lane| lane.fault != 0) {
            return Err(not_finite(&run.env.id, lane, lanes[lane].fault, "an evaluation"));
        }
    }
    let Evaluation { returns, unfinished } = Evaluation::of_lanes(&lanes);
    let report = EvaluationReport {
        env: run.env.id.clone(),
        algo: run.config.algo.clone(),
        device: executor.address().to_owned(),
        policy: if softmax { "softmax" } else { "greedy" }.into(),
        weights: run.which.label(),
        seed,
        unfinished: unfinished as u32,
        ..described(returns)?
    };
    Ok(report)
}

/// The statistics of returns.
fn described(returns: Vec<f64>) -> Result<EvaluationReport> {
    let rows: Vec<Vec<f64>> = returns.iter().map(|value| vec![*value]).collect();
    let scores = Scores::new(&rows)
        .map_err(|unfit| Error::invalid("returns", returns.len(), "finite numbers", unfit.to_string()))?;
    let mut sorted = returns.clone();
    sorted.sort_by(f64::total_cmp);
    let mean = scores.mean();
    let variance =
        returns.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / returns.len() as f64;
    let intervals =
        stratified(&[&scores], RESAMPLES, CONFIDENCE, 0, |drawn| vec![drawn[0].mean(), drawn[0].iqm()]);
    let ends = |index: usize, value: f64| {
        intervals.get(index).map_or([value; 2], |Interval { low, high }| [*low, *high])
    };
    let iqm = scores.iqm();
    Ok(EvaluationReport {
        env: String::new(),
        algo: String::new(),
        device: String::new(),
        policy: String::new(),
        weights: String::new(),
        seed: 0,
        episodes: returns.len() as u32,
        unfinished: 0,
        mean,
        std: variance.sqrt(),
        min: quantile(&sorted, 0.0),
        median: quantile(&sorted, 0.5),
        max: quantile(&sorted, 1.0),
        iqm,
        mean_interval: ends(0, mean),
        iqm_interval: ends(1, iqm),
        returns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_the_returns() {
        let report = described((1..=8).map(f64::from).collect()).expect("numbers");
        assert_eq!((report.mean, report.median, report.min, report.max), (4.5, 4.5, 1.0, 8.0));
        // Without the two lowest and the two highest.
        assert_eq!(report.iqm, (3.0 + 4.0 + 5.0 + 6.0) / 4.0);
        assert!((report.std - (63.0f64 / 12.0).sqrt()).abs() < 1e-12);
        let [low, high] = report.mean_interval;
        // 1.96 standard errors of 0.81 around the mean, about.
        assert!((2.7..3.3).contains(&low) && (5.7..6.3).contains(&high), "{low} {high}");
        let alone = described(vec![7.0]).expect("a number");
        assert_eq!((alone.mean_interval, alone.iqm_interval, alone.std), ([7.0; 2], [7.0; 2], 0.0));
    }
}
