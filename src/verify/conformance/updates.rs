//! Replays recorded updates through [`sqn::update`], the engine's own learn step, one batch at a time.
//!
//! DI-engine's and the authors' cases share everything here: a pool of transitions, the rows of each batch, four networks,
//! and the values an update leaves in memory. They differ in names and conventions, which their own files hold.

use crate::agents::hyper;
use crate::agents::learner::Learner;
use crate::agents::sqn;
use crate::config::{Backup, Config};
use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::metrics::{self, Metrics};
use crate::shared::agent::{Agent, Lane, TdError};
use crate::shared::optimizer::Optimizer;
use crate::verify::conformance::batches::Batches;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::learning::{
    Learning, Q_1, Q_2, Samples, Setup, State, Step, TARGET_1, TARGET_2,
};
use crate::verify::conformance::network::Network;
use crate::verify::conformance::policy::{Policy, PolicyMemory};
use crate::verify::conformance::report::{Outcome, malformed};

/// A learn step with its memory, ready for batches.
pub struct Replay<'a, 'd> {
    device: &'a mut Device<'d>,
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

impl<'a, 'd> Replay<'a, 'd> {
    /// Declares the memory, records the update and uploads weights `[4, params]` and the agent.
    pub fn new(
        device: &'a mut Device<'d>,
        setup: &Setup,
        network: &Network,
        batches: &Batches,
        weights: &[f32],
    ) -> Outcome<Replay<'a, 'd>> {
        let (Ok(batch), Ok(_), Ok(actions)) =
            (u32::try_from(batches.batch), u32::try_from(network.inputs()), u32::try_from(network.outputs()))
        else {
            return malformed("sizes beyond 32 bits");
        };
        let config = Config { batch_size: batch, ..setup.config.clone() };
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
        let (batches, network) = (batches.clone(), network.clone());
        Ok(Replay { device, update, values, batches, network, metrics, program, policies })
    }

    fn networks(&mut self, buffer: Buffer<f32>) -> Outcome<Vec<Vec<f32>>> {
        let flat = self.device.read(buffer)?;
        Ok(flat.chunks_exact(self.network.layout.params() as usize).map(<[f32]>::to_vec).collect())
    }
}

fn record_of(device: &mut Device<'_>, records: Buffer<Agent>) -> Outcome<Agent> {
    match device.read(records)?.first() {
        Some(agent) => Ok(*agent),
        None => malformed("the agent record is empty"),
    }
}

impl Learning for Replay<'_, '_> {
    fn network(&self) -> &Network {
        &self.network
    }

    fn steps(&self) -> usize {
        self.batches.steps()
    }

    fn load(&mut self, state: &State) -> Outcome<()> {
        let group = self.update.q.group.clone();
        let agent = Agent {
            log_alpha: state.log_alpha,
            alpha: f64::from(state.log_alpha).exp() as f32,
            alpha_m: state.alpha_m,
            alpha_v: state.alpha_v,
            updates: state.updates,
            ..record_of(self.device, self.update.records)?
        };
        let Some(optimizer) = self.device.read(group.optimizers)?.first().copied() else {
            return malformed("the optimiser's record is empty");
        };
        self.device.write(self.update.records, &[agent])?;
        self.device.write(group.optimizers, &[Optimizer { steps: state.updates, ..optimizer }])?;
        self.device.write(group.weights, &state.weights)?;
        self.device.write(group.adam_m, &state.adam_m)?;
        self.device.write(group.adam_v, &state.adam_v)?;
        Ok(())
    }

    fn run(&mut self, step: usize, given: Option<&[u32]>) -> Outcome<Step> {
        let (update, batches) = (&self.update, &self.batches);
        let gamma = record_of(self.device, self.update.records)?.gamma;
        batches.load(self.device, update, step, gamma)?;
        if let Some(given) = given {
            let Some(buffer) = update.conventions.given_actions else {
                return malformed("sampled actions for a backup that samples none");
            };
            self.device.write(buffer, given)?;
        }
        let before = record_of(self.device, self.update.records)?;
        self.device.run(self.program)?;
        let after = record_of(self.device, self.update.records)?;
        let metrics = self.device.read(self.metrics)?.first().copied().unwrap_or_default();
        let errors = self.device.read(update.errors)?;
        let mean = |values: &mut dyn Iterator<Item = f32>| {
            (values.map(f64::from).sum::<f64>() / batches.batch as f64) as f32
        };
        let column = |errors: &[TdError], head: usize| {
            mean(&mut errors.iter().skip(head).step_by(batches.heads).map(|error| error.loss))
        };
        let per_head = |errors: &[TdError]| (0..batches.heads).map(|head| column(errors, head)).collect();
        let (first, second) = errors.split_at(batches.batch * batches.heads);
        let entropies = self.device.read(update.entropies)?;
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

    fn samples(&mut self, step: usize, head: usize) -> Outcome<Samples> {
        let (batch, heads, width) = (self.batches.batch, self.batches.heads, self.network.outputs());
        let columns = self.network.layout.heads[head];
        let (offset, actions) = (columns.offset as usize, columns.actions as usize);
        let q = self.device.read(self.update.q())?;
        let slot = |slot: usize| -> Vec<f32> {
            let rows = q[slot * batch * width..][..batch * width].chunks_exact(width);
            rows.flat_map(|row| row[offset..][..actions].to_vec()).collect()
        };
        let taken = self.batches.taken(step);
        let mut column = |buffer| -> Outcome<Vec<f32>> {
            Ok(self.device.read(buffer)?.into_iter().skip(head).step_by(heads).collect())
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

    fn policy(&mut self, head: usize, q: &[f32], alpha: f32) -> Outcome<Policy> {
        let (memory, program) = &self.policies[head];
        memory.evaluate(self.device, *program, q, alpha)
    }

    fn weights(&mut self) -> Outcome<Vec<Vec<f32>>> {
        self.networks(self.update.q.group.weights)
    }

    fn grads(&mut self) -> Outcome<Vec<Vec<f32>>> {
        self.networks(self.update.q.group.grads)
    }

    fn adam_m(&mut self) -> Outcome<Vec<Vec<f32>>> {
        self.networks(self.update.q.group.adam_m)
    }

    fn adam_v(&mut self) -> Outcome<Vec<Vec<f32>>> {
        self.networks(self.update.q.group.adam_v)
    }
}
