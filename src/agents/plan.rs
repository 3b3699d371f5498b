//! What an algorithm hands to the trainer: memory, its initial contents, and recordings.
//!
//! ```
//! use softq::agents::plan::{Phase, Plan, Shard};
//! use softq::config::Config;
//! use softq::engine::cpu::CpuExecutor;
//! use softq::engine::executor::{Executor, read_as};
//! use softq::shared::agent::Agent;
//!
//! let plan: Plan = softq::agents::plan(&Config::default(), softq::envs::find("catch")?)?;
//! let Phase { name, repeats, env_steps, .. } = &plan.phases[0];
//! assert_eq!((*name, *repeats, *env_steps), ("vector step", 1, 8));
//!
//! // A trainer in small: the memory, 20 vector steps of 8 environments, three updates.
//! let mut executor = CpuExecutor::new();
//! executor.allocate(&plan.buffers)?;
//! for (buffer, words) in &plan.init {
//!     executor.write(*buffer, words)?;
//! }
//! let initial = plan.weights_of(0, &mut executor)?;
//! let [reset, act, learn] = [&plan.reset, &plan.act(), &plan.learn()].map(|part| executor.prepare(part));
//! executor.submit(&[(reset?, 1), (act?, 20), (learn?, 3)], None)?;
//!
//! let shard: &Shard = plan.shard_of(0);
//! let records: Vec<Agent> = read_as(&mut executor, shard.records.id)?;
//! assert_eq!((plan.initial_records()[0].updates, records[0].updates), (0, 3));
//! assert_ne!(plan.weights_of(0, &mut executor)?, initial);
//! # Ok::<(), softq::Error>(())
//! ```

use crate::agents::acting::Stage;
use crate::agents::head_temperatures::HeadTemperatures;
use crate::agents::reference::Reference;
use crate::config::{Config, thousands};
use crate::engine::executor::{Executor, write_as};
use crate::engine::kernel::Work;
use crate::engine::recording::{Buffer, BufferId, Buffers, Dispatch, Recording};
use crate::engine::variant::Variant;
use crate::error::{Error, Result};
use crate::kernels::metrics::Metrics;
use crate::nn::{Group, GroupSpec};
use crate::shared::agent::{Agent, Lane};
use crate::shared::head_temperature::HeadTemperature;
use crate::shared::math::exp_f32;

/// A complete training program as plain data; any executor can run it.
pub struct Plan {
    /// All memory.
    pub buffers: Buffers,
    /// Contents written once before training; everything else starts as zeros.
    pub init: Vec<(BufferId, Vec<u32>)>,
    /// The groups of networks of an agent.
    pub groups: Vec<GroupSpec>,
    /// The policy that all agents are relative to, if that is not the uniform one.
    pub reference: Option<Reference>,
    /// The configuration of each agent.
    pub members: Vec<Config>,
    /// The agents' memory: one shard, or more where a device's longest buffer is too short for all agents.
    pub shards: Vec<Shard>,
    /// What keeps transitions, `replay` or `rollout`, and how many of an agent.
    pub experience: (&'static str, u32),
    /// Starts the training environments.
    pub reset: Recording,
    /// What an iteration does, in order.
    pub phases: Vec<Phase>,
    /// Evaluations: periodic greedy, its confirmation, final greedy, final softmax.
    pub evaluations: [Episodes; 4],
}

/// One part of an iteration: a recording and how often it runs in a row.
pub struct Phase {
    /// What one run of it is, for people: `vector step`, `update`.
    pub name: &'static str,
    /// What runs, for every agent.
    pub recording: Recording,
    /// Runs in a row.
    pub repeats: u32,
    /// Environment steps that one run takes, per agent; 0 where it only learns.
    pub env_steps: u32,
}

/// Agents whose tensors share buffers.
pub struct Shard {
    /// Index of its first agent.
    pub first: u32,
    /// How many.
    pub agents: u32,
    /// Its groups of networks, as [`Plan::groups`] orders them.
    pub groups: Vec<Group>,
    /// Hyperparameters and learner state `[agents]`.
    pub records: Buffer<Agent>,
    /// The temperatures of the later heads, where each has its own.
    pub head_temperatures: Option<HeadTemperatures>,
    /// The training environments, `[agents, num_envs]`.
    pub stage: Stage,
    /// Their transitions.
    pub replay: Buffer<u32>,
    /// Statistics of a window.
    pub metrics: Recording,
    /// Where they are left, `[agents]`.
    pub metrics_out: Buffer<Metrics>,
    /// The evaluation environments, `[agents, eval_episodes]`.
    pub eval_lanes: Buffer<Lane>,
}

/// Starts a set of environments and steps them.
///
/// ```
/// use softq::agents::{self, plan::Episodes};
/// use softq::config::Config;
/// use softq::engine::cpu::CpuExecutor;
/// use softq::engine::executor::{Executor, read_as};
/// use softq::shared::agent::Lane;
///
/// let config = Config { eval_episodes: 10, ..Config::default() };
/// let plan = agents::plan(&config, softq::envs::find("catch")?)?;
/// let mut executor = CpuExecutor::new();
/// executor.allocate(&plan.buffers)?;
/// for (buffer, words) in &plan.init {
///     executor.write(*buffer, words)?;
/// }
/// // The agent as it begins, without exploration; the ball falls for nine steps.
/// let Episodes { reset, act } = &plan.evaluations[0];
/// let programs = [(executor.prepare(reset)?, 1), (executor.prepare(act)?, 9)];
/// executor.submit(&programs, None)?;
/// let lanes: Vec<Lane> = read_as(&mut executor, plan.shards[0].eval_lanes.id)?;
/// assert_eq!(lanes.len(), 10);
/// assert!(lanes.iter().all(|lane| lane.episodes == 1 && lane.first_return.abs() == 1.0));
/// # Ok::<(), softq::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Episodes {
    /// Starts all episodes.
    pub reset: Recording,
    /// One vector step.
    pub act: Recording,
}

impl Shard {
    /// The buffers whose contents, one behind the other, are the weights of its agents.
    pub fn weights(&self) -> impl Iterator<Item = BufferId> {
        self.groups.iter().map(|group| group.weights.id)
    }

    /// The buffers whose contents, one behind the other, say what its agents' temperatures are.
    pub fn temperatures(&self) -> impl Iterator<Item = BufferId> {
        [self.records.id].into_iter().chain(self.head_temperatures.map(|of| of.buffer.id))
    }

    /// Words of the contents of [`Shard::weights`] and of [`Shard::temperatures`].
    pub fn words(&self) -> [usize; 2] {
        let later = self.head_temperatures.map_or(0, |of| of.buffer.erase().words);
        let weights = self.groups.iter().map(|group| group.weights.len as usize).sum();
        [weights, (self.records.erase().words + later) as usize]
    }

    /// `ln alpha` of one of its agents, or of each of its heads, out of those contents.
    pub fn log_alphas_of(&self, agent: usize, words: &[u32]) -> Vec<f32> {
        let index = agent - self.first as usize;
        let (records, later) = words.split_at(self.records.erase().words as usize);
        let own = bytemuck::cast_slice::<u32, Agent>(records)[index].log_alpha;
        let later: &[HeadTemperature] = bytemuck::cast_slice(later);
        let each = later.len() / self.agents as usize;
        [own].into_iter().chain(later[index * each..][..each].iter().map(|head| head.log_alpha)).collect()
    }

    /// The weights of one of its agents, group by group `[nets, params]`, out of those contents.
    pub fn weights_of(&self, agent: usize, mut words: &[u32]) -> Vec<Vec<f32>> {
        let mut weights = Vec::new();
        for group in &self.groups {
            let own;
            (own, words) = words.split_at(group.weights.len as usize);
            let each = group.spec.words();
            let own = &own[(agent - self.first as usize) * each..][..each];
            weights.push(bytemuck::cast_slice(own).to_vec());
        }
        weights
    }
}

impl Plan {
    /// What the agents' records hold before the first update.
    pub fn initial_records(&self) -> Vec<Agent> {
        let of = |shard: &Shard| {
            let words = self.init.iter().find(|(buffer, _)| *buffer == shard.records.id);
            words.map_or_else(Vec::new, |(_, words)| bytemuck::pod_collect_to_vec::<u32, Agent>(words))
        };
        self.shards.iter().flat_map(of).collect()
    }

    /// The weights of one agent, group by group `[nets, params]`.
    pub fn weights_of(&self, agent: usize, executor: &mut dyn Executor) -> Result<Vec<Vec<f32>>> {
        self.check_agent(agent)?;
        let shard = self.shard_of(agent);
        let mut words = Vec::new();
        for buffer in shard.weights() {
            words.extend(executor.read(buffer)?);
        }
        Ok(shard.weights_of(agent, &words))
    }

    /// Gives a plan of one agent its weights, group by group `[nets, params]`.
    pub fn set_weights(&self, weights: &[Vec<f32>], executor: &mut dyn Executor) -> Result<()> {
        let groups: Vec<_> = self.shards.iter().flat_map(|shard| &shard.groups).collect();
        let wanted: Vec<u64> = groups.iter().map(|group| group.weights.len).collect();
        let given: Vec<u64> = weights.iter().map(|weights| weights.len() as u64).collect();
        if given != wanted {
            let allowed = format!("{wanted:?} numbers, group by group, of a plan of one agent");
            return Err(Error::invalid(
                "weights",
                format!("{given:?}"),
                allowed,
                "Take them from a run of the same networks.",
            ));
        }
        for (group, weights) in groups.into_iter().zip(weights) {
            write_as(executor, group.weights.id, weights)?;
        }
        Ok(())
    }

    /// Refuses an agent that is not there.
    pub(crate) fn check_agent(&self, agent: usize) -> Result<()> {
        if agent < self.members.len() {
            return Ok(());
        }
        let allowed = format!("from 0 to {}", self.members.len() - 1);
        Err(Error::invalid("agent", agent, allowed, "Agents are numbered from 0."))
    }

    /// Lets a plan of one agent start with these `ln alpha`, one for each head that has its own.
    pub fn set_log_alphas(&mut self, log_alphas: &[f32]) {
        let shard = &self.shards[0];
        let (first, later) = log_alphas.split_at(log_alphas.len().min(1));
        let head_temperatures = shard.head_temperatures.map(|of| of.buffer.id);
        for (buffer, words) in &mut self.init {
            if *buffer == shard.records.id {
                let records: &mut [Agent] = bytemuck::cast_slice_mut(words);
                for (record, log_alpha) in records.iter_mut().zip(first) {
                    (record.log_alpha, record.alpha) = (*log_alpha, exp_f32(*log_alpha));
                }
            }
            if Some(*buffer) == head_temperatures {
                let heads: &mut [HeadTemperature] = bytemuck::cast_slice_mut(words);
                for (head, log_alpha) in heads.iter_mut().zip(later) {
                    (head.log_alpha, head.alpha) = (*log_alpha, exp_f32(*log_alpha));
                }
            }
        }
    }

    /// `ln alpha` of one agent, or of each of its heads.
    pub fn log_alphas_of(&self, agent: usize, executor: &mut dyn Executor) -> Result<Vec<f32>> {
        self.check_agent(agent)?;
        let shard = self.shard_of(agent);
        let mut words = Vec::new();
        for buffer in shard.temperatures() {
            words.extend(executor.read(buffer)?);
        }
        Ok(shard.log_alphas_of(agent, &words))
    }

    /// Environment steps of an iteration, per agent.
    pub fn env_steps(&self) -> u64 {
        self.phases.iter().map(|phase| u64::from(phase.env_steps) * u64::from(phase.repeats)).sum()
    }

    /// Dispatches of an iteration.
    pub fn dispatches(&self) -> usize {
        self.phases.iter().map(|phase| phase.recording.dispatches.len() * phase.repeats as usize).sum()
    }

    /// The shard that an agent lies in.
    pub fn shard_of(&self, agent: usize) -> &Shard {
        let after = self.shards.partition_point(|shard| shard.first as usize <= agent);
        &self.shards[after.max(1) - 1]
    }

    /// Every phase that acts, once: a vector step of the training environments of every agent. Repeated, the warm-up.
    pub fn act(&self) -> Recording {
        self.once(|phase| phase.env_steps > 0)
    }

    /// Every phase that only learns, once: an update of every agent.
    pub fn learn(&self) -> Recording {
        self.once(|phase| phase.env_steps == 0)
    }

    /// The chosen phases, each once.
    pub fn once(&self, chosen: impl Fn(&Phase) -> bool) -> Recording {
        let mut recording = Recording::default();
        for phase in self.phases.iter().filter(|phase| chosen(phase)) {
            recording.append(phase.recording.clone());
        }
        recording
    }

    /// A table of the phases and their dispatches, and of the memory.
    pub fn explain(&self, floor_s: Option<&dyn Fn(&Work) -> f64>) -> String {
        let list: Vec<String> =
            self.phases.iter().map(|phase| format!("{} x {}", phase.name, phase.repeats)).collect();
        let mut text =
            format!("an iteration of {} environment steps: {}\n", self.env_steps(), list.join(", "));
        for Phase { name, recording, .. } in &self.phases {
            text += &format!("one {name}: {} dispatches\n", recording.dispatches.len());
            for (index, dispatch) in recording.dispatches.iter().enumerate() {
                let outputs: Vec<&str> = recording
                    .outputs(index)
                    .iter()
                    .map(|(_, buffer)| self.buffers.decls[buffer.id.0 as usize].name.as_str())
                    .collect();
                let [x, y, z] = dispatch.grid;
                text += &format!(
                    "  {:<24} {x:>5} x {y} x {z}  -> {}{}\n",
                    Variant { env: None, ..Variant::of(dispatch) }.name(),
                    outputs.join(", "),
                    work_of(dispatch, floor_s)
                );
            }
        }
        text += &format!("one iteration: {} dispatches, 0 bytes uploaded\n", self.dispatches());
        text += &format!("memory: {} bytes\n", self.buffers.total_bytes());
        for decl in &self.buffers.decls {
            text += &format!("  {:<24} {:>12} bytes\n", decl.name, decl.words * 4);
        }
        text
    }
}

/// Work of a dispatch, where its kernel declares it, and the least time that it takes.
fn work_of(dispatch: &Dispatch, floor_s: Option<&dyn Fn(&Work) -> f64>) -> String {
    let Some(work) = dispatch.kernel.work.map(|work| work(&dispatch.params)) else { return String::new() };
    let floor = floor_s.map_or(String::new(), |floor_s| format!(", at least {:.2} us", 1e6 * floor_s(&work)));
    format!("  ({} operations, {} bytes{floor})", thousands(work.operations), thousands(work.bytes()))
}
