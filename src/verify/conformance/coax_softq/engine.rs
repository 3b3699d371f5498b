//! The engine's `soft_q` on recorded batches.

use super::{Coax, File, Left, State};
use crate::agents::hyper;
use crate::agents::learner::Learner;
use crate::agents::soft_q;
use crate::config::Loss;
use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::metrics::{self, Metrics};
use crate::nn::{Evaluations, Inputs};
use crate::shared::agent::{Agent, Lane};
use crate::verify::conformance::device::Device;
use crate::verify::conformance::report::{Outcome, malformed};

/// The update with its memory.
pub struct Replay<'a, 'd> {
    device: &'a mut Device<'d>,
    file: &'a File<'a>,
    learner: Learner,
    metrics: Buffer<Metrics>,
    /// The target network at `s`, of which coax reports an error, though no update uses it.
    target_at_s: Evaluations,
    program: Program,
}

impl<'a, 'd> Replay<'a, 'd> {
    /// Declares the memory, records the update and uploads the weights, online before target.
    pub fn new(device: &'a mut Device<'d>, file: &'a File<'a>) -> Outcome<Replay<'a, 'd>> {
        let File { network, config, weights, .. } = file;
        let mut buffers = Buffers::default();
        let networks = soft_q::networks(config, &network.layout);
        let learner = Learner::new(&mut buffers, config.batch_size, &networks, &[], 1);
        let lanes: Buffer<Lane> = buffers.add("lanes", 1, "");
        let metrics = buffers.add("metrics", 1, "");
        let bootstrap = networks.slots[1].0;
        let inputs =
            Inputs { values: learner.batch.obs, count: learner.batch.inputs, batch: learner.batch.rows };
        let group = &learner.q.group;
        let target_at_s =
            Evaluations::new(&mut buffers, "target_at_s_", group, inputs, &[(bootstrap, 0)], 0, "");
        let mut recording = Recording::default();
        target_at_s.forward(&mut recording)?;
        soft_q::update(&mut recording, config, &learner, lanes, 1)?;
        let params = metrics::Params { num_lanes: 1, agents: 1 };
        metrics::record(&mut recording, params, learner.records, lanes, metrics)?;
        let program = device.prepare(&buffers, &recording)?;
        let Ok(actions) = u32::try_from(network.outputs()) else { return malformed("sizes beyond 32 bits") };
        let agent = Agent {
            // coax does not clamp.
            log_alpha_min: -80.0,
            log_alpha_max: 80.0,
            ..hyper::agent(config, actions)
        };
        device.write(learner.records, &[agent])?;
        device.write(learner.q.group.optimizers, &[hyper::optimizer(config)])?;
        device.write(learner.q.group.weights, weights)?;
        Ok(Replay { device, file, learner, metrics, target_at_s, program })
    }

    fn load(&mut self, rows: &[u32]) -> Outcome<()> {
        let (pool, device) = (&self.file.pool, &mut *self.device);
        let states = |table: &[f32]| -> Vec<f32> {
            rows.iter().flat_map(|row| table[*row as usize * pool.width..][..pool.width].to_vec()).collect()
        };
        let column = |table: &[f32]| -> Vec<f32> { rows.iter().map(|row| table[*row as usize]).collect() };
        let learner = &self.learner;
        device.write(learner.batch.obs, &[states(&pool.obs), states(&pool.next_obs)].concat())?;
        let actions: Vec<u32> = rows.iter().map(|row| pool.actions[*row as usize]).collect();
        device.write(learner.batch.actions, &actions)?;
        device.write(learner.batch.rewards, &column(&pool.returns))?;
        device.write(learner.batch.discounts, &column(&pool.factors))?;
        Ok(device.write(learner.batch.importance, &column(&pool.weights))?)
    }
}

impl Coax for Replay<'_, '_> {
    fn run(&mut self, _: usize, rows: &[u32]) -> Outcome<Left> {
        self.load(rows)?;
        self.device.run(self.program)?;
        let (learner, device, config) = (&self.learner, &mut *self.device, &self.file.config);
        let actions = self.file.network.outputs();
        let group = &learner.q.group;
        let batch = learner.batch.rows as usize;
        let q = device.read(learner.q())?[..batch * actions].to_vec();
        let target = device.read(self.target_at_s.outputs())?;
        let taken = device.read(learner.batch.actions)?;
        let weights = device.read(learner.batch.importance)?;
        let delta = config.huber_delta as f32;
        let clip = |error: f32| match config.loss {
            Loss::Huber => error.clamp(-delta, delta),
            _ => error,
        };
        let at = |row: usize| row * actions + taken[row] as usize;
        let errors = device.read(learner.errors)?;
        let Some(dq) = learner.q.output_deltas() else { return malformed("no gradient flows") };
        let dq = device.read(dq)?;
        let (Some(metrics), Some(optimizer)) =
            (device.read(self.metrics)?.first().copied(), device.read(group.optimizers)?.first().copied())
        else {
            return malformed("the agent record is empty");
        };
        Ok(Left {
            targets: device.read(learner.targets)?,
            td_errors: errors.iter().map(|error| clip(-error.error)).collect(),
            gradients: (0..batch).map(|row| dq[at(row)]).collect(),
            to_target: (0..batch)
                .map(|row| weights[row].clamp(0.1, 10.0) * clip(q[at(row)] - target[at(row)]))
                .collect(),
            q,
            loss: metrics.loss_sum,
            grads: device.read(group.grads)?,
            norm: optimizer.grad_norm,
        })
    }

    fn state(&mut self) -> Outcome<State> {
        let group = &self.learner.q.group;
        let weights = self.device.read(group.weights)?;
        let (online, target) = weights.split_at(group.spec.net.params() as usize);
        Ok(State {
            online: online.to_vec(),
            target: target.to_vec(),
            adam_m: self.device.read(group.adam_m)?,
            adam_v: self.device.read(group.adam_v)?,
        })
    }
}
