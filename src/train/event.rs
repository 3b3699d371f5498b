//! What a run tells its observer while it goes on, and what it returns at the end.
//!
//! ```
//! use softq::config::Config;
//! use softq::train::event::{Evaluated, Event, Member, Progress, Report};
//! use softq::train::trainer::Trainer;
//!
//! let two = Config { env: "catch".into(), device: "cpu".into(), agents: 2, ..Config::default() };
//! let mut windows: Vec<Progress> = Vec::new();
//! let report: Report = Trainer::new(&Config { total_timesteps: 2_000, ..two })?.run(&mut |event| {
//!     if let Event::Progress(progress) = event {
//!         windows.push(progress.clone());
//!     }
//!     Ok(())
//! })?;
//! // Before learning starts, a window holds no update.
//! assert!(windows[0].td_loss.is_none() && windows[1].td_loss.is_some());
//! assert_eq!((windows.len(), windows[1].env_steps), (2, 2_000));
//!
//! assert_eq!(Member::ranking(&report.members)[0], report.best);
//! let Evaluated { mean, .. } = report.best_evaluated.clone().expect("one at the end");
//! assert_eq!(mean, report.best().greedy.mean());
//! # Ok::<(), softq::Error>(())
//! ```

use crate::config::Config;
use crate::engine::recording::BufferId;
use crate::shared::agent::Lane;
use crate::train::drawing::Pictures;
use serde::{Deserialize, Serialize};

/// Statistics of one window of training, read back from the device without stopping it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Progress {
    /// Environment steps so far, over all environments.
    pub env_steps: u64,
    /// Updates so far.
    pub updates: u64,
    /// Seconds since training began.
    pub wall_s: f64,
    /// Episodes finished so far.
    pub episodes: u64,
    /// Mean return of the last (at least) 100 finished episodes; `None` before the first one ends.
    pub episodic_return: Option<f64>,
    /// Mean length of the same episodes.
    pub episodic_length: Option<f64>,
    /// Temperature at the end of the window.
    pub alpha: f64,
    /// Mean policy entropy in the window's updates, nats; `None` when the window held no update. The same for the next four.
    pub entropy: Option<f64>,
    /// Mean loss, summed over the twins.
    pub td_loss: Option<f64>,
    /// Mean value of the taken actions under the first net.
    pub q_values: Option<f64>,
    /// Global gradient norm before clipping, mean over the window's updates.
    pub grad_norm: Option<f64>,
    /// Share of random actions at the end of the window.
    pub epsilon: f64,
}

/// Returns of a set of evaluation episodes.
///
/// ```
/// use softq::train::event::Evaluation;
///
/// let each = [Evaluation::of_returns([1.0, 3.0]), Evaluation::of_returns([5.0])];
/// assert_eq!((each[0].mean(), each[0].std()), (2.0, 1.0));
/// assert_eq!(Evaluation::of_all(&each).mean(), 3.0, "episodes count alike, not agents");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Return of each episode, in environment order.
    pub returns: Vec<f64>,
    /// Episodes that had not ended, whose returns are those up to then.
    #[serde(default)]
    pub unfinished: usize,
}

impl Evaluation {
    /// The first episode of each environment; of one that has not ended, what it has come to.
    pub fn of_lanes(lanes: &[Lane]) -> Evaluation {
        let of = |lane: &Lane| if lane.episodes > 0 { lane.first_return } else { lane.episode_return };
        Evaluation {
            returns: lanes.iter().map(|lane| f64::from(of(lane))).collect(),
            unfinished: lanes.iter().filter(|lane| lane.episodes == 0).count(),
        }
    }

    /// Episodes that have ended.
    pub fn of_returns(returns: impl IntoIterator<Item = f64>) -> Evaluation {
        Evaluation { returns: returns.into_iter().collect(), unfinished: 0 }
    }

    /// The episodes of all agents together.
    pub fn of_all(agents: &[Evaluation]) -> Evaluation {
        Evaluation {
            returns: agents.iter().flat_map(|one| one.returns.iter().copied()).collect(),
            unfinished: agents.iter().map(|one| one.unfinished).sum(),
        }
    }

    /// Whether it was cut where steps cost, which a threshold of 0 or below says: episodes that have not ended might go far below their
    /// mean so far.
    pub fn is_cut(&self, threshold: Option<f64>) -> bool {
        self.unfinished > 0 && threshold.is_some_and(|threshold| threshold <= 0.0)
    }

    /// Mean return.
    pub fn mean(&self) -> f64 {
        self.returns.iter().sum::<f64>() / self.returns.len().max(1) as f64
    }

    /// Standard deviation of the returns over episodes.
    pub fn std(&self) -> f64 {
        let mean = self.mean();
        (self.returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / self.returns.len().max(1) as f64)
            .sqrt()
    }
}

/// One message from a running training.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Statistics of a window.
    Progress(Progress),
    /// A greedy evaluation finished.
    Evaluation {
        /// Environment steps at which the weights were taken.
        env_steps: u64,
        /// Its episodes.
        greedy: Evaluation,
    },
    /// The same window agent by agent, behind that of a population.
    AgentsProgress(Vec<Progress>),
    /// The same evaluation agent by agent, behind that of a population.
    AgentsEvaluation {
        /// Environment steps at which the weights were taken.
        env_steps: u64,
        /// The episodes of each agent.
        greedy: Vec<Evaluation>,
    },
    /// Something the user should know that does not stop the run, e.g. a runaway temperature and its likely cause.
    Warning(String),
    /// The weights of a greedy evaluation that none before surpassed.
    Best(Box<Weights>),
    /// The weights at the end of the run; of a population those of the best agent.
    Last(Box<Weights>),
    /// The weights of all agents of a population at the end of the run.
    All(Box<AllWeights>),
    /// The weights of an agent at a moment that somebody asked for ([`Trainer::ask_for_current`]).
    ///
    /// [`Trainer::ask_for_current`]: crate::train::trainer::Trainer::ask_for_current
    Current(Box<Weights>),
    /// The contents of a buffer that somebody asked for ([`Trainer::ask_for`]).
    ///
    /// [`Trainer::ask_for`]: crate::train::trainer::Trainer::ask_for
    Contents {
        /// The buffer.
        buffer: BufferId,
        /// Its words.
        words: Vec<u32>,
    },
    /// The run is over.
    Finished(Box<Report>),
    /// One greedy episode of the trained agent, behind the end of the run; no pictures without a drawing.
    Pictures(Pictures),
}

/// An agent that an evaluation found best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// Its index.
    pub agent: usize,
    /// Environment steps, per agent, at which its weights were taken.
    pub env_steps: u64,
    /// Mean return of its greedy episodes.
    pub mean: f64,
    /// Whether it was cut where steps cost ([`Evaluation::is_cut`]).
    #[serde(default)]
    pub cut: bool,
}

/// The weights of one agent at some point of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Its index.
    pub agent: usize,
    /// Its configuration.
    pub config: Config,
    /// Environment steps, per agent, at which they were taken.
    pub env_steps: u64,
    /// Mean return of the greedy evaluation of these weights, if there was one.
    pub greedy_mean: Option<f64>,
    /// All networks, targets included, and the temperature.
    pub tensors: Vec<NamedTensor>,
}

/// The weights of all agents of a population.
#[derive(Clone, Debug, PartialEq)]
pub struct AllWeights {
    /// The configuration of the run.
    pub config: Config,
    /// Environment steps, per agent, at which they were taken.
    pub env_steps: u64,
    /// The tensors of an agent, those of all agents one behind the other: `[agents, ...]`.
    pub tensors: Vec<NamedTensor>,
}

/// The outcome of a finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Environment id.
    pub env: String,
    /// Algorithm name.
    pub algo: String,
    /// Device as addressed by `--device`, e.g. `vulkan:0` or `cpu`.
    pub device: String,
    /// Adapter name and driver.
    pub adapter: String,
    /// Environment steps taken, per agent.
    pub env_steps: u64,
    /// Updates done, per agent.
    pub updates: u64,
    /// Wall-clock seconds of training, evaluations included.
    pub wall_s: f64,
    /// Bytes sent from the host to the device meanwhile.
    pub uploaded_bytes: u64,
    /// What differs between the agents, as given.
    pub sweep: Vec<String>,
    /// Every agent, in order of its index; at least one.
    pub members: Vec<Member>,
    /// Index of the best one.
    pub best: usize,
    /// The best greedy evaluation of the run, the last one included.
    pub best_evaluated: Option<Evaluated>,
}

impl Report {
    /// The best agent; the only one, if there is no population.
    pub fn best(&self) -> &Member {
        &self.members[self.best]
    }

    /// Agents that reached the threshold.
    pub fn solved_agents(&self) -> usize {
        self.members.iter().filter(|member| member.solved_at_env_steps.is_some()).count()
    }
}

/// The outcome of one agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its index.
    pub agent: usize,
    /// Its configuration.
    pub config: Config,
    /// Environment steps at the first evaluation at or above the reward threshold that a second one confirmed.
    pub solved_at_env_steps: Option<u64>,
    /// The update that first met a NaN or an infinity.
    pub diverged_at_update: Option<u64>,
    /// Final evaluation, argmax of the first net.
    pub greedy: Evaluation,
    /// Whether that one was cut where steps cost ([`Evaluation::is_cut`]).
    pub cut: bool,
    /// Final evaluation, sampled from softmax(Q / alpha) or from the policy network.
    pub softmax: Evaluation,
}

impl Member {
    /// Indices of `members`, best first: not diverged before diverged, an evaluation that was cut where steps cost behind others, then the
    /// higher greedy mean, then solved earlier.
    pub fn ranking(members: &[Member]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by(|a, b| {
            let (a, b) = (&members[*a], &members[*b]);
            let solved = |member: &Member| member.solved_at_env_steps.unwrap_or(u64::MAX);
            (a.diverged_at_update.is_some().cmp(&b.diverged_at_update.is_some()))
                .then(a.cut.cmp(&b.cut))
                .then(b.greedy.mean().total_cmp(&a.greedy.mean()))
                .then(solved(a).cmp(&solved(b)))
        });
        order
    }
}

/// A named tensor of the final weights: row-major f32.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Name, e.g. `q0.layer0.weight`.
    pub name: String,
    /// Dimensions, outermost first; weights are `[in, out]`.
    pub shape: Vec<usize>,
    /// Values.
    pub values: Vec<f32>,
}
