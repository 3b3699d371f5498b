//! Replays recorded updates through [`Update`], the engine's own learn step, one batch at a time.
//!
//! DI-engine's and the authors' cases share everything here: a pool of transitions, the rows of each batch, four networks,
//! and the values an update leaves in memory. They differ in names and conventions, which their own files hold.

use crate::agents::hyper;
use crate::agents::sqn::{Conventions, Update};
use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::metrics::{self, Metrics};
use crate::shared::agent::{Agent, Lane, TdError};
use crate::train::config::Config;
use crate::verify::conformance::case::Case;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::network::Network;
use crate::verify::conformance::policy::{Policy, PolicyMemory};
use crate::verify::conformance::report::{Outcome, malformed};

/// Slots of [`Update::q`].
pub const Q_1: usize = 0;
/// The second online net at `s`.
pub const Q_2: usize = 1;
/// The first target net at `s'`.
pub const TARGET_1: usize = 2;
/// The second target net at `s'`.
pub const TARGET_2: usize = 3;

/// The recorded transitions and which of them each update used.
pub struct Batches {
    obs: Vec<f32>,
    next_obs: Vec<f32>,
    actions: Vec<u32>,
    rewards: Vec<f32>,
    done: Vec<f32>,
    obs_size: usize,
    /// Rows of each update, `[steps][batch]`.
    rows: Vec<Vec<u32>>,
    /// Rows per update.
    pub batch: usize,
}

impl Batches {
    /// Reads `pool.*` and `batch_index` for a network of this shape.
    pub fn read(case: &Case, network: &Network) -> Outcome<Batches> {
        let obs_size = network.inputs();
        let size = case.matrix("pool.obs")?[0];
        let [_, batch] = case.matrix("batch_index")?;
        let rows = case.indices("batch_index", size)?;
        case.f32_of("pool.reward", &[size])?;
        let actions = case.indices("pool.action", network.outputs())?;
        if actions.len() != size {
            return malformed(format!("'pool.action' has {} values for {size} transitions", actions.len()));
        }
        Ok(Batches {
            obs: case.f32_of("pool.obs", &[size, obs_size])?.to_vec(),
            next_obs: case.f32_of("pool.next_obs", &[size, obs_size])?.to_vec(),
            actions,
            rewards: case.f32_of("pool.reward", &[size])?.to_vec(),
            done: case.f32_of("pool.done", &[size])?.to_vec(),
            obs_size,
            rows: rows.chunks_exact(batch).map(<[u32]>::to_vec).collect(),
            batch,
        })
    }

    /// Number of updates.
    pub fn steps(&self) -> usize {
        self.rows.len()
    }

    /// Bootstraps through terminal transitions.
    pub fn ignore_done(&mut self) {
        self.done.fill(0.0);
    }

    fn rows_of(&self, table: &[f32], step: usize) -> Vec<f32> {
        let row = |index: &u32| &table[*index as usize * self.obs_size..][..self.obs_size];
        self.rows[step].iter().flat_map(row).copied().collect()
    }

    fn pick<T: Copy>(&self, column: &[T], step: usize) -> Vec<T> {
        self.rows[step].iter().map(|index| column[*index as usize]).collect()
    }
}

/// Weights `[4, params]` before the first update. A file without target nets starts them as copies of the online nets.
pub fn initial_weights(
    case: &Case,
    network: &Network,
    [online, target]: [&str; 2],
    nets: [&str; 2],
) -> Outcome<Vec<f32>> {
    let has_targets = case.names().any(|name| name.starts_with(&format!("init.{target}.")));
    let mut weights = Vec::new();
    for group in [online, if has_targets { target } else { online }] {
        for net in nets {
            weights.extend(network.import(case, &format!("init.{group}.{net}."))?);
        }
    }
    Ok(weights)
}

/// A learn step with its memory, ready for batches.
pub struct Replay {
    update: Update,
    batches: Batches,
    network: Network,
    metrics: Buffer<Metrics>,
    program: Program,
    policy: PolicyMemory,
    policy_program: Program,
    actions: usize,
}

/// Everything about a case that decides its updates, besides weights and batches.
pub struct Setup {
    /// Hyperparameters; batch size and network come from the tensors.
    pub config: Config,
    /// Forms that softq itself does not use.
    pub conventions: Conventions,
    /// `ln alpha` before the first update.
    pub log_alpha: f64,
    /// Weight decay of Adam.
    pub weight_decay: f64,
}

/// What one update left in memory.
pub struct Step {
    /// The agent before the update.
    pub before: Agent,
    /// The agent after it.
    pub after: Agent,
    /// Mean loss of both nets.
    pub loss: f32,
    /// Mean loss of each online net.
    pub net_loss: [f32; 2],
    /// Mean entropy.
    pub entropy: f32,
}

/// Per-sample values of one update.
pub struct Samples {
    /// Actions taken.
    pub actions: Vec<u32>,
    /// Action values `[4][batch, actions]`.
    pub q: [Vec<f32>; 4],
    /// `V(s')`
    pub values: Vec<f32>,
    /// `y`
    pub targets: Vec<f32>,
    /// `H(pi(s'))`, or `-ln pi(a~)` of a sampled action.
    pub entropies: Vec<f32>,
    number_of_actions: usize,
}

impl Samples {
    /// Values of one action per row.
    pub fn at(&self, slot: usize, actions: &[u32]) -> Vec<f32> {
        let value =
            |(row, action): (usize, &u32)| self.q[slot][row * self.number_of_actions + *action as usize];
        actions.iter().enumerate().map(value).collect()
    }
}

impl Replay {
    /// Declares the memory, records the update and uploads weights `[4, params]` and the agent.
    pub fn new(
        device: &mut Device<'_>,
        setup: Setup,
        network: Network,
        batches: Batches,
        weights: &[f32],
    ) -> Outcome<Replay> {
        let (Ok(batch), Ok(_), Ok(actions)) =
            (u32::try_from(batches.batch), u32::try_from(network.inputs()), u32::try_from(network.outputs()))
        else {
            return malformed("sizes beyond 32 bits");
        };
        let config = Config { batch_size: batch, ..setup.config };
        let mut buffers = Buffers::default();
        let mut update = Update::new(&mut buffers, &config, network.layout.clone(), 1);
        update.conventions = setup.conventions;
        let lanes: Buffer<Lane> = buffers.add("lanes", 1, "");
        let metrics = buffers.add("metrics", 1, "");
        let mut recording = Recording::default();
        update.record(&mut recording, &config, lanes, 1)?;
        metrics::record(
            &mut recording,
            metrics::Params { num_lanes: 1, agents: 1 },
            update.records,
            lanes,
            metrics,
        )?;
        let mut policy_recording = Recording::default();
        let policy =
            PolicyMemory::new(&mut buffers, &mut policy_recording, batches.batch, network.outputs())?;
        let program = device.prepare(&buffers, &recording)?;
        let policy_program = device.also(&policy_recording)?;

        let agent = Agent {
            log_alpha: setup.log_alpha as f32,
            alpha: setup.log_alpha.exp() as f32,
            // The references do not clamp.
            log_alpha_min: -80.0,
            log_alpha_max: 80.0,
            weight_decay: setup.weight_decay as f32,
            ..hyper::agent(&config, 0, actions)
        };
        device.write(update.records, &[agent])?;
        device.write(update.weights, weights)?;
        device.write(update.importance, &vec![1.0; batches.batch])?;
        let actions = network.outputs();
        Ok(Replay { update, batches, network, metrics, program, policy, policy_program, actions })
    }

    /// Updates in the file.
    pub fn steps(&self) -> usize {
        self.batches.steps()
    }

    /// Runs update `step` (from 0). `given` are the sampled next actions, where the case fixes them.
    pub fn run(&self, device: &mut Device<'_>, step: usize, given: Option<&[u32]>) -> Outcome<Step> {
        let (update, batches) = (&self.update, &self.batches);
        let both = [batches.rows_of(&batches.obs, step), batches.rows_of(&batches.next_obs, step)].concat();
        device.write(update.batch_obs, &both)?;
        device.write(update.actions_taken, &batches.pick(&batches.actions, step))?;
        device.write(update.rewards, &batches.pick(&batches.rewards, step))?;
        device.write(update.terminated, &batches.pick(&batches.done, step))?;
        if let Some(given) = given {
            let values: Vec<f32> = given.iter().map(|action| *action as f32).collect();
            device.write(update.values, &values)?;
        }
        let before = self.agent(device)?;
        device.run(self.program)?;
        let after = self.agent(device)?;
        let metrics = device.read(self.metrics)?.first().copied().unwrap_or_default();
        let errors = device.read(update.errors)?;
        let mean = |errors: &[TdError]| {
            (errors.iter().map(|e| f64::from(e.loss)).sum::<f64>() / batches.batch as f64) as f32
        };
        let (first, second) = errors.split_at(batches.batch);
        Ok(Step {
            before,
            after,
            loss: metrics.loss_sum,
            net_loss: [mean(first), mean(second)],
            entropy: metrics.entropy_sum,
        })
    }

    /// Per-sample values of the update that ran last, which was update `step`.
    pub fn samples(&self, device: &mut Device<'_>, step: usize) -> Outcome<Samples> {
        let q = device.read(self.update.q())?;
        let slot = |slot: usize| {
            q[slot * self.batches.batch * self.actions..][..self.batches.batch * self.actions].to_vec()
        };
        Ok(Samples {
            actions: self.batches.pick(&self.batches.actions, step),
            q: [Q_1, Q_2, TARGET_1, TARGET_2].map(slot),
            values: device.read(self.update.values)?,
            targets: device.read(self.update.targets)?,
            entropies: device.read(self.update.entropies)?,
            number_of_actions: self.actions,
        })
    }

    /// The softmax policy over a batch of action values.
    pub fn policy(&self, device: &mut Device<'_>, q: &[f32], alpha: f32) -> Outcome<Policy> {
        self.policy.evaluate(device, self.policy_program, q, alpha)
    }

    /// Parameters of the four networks, in the order of `[online 1, online 2, target 1, target 2]`.
    pub fn weights(&self, device: &mut Device<'_>) -> Outcome<Vec<Vec<f32>>> {
        self.networks(device, self.update.weights)
    }

    /// Gradients of the online networks.
    pub fn grads(&self, device: &mut Device<'_>) -> Outcome<Vec<Vec<f32>>> {
        self.networks(device, self.update.grads)
    }

    /// First moments of the online networks.
    pub fn adam_m(&self, device: &mut Device<'_>) -> Outcome<Vec<Vec<f32>>> {
        self.networks(device, self.update.adam_m)
    }

    /// Second moments of the online networks.
    pub fn adam_v(&self, device: &mut Device<'_>) -> Outcome<Vec<Vec<f32>>> {
        self.networks(device, self.update.adam_v)
    }

    /// The network of the case.
    pub fn network(&self) -> &Network {
        &self.network
    }

    fn networks(&self, device: &mut Device<'_>, buffer: Buffer<f32>) -> Outcome<Vec<Vec<f32>>> {
        Ok(device
            .read(buffer)?
            .chunks_exact(self.network.layout.params as usize)
            .map(<[f32]>::to_vec)
            .collect())
    }

    fn agent(&self, device: &mut Device<'_>) -> Outcome<Agent> {
        match device.read(self.update.records)?.first() {
            Some(agent) => Ok(*agent),
            None => malformed("the agent record is empty"),
        }
    }
}
