//! Replays recorded updates through [`sqn::update`], the engine's own learn step, one batch at a time.
//!
//! DI-engine's and the authors' cases share everything here: a pool of transitions, the rows of each batch, four networks,
//! and the values an update leaves in memory. They differ in names and conventions, which their own files hold.

use crate::agents::hyper;
use crate::agents::learner::{Conventions, Learner};
use crate::agents::sqn;
use crate::config::{Backup, Config};
use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::metrics::{self, Metrics};
use crate::shared::agent::{Agent, Lane, TdError};
use crate::shared::optimizer::Optimizer;
use crate::verify::conformance::case::Case;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::network::Network;
use crate::verify::conformance::policy::{Policy, PolicyMemory};
use crate::verify::conformance::report::{Outcome, malformed};

/// Slots of [`Learner::q`].
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
    /// One per head and transition.
    actions: Vec<u32>,
    heads: usize,
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
        let heads = &network.layout.heads;
        let limit = heads.iter().map(|head| head.actions as usize).max().unwrap_or(0);
        let actions = case.indices("pool.action", limit)?;
        if actions.len() != size * heads.len() {
            return malformed(format!(
                "'pool.action' has {} values for {size} transitions and {} heads",
                actions.len(),
                heads.len()
            ));
        }
        let mut columns = actions.iter().zip(heads.iter().cycle());
        if let Some((action, head)) = columns.find(|(action, head)| **action >= head.actions) {
            return malformed(format!("'pool.action' holds {action} for a head of {} actions", head.actions));
        }
        Ok(Batches {
            obs: case.f32_of("pool.obs", &[size, obs_size])?.to_vec(),
            next_obs: case.f32_of("pool.next_obs", &[size, obs_size])?.to_vec(),
            actions,
            heads: heads.len(),
            rewards: case.f32_of("pool.reward", &[size])?.to_vec(),
            done: case.f32_of("pool.done", &[size])?.to_vec(),
            obs_size,
            rows: rows.chunks_exact(batch).map(<[u32]>::to_vec).collect(),
            batch,
        })
    }

    /// Reads the batches of updates that stand each for itself, `update{k}.batch.*`.
    pub fn forced(case: &Case, network: &Network, updates: &[u32]) -> Outcome<Batches> {
        let (obs_size, heads) = (network.inputs(), &network.layout.heads);
        let limit = heads.iter().map(|head| head.actions as usize).max().unwrap_or(0);
        let Some(first) = updates.first() else { return malformed("there are no updates") };
        let batch = case.matrix(&format!("update{first}.batch.obs"))?[0];
        let mut batches = Batches {
            obs: Vec::new(),
            next_obs: Vec::new(),
            actions: Vec::new(),
            heads: heads.len(),
            rewards: Vec::new(),
            done: Vec::new(),
            obs_size,
            rows: Vec::new(),
            batch,
        };
        for (index, update) in updates.iter().enumerate() {
            let name = |part: &str| format!("update{update}.batch.{part}");
            batches.obs.extend(case.f32_of(&name("obs"), &[batch, obs_size])?);
            batches.next_obs.extend(case.f32_of(&name("next_obs"), &[batch, obs_size])?);
            batches.rewards.extend(case.f32_of(&name("reward"), &[batch])?);
            batches.done.extend(case.f32_of(&name("done"), &[batch])?);
            let actions = case.indices(&name("action"), limit)?;
            let mut columns = actions.iter().zip(heads.iter().cycle());
            if actions.len() != batch * heads.len() || columns.any(|(action, head)| *action >= head.actions) {
                return malformed(format!("'{}' does not fit the network's heads", name("action")));
            }
            batches.actions.extend(actions);
            batches.rows.push((index * batch..(index + 1) * batch).map(|row| row as u32).collect());
        }
        Ok(batches)
    }

    /// Number of updates.
    pub fn steps(&self) -> usize {
        self.rows.len()
    }

    /// Bootstraps through terminal transitions.
    pub fn ignore_done(&mut self) {
        self.done.fill(0.0);
    }

    fn rows_of<T: Copy>(&self, table: &[T], width: usize, step: usize) -> Vec<T> {
        let row = |index: &u32| &table[*index as usize * width..][..width];
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
    /// `V(s')` of the update that ran last.
    values: Buffer<f32>,
    update: Learner,
    batches: Batches,
    network: Network,
    metrics: Buffer<Metrics>,
    program: Program,
    /// One policy per head.
    policies: Vec<(PolicyMemory, Program)>,
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

/// Everything that an update starts from.
pub struct State {
    /// Weights `[4, params]`.
    pub weights: Vec<f32>,
    /// Adam's first moments `[2, params]`.
    pub adam_m: Vec<f32>,
    /// Adam's second moments `[2, params]`.
    pub adam_v: Vec<f32>,
    /// `ln alpha`
    pub log_alpha: f32,
    /// Its first moment.
    pub alpha_m: f32,
    /// Its second moment.
    pub alpha_v: f32,
    /// Updates done.
    pub updates: u32,
}

/// What one update left in memory.
pub struct Step {
    /// The agent before the update.
    pub before: Agent,
    /// The agent after it.
    pub after: Agent,
    /// Mean loss of both nets, weighted over heads.
    pub loss: f32,
    /// Mean loss of each online net, per head.
    pub net_losses: [Vec<f32>; 2],
    /// Mean entropy per head.
    pub entropies: Vec<f32>,
}

/// Per-sample values of one update, for one head.
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
        let networks = sqn::networks(&config, &network.layout);
        let mut update = Learner::new(&mut buffers, batch, &networks, &[], 1);
        update.conventions = setup.conventions;
        if config.backup == Backup::Sampled {
            // The file says which actions were drawn.
            update.conventions.given_actions = Some(buffers.add("given", update.batch.actions.len, ""));
        }
        let lanes: Buffer<Lane> = buffers.add("lanes", 1, "");
        let metrics = buffers.add("metrics", 1, "");
        let mut recording = Recording::default();
        // V(s') is the target of no reward and a discount of 1.
        let [values, ones] =
            [update.targets.len, update.batch.discounts.len].map(|len| buffers.add("", len, ""));
        let returns = [buffers.add("no_rewards", update.batch.rewards.len, ""), ones];
        update.evaluate(&mut recording)?;
        update.backup_of(&mut recording, &sqn::bootstrap(&config), returns, [values, update.entropies])?;
        sqn::update(&mut recording, &config, &update, lanes, 1)?;
        metrics::record(
            &mut recording,
            metrics::Params { num_lanes: 1, agents: 1 },
            update.records,
            lanes,
            metrics,
        )?;
        let mut policies = Vec::new();
        for head in &network.layout.heads {
            let mut recording = Recording::default();
            let actions = head.actions as usize;
            policies
                .push((PolicyMemory::new(&mut buffers, &mut recording, batches.batch, actions)?, recording));
        }
        let program = device.prepare(&buffers, &recording)?;
        let policies = policies
            .into_iter()
            .map(|(memory, recording)| Ok((memory, device.also(&recording)?)))
            .collect::<Outcome<Vec<_>>>()?;

        let agent = Agent {
            log_alpha: setup.log_alpha as f32,
            alpha: setup.log_alpha.exp() as f32,
            // The references do not clamp.
            log_alpha_min: -80.0,
            log_alpha_max: 80.0,
            ..hyper::agent(&config, actions)
        };
        let weight_decay = setup.weight_decay as f32;
        let optimizer = Optimizer { weight_decay, ..hyper::optimizer(&config) };
        device.write(update.q.group.optimizers, &[optimizer])?;
        device.write(update.records, &[agent])?;
        device.write(update.q.group.weights, weights)?;
        device.write(update.batch.importance, &vec![1.0; batches.batch])?;
        device.write(ones, &vec![1.0; ones.len as usize])?;
        Ok(Replay { update, values, batches, network, metrics, program, policies })
    }

    /// Updates in the file.
    pub fn steps(&self) -> usize {
        self.batches.steps()
    }

    /// Puts everything that learning changes into a recorded state.
    pub fn load(&self, device: &mut Device<'_>, state: &State) -> Outcome<()> {
        let group = &self.update.q.group;
        let agent = Agent {
            log_alpha: state.log_alpha,
            alpha: f64::from(state.log_alpha).exp() as f32,
            alpha_m: state.alpha_m,
            alpha_v: state.alpha_v,
            updates: state.updates,
            ..self.agent(device)?
        };
        let Some(optimizer) = device.read(group.optimizers)?.first().copied() else {
            return malformed("the optimiser's record is empty");
        };
        device.write(self.update.records, &[agent])?;
        device.write(group.optimizers, &[Optimizer { steps: state.updates, ..optimizer }])?;
        device.write(group.weights, &state.weights)?;
        device.write(group.adam_m, &state.adam_m)?;
        device.write(group.adam_v, &state.adam_v)?;
        Ok(())
    }

    /// Runs update `step` (from 0). `given` are the sampled next actions, where the case fixes them.
    pub fn run(&self, device: &mut Device<'_>, step: usize, given: Option<&[u32]>) -> Outcome<Step> {
        let (update, batches) = (&self.update, &self.batches);
        let both = [
            batches.rows_of(&batches.obs, batches.obs_size, step),
            batches.rows_of(&batches.next_obs, batches.obs_size, step),
        ]
        .concat();
        device.write(update.batch.obs, &both)?;
        device.write(update.batch.actions, &batches.rows_of(&batches.actions, batches.heads, step))?;
        device.write(update.batch.rewards, &batches.pick(&batches.rewards, step))?;
        let gamma = self.agent(device)?.gamma;
        let goes_on = batches.pick(&batches.done, step).into_iter().map(|done| gamma * (1.0 - done));
        device.write(update.batch.discounts, &goes_on.collect::<Vec<f32>>())?;
        if let Some(given) = given {
            let Some(buffer) = update.conventions.given_actions else {
                return malformed("sampled actions for a backup that samples none");
            };
            device.write(buffer, given)?;
        }
        let before = self.agent(device)?;
        device.run(self.program)?;
        let after = self.agent(device)?;
        let metrics = device.read(self.metrics)?.first().copied().unwrap_or_default();
        let errors = device.read(update.errors)?;
        let mean = |values: &mut dyn Iterator<Item = f32>| {
            (values.map(f64::from).sum::<f64>() / batches.batch as f64) as f32
        };
        let column = |errors: &[TdError], head: usize| {
            mean(&mut errors.iter().skip(head).step_by(batches.heads).map(|error| error.loss))
        };
        let per_head = |errors: &[TdError]| (0..batches.heads).map(|head| column(errors, head)).collect();
        let (first, second) = errors.split_at(batches.batch * batches.heads);
        let entropies = device.read(update.entropies)?;
        let entropy = |head| mean(&mut entropies.iter().skip(head).step_by(batches.heads).copied());
        Ok(Step {
            before,
            after,
            loss: metrics.loss_sum,
            net_losses: [per_head(first), per_head(second)],
            entropies: match batches.heads {
                // With one head the engine's own mean is compared.
                1 => vec![metrics.entropy_sum],
                heads => (0..heads).map(entropy).collect(),
            },
        })
    }

    /// Per-sample values of one head in the update that ran last, which was update `step`.
    pub fn samples(&self, device: &mut Device<'_>, step: usize, head: usize) -> Outcome<Samples> {
        let (batch, heads, width) = (self.batches.batch, self.batches.heads, self.network.outputs());
        let columns = self.network.layout.heads[head];
        let (offset, actions) = (columns.offset as usize, columns.actions as usize);
        let q = device.read(self.update.q())?;
        let slot = |slot: usize| -> Vec<f32> {
            let rows = q[slot * batch * width..][..batch * width].chunks_exact(width);
            rows.flat_map(|row| row[offset..][..actions].to_vec()).collect()
        };
        let taken = self.batches.rows_of(&self.batches.actions, heads, step);
        let mut column = |buffer| -> Outcome<Vec<f32>> {
            Ok(device.read(buffer)?.into_iter().skip(head).step_by(heads).collect())
        };
        Ok(Samples {
            actions: taken.into_iter().skip(head).step_by(heads).collect(),
            q: [Q_1, Q_2, TARGET_1, TARGET_2].map(slot),
            values: column(self.values)?,
            targets: column(self.update.targets)?,
            entropies: column(self.update.entropies)?,
            number_of_actions: actions,
        })
    }

    /// Heads of the network.
    pub fn heads(&self) -> usize {
        self.batches.heads
    }

    /// The softmax policy over a batch of one head's action values.
    pub fn policy(&self, device: &mut Device<'_>, head: usize, q: &[f32], alpha: f32) -> Outcome<Policy> {
        let (memory, program) = &self.policies[head];
        memory.evaluate(device, *program, q, alpha)
    }

    /// Parameters of the four networks, in the order of `[online 1, online 2, target 1, target 2]`.
    pub fn weights(&self, device: &mut Device<'_>) -> Outcome<Vec<Vec<f32>>> {
        self.networks(device, self.update.q.group.weights)
    }

    /// Gradients of the online networks.
    pub fn grads(&self, device: &mut Device<'_>) -> Outcome<Vec<Vec<f32>>> {
        self.networks(device, self.update.q.group.grads)
    }

    /// First moments of the online networks.
    pub fn adam_m(&self, device: &mut Device<'_>) -> Outcome<Vec<Vec<f32>>> {
        self.networks(device, self.update.q.group.adam_m)
    }

    /// Second moments of the online networks.
    pub fn adam_v(&self, device: &mut Device<'_>) -> Outcome<Vec<Vec<f32>>> {
        self.networks(device, self.update.q.group.adam_v)
    }

    /// The network of the case.
    pub fn network(&self) -> &Network {
        &self.network
    }

    fn networks(&self, device: &mut Device<'_>, buffer: Buffer<f32>) -> Outcome<Vec<Vec<f32>>> {
        Ok(device
            .read(buffer)?
            .chunks_exact(self.network.layout.params() as usize)
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
