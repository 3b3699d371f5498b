//! Where a run stands, as one value: what has been submitted, what is on its way back, and what was learnt from what has
//! arrived. [`Trainer::advance`](crate::train::trainer::Trainer::advance) moves it on. Beside the executor's memory it is
//! all there is to a run, so that a loop may stop anywhere and go on later.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::shared::agent::Agent;
use crate::train::event::{Evaluated, Evaluation};
use crate::train::statistics::{RunawayDetector, Statistics};

/// The state of a run on the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Environment steps submitted so far, per agent.
    pub env_steps: u64,
    /// Seconds that the run has taken so far.
    pub wall_s: f64,
    /// Those that it was to take in all; one that has reached its threshold ends before.
    #[serde(default)]
    pub(super) planned: u64,
    pub(super) stage: Stage,
    /// Environment steps at which the running window of statistics ends.
    pub(super) next_log: u64,
    /// Those at which the last one ended.
    pub(super) logged_at: u64,
    /// Those of the next evaluation, if there are any.
    pub(super) next_eval: Option<u64>,
    /// Those of the last one.
    pub(super) evaluated_at: Option<u64>,
    pub(super) pace: Pace,
    /// Snapshots on their way, oldest first.
    pub(super) expected: VecDeque<Expected>,
    /// Words of the oldest that are here already.
    pub(super) arrived: Vec<u32>,
    pub(super) statistics: Statistics,
    /// Those of each agent of a population.
    pub(super) agents: Vec<Statistics>,
    pub(super) runaway: RunawayDetector,
    /// Where each agent stands.
    pub(super) standings: Vec<Standing>,
    /// The best evaluation so far.
    pub(super) best_evaluated: Option<Evaluated>,
    /// The agent whose weights are kept and shown.
    pub(super) best: usize,
}

/// What the run is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Stage {
    Training,
    Evaluating(Running),
    Finished,
}

/// An evaluation in progress. Training pauses meanwhile, since it would change the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Running {
    pub which: Which,
    /// Steps that it may still take.
    pub left: u32,
    /// Whether its episodes have begun.
    pub begun: bool,
    /// Whether a chunk of steps is under way.
    pub waiting: bool,
    /// Results, by agent, of the evaluation that this one confirms or accompanies.
    pub earlier: Vec<Evaluation>,
}

/// Evaluations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Which {
    Periodic,
    Confirm,
    FinalGreedy,
    /// Of the last greedy one, by the episodes of `Confirm`.
    FinalConfirm,
    FinalSoftmax,
}

impl Which {
    /// Its place among the evaluations of the plan.
    pub fn place(self) -> usize {
        match self {
            Which::Periodic => 0,
            Which::Confirm | Which::FinalConfirm => 1,
            Which::FinalGreedy => 2,
            Which::FinalSoftmax => 3,
        }
    }
}

/// What some snapshots in a row will bring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Expected {
    pub what: What,
    /// How many are still missing.
    pub snapshots: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum What {
    /// Statistics of a window, shard by shard.
    Statistics,
    /// The evaluation environments, shard by shard.
    Lanes,
    /// Weights and records of the shard of the agent that evaluated best.
    Best(Evaluated),
    /// Those of the agent that is best at the end.
    Last(Evaluated),
    /// Those of all agents, at the end.
    All,
    /// Those of an agent as they are now, for who asked.
    Current(Evaluated),
    /// A buffer of this index, for who asked.
    Contents(u32),
}

/// What is known of one agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub solved_at_env_steps: Option<u64>,
    /// When it was first solved, of a run that has been made longer since.
    #[serde(default)]
    pub solved_before: Option<u64>,
    /// The update that first met a NaN or an infinity; the device stops that agent there.
    pub diverged_at_update: Option<u64>,
}

/// Iterations per submission, adapted to the device.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pace {
    pub iterations: u32,
}

impl Pace {
    /// Moves towards as many iterations as fit the time that suits the executor, at most doubling.
    pub fn adapt(&mut self, iterations: u32, elapsed: Duration, suitable: Duration) {
        let per_iteration = elapsed.as_secs_f64() / f64::from(iterations.max(1));
        let fitting = suitable.as_secs_f64() / per_iteration.max(1e-7);
        self.iterations = (fitting as u32).clamp(1, self.iterations.saturating_mul(2)).min(4096);
    }
}

impl Course {
    /// The beginning of a run whose agents have these records.
    pub fn new(config: &Config, records: &[Agent]) -> Course {
        let agents = records.len();
        Course {
            env_steps: 0,
            wall_s: 0.0,
            planned: config.total_timesteps,
            stage: Stage::Training,
            next_log: config.log_frequency,
            logged_at: 0,
            next_eval: (config.eval_frequency > 0).then_some(config.eval_frequency),
            evaluated_at: None,
            pace: Pace { iterations: 4 },
            expected: VecDeque::new(),
            arrived: Vec::new(),
            statistics: Statistics::default(),
            agents: if agents > 1 { vec![Statistics::default(); agents] } else { Vec::new() },
            runaway: RunawayDetector::new(config, records),
            standings: vec![Standing::default(); agents],
            best_evaluated: None,
            best: 0,
        }
    }

    /// Whether the run has come to its end.
    pub fn finished(&self) -> bool {
        self.stage == Stage::Finished
    }

    /// Whether nothing can be submitted before a snapshot arrives.
    pub fn waiting(&self) -> bool {
        matches!(&self.stage, Stage::Evaluating(running) if running.waiting)
    }

    /// Whether training is over and the last evaluations go on, or have ended.
    pub fn closing(&self) -> bool {
        match &self.stage {
            Stage::Training => false,
            Stage::Evaluating(running) => !matches!(running.which, Which::Periodic | Which::Confirm),
            Stage::Finished => true,
        }
    }

    /// How many agents there are.
    pub fn agents(&self) -> usize {
        self.standings.len()
    }

    /// Whether snapshots are on their way.
    pub(super) fn expects(&self) -> bool {
        !self.expected.is_empty()
    }

    /// Lets a run that had come to its end go on where it is to be longer than it was, with iterations of `iteration`
    /// environment steps. The evaluation, of at most `steps` steps, that would have been due there, had this not
    /// been the end, comes first. Who had reached the threshold is trained on until it is reached anew; the first time counts.
    pub(super) fn extend(&mut self, config: &Config, iteration: u64, steps: u32) {
        let planned = std::mem::replace(&mut self.planned, config.total_timesteps);
        if !self.closing() || config.total_timesteps <= planned || self.env_steps >= config.total_timesteps {
            return;
        }
        self.stage = Stage::Training;
        for standing in &mut self.standings {
            let solved = standing.solved_at_env_steps.take();
            standing.solved_before = standing.solved_before.or(solved);
        }
        let passed = self.next_eval.map(|next| next - config.eval_frequency);
        let due = passed.is_some_and(|at| at > 0 && self.env_steps - at.min(self.env_steps) < iteration);
        if due && self.evaluated_at != Some(self.env_steps) && self.env_steps >= config.learning_starts {
            self.begin(Which::Periodic, steps, Vec::new());
        }
    }

    /// Takes note of the snapshots that the last submissions ask for.
    pub(super) fn expect(&mut self, what: What, snapshots: usize) {
        self.expected.push_back(Expected { what, snapshots });
    }

    /// Takes the words of the oldest snapshot on its way. All words of what they belong to, once they are complete.
    pub(super) fn receive(&mut self, words: &[u32]) -> Option<(What, Vec<u32>)> {
        self.arrived.extend_from_slice(words);
        let oldest = self.expected.front_mut()?;
        oldest.snapshots -= 1;
        if oldest.snapshots > 0 {
            return None;
        }
        let what = self.expected.pop_front()?.what;
        Some((what, std::mem::take(&mut self.arrived)))
    }

    /// Begins an evaluation of at most `steps` steps.
    pub(super) fn begin(&mut self, which: Which, steps: u32, earlier: Vec<Evaluation>) {
        self.stage = Stage::Evaluating(Running { which, left: steps, begun: false, waiting: false, earlier });
    }

    /// Agents that are not solved.
    pub(super) fn unsolved(&self) -> impl Iterator<Item = usize> {
        let standings = self.standings.iter().enumerate();
        standings.filter(|(_, standing)| standing.solved_at_env_steps.is_none()).map(|(agent, _)| agent)
    }

    /// Whether every agent is solved or lost.
    pub(super) fn settled(&self) -> bool {
        let settled = |standing: &Standing| {
            standing.solved_at_env_steps.is_some() || standing.diverged_at_update.is_some()
        };
        self.standings.iter().all(settled)
    }

    /// The best agent of an evaluation, if it is as good as the best evaluation so far. Of equals the later one counts: it
    /// has learnt more. One that was cut where steps cost is behind all that were not.
    pub(super) fn improved(
        &mut self,
        evaluations: &[Evaluation],
        threshold: Option<f64>,
    ) -> Option<Evaluated> {
        let alive = |agent: &usize| self.standings[*agent].diverged_at_update.is_none();
        let evaluated = |(agent, evaluation): (usize, &Evaluation)| {
            let (env_steps, mean, cut) = (self.env_steps, evaluation.mean(), evaluation.is_cut(threshold));
            Evaluated { agent, env_steps, mean, cut }
        };
        let better = |a: &Evaluated, b: &Evaluated| b.cut.cmp(&a.cut).then(a.mean.total_cmp(&b.mean));
        let all = evaluations.iter().enumerate().map(evaluated);
        let of_alive = all.filter(|one| alive(&one.agent) && one.mean.is_finite());
        let best = of_alive.max_by(|a, b| better(a, b).then(b.agent.cmp(&a.agent)))?;
        if self.best_evaluated.as_ref().is_some_and(|before| better(before, &best).is_gt()) {
            return None;
        }
        self.best = best.agent;
        self.best_evaluated = Some(best);
        self.best_evaluated.clone()
    }
}
