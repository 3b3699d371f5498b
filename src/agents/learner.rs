//! What every algorithm of the Q family shares: the memory of an update and the steps that are the same in all of them.
//!
//! Networks per agent: the online ones `Q_1 (, Q_2)`, then as many targets `Q'_1 (, Q'_2)`. An algorithm evaluates some of
//! them ([`Learner::evaluate`]), computes its targets `y` with a backup of its own, and hands the rest back: the TD error
//! ([`Learner::td_error`]), the gradient step with the targets' averaging ([`Learner::improve`]) and the end of the update
//! ([`Learner::finish`]).

use crate::config::{Config, Loss, Temperature};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::kernels::{adam, grad_norm, priority_update, td_error, temperature};
use crate::nn::{Activations, Network, Pass};
use crate::shared::agent::{Agent, Lane, TdError};

/// Where other implementations compute something that no setting of a run changes; used to replay their updates.
#[derive(Clone, Copy, Debug)]
pub struct Conventions {
    /// Adam adds eps to the uncorrected root of `v` (TensorFlow 1).
    pub eps_inside: bool,
    /// Weight decay is added to the gradient (PyTorch's `Adam`) instead of shrinking the weights (`AdamW`).
    pub l2: bool,
    /// The `sampled` backup takes each action from `values` instead of drawing it.
    pub given_actions: bool,
    /// Weight of every head but the first (whose weight is 1) in loss and temperature; 1 counts all heads alike.
    pub later_head_weight: f32,
}

impl Default for Conventions {
    fn default() -> Self {
        Conventions { eps_inside: false, l2: false, given_actions: false, later_head_weight: 1.0 }
    }
}

/// Which networks an algorithm has and which of them one update evaluates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluations {
    /// Online networks, 1 or 2; as many targets follow them.
    pub online: u32,
    /// States of a window between its first and its last that are evaluated too: inputs 2 and on.
    pub between: u32,
    /// Net and input (0: `s`, 1: `s'`) of each evaluation. The first `online` ones are the online nets at `s`, in order: the
    /// gradient flows through them.
    pub slots: Vec<(u32, u32)>,
}

impl Evaluations {
    /// Networks per agent.
    pub fn nets(&self) -> u32 {
        2 * self.online
    }

    /// Observations per row of a batch.
    pub fn inputs(&self) -> u32 {
        2 + self.between
    }
}

/// Priorities of the transitions in the ring.
#[derive(Clone, Copy)]
pub struct Priorities {
    /// `[agents, tree_len(capacity)]`
    pub tree: Buffer<f32>,
    /// Ring rows of the batch `[agents, batch]`.
    pub indices: Buffer<u32>,
    /// Transitions per agent.
    pub capacity: u32,
}

/// Everything one update reads and writes.
pub struct Learner {
    /// Deviations from softq's own conventions; none by default.
    pub conventions: Conventions,
    /// Agents.
    pub agents: u32,
    /// Rows per batch.
    pub batch: u32,
    /// Online networks.
    pub online: u32,
    /// Network shape.
    pub net: Network,
    /// The evaluations.
    pub pass: Pass,
    /// Hyperparameters and learner state `[agents]`.
    pub records: Buffer<Agent>,
    /// `[agents, nets, params]`
    pub weights: Buffer<f32>,
    /// `[agents, online, params]`
    pub grads: Buffer<f32>,
    /// Adam's first moment `[agents, online, params]`.
    pub adam_m: Buffer<f32>,
    /// Adam's second moment `[agents, online, params]`.
    pub adam_v: Buffer<f32>,
    /// `s_t`, `s_{t+m}`, then the states between that are evaluated `[agents, inputs, batch, obs]`
    pub batch_obs: Buffer<f32>,
    /// `[agents, batch, heads]`
    pub actions_taken: Buffer<u32>,
    /// `[agents, batch]`
    pub rewards: Buffer<f32>,
    /// `gamma^m (1 - terminated)`, then the factors of the states between `[1 + between, agents, batch]`
    pub discounts: Buffer<f32>,
    /// Importance weights `[agents, batch]`; ones for uniform replay.
    pub importance: Buffer<f32>,
    /// Where prioritized replay keeps its priorities; `None` for uniform replay.
    pub priorities: Option<Priorities>,
    /// All tensors of the evaluations `[agents, slots, batch, width]`; the last one holds the action values.
    pub activations: Activations,
    /// Gradients of those tensors `[agents, online, batch, width]`.
    pub deltas: Vec<Buffer<f32>>,
    /// `y` `[agents, batch, heads]`
    pub targets: Buffer<f32>,
    /// `H(pi(s'))` `[agents, batch, heads]`
    pub entropies: Buffer<f32>,
    /// `V(s')` `[agents, batch, heads]`
    pub values: Buffer<f32>,
    /// `Q_i(s, a) - y` and its loss `[agents, online, batch, heads]`
    pub errors: Buffer<TdError>,
}

impl Learner {
    /// Declares the memory of an update.
    pub fn new(
        buffers: &mut Buffers,
        batch: u32,
        net: Network,
        agents: u32,
        evaluations: &Evaluations,
    ) -> Learner {
        const BATCH: &str = "Lower --batch-size.";
        const HIDDEN: &str = "Use smaller hidden layers.";
        let online = evaluations.online;
        let pass = Pass {
            agents,
            batch,
            nets: evaluations.nets(),
            slot_net: evaluations.slots.iter().map(|slot| slot.0).collect(),
            slot_input: evaluations.slots.iter().map(|slot| slot.1).collect(),
            inputs: evaluations.inputs(),
            gradients: online,
        };
        let a = u64::from(agents);
        let rows = a * u64::from(batch);
        let head_rows = rows * net.heads.len() as u64;
        let params = a * u64::from(net.params);
        let online_params = params * u64::from(online);
        let batch_obs = buffers.add(
            "batch_obs",
            rows * u64::from(evaluations.inputs()) * u64::from(net.tensors[0].width),
            BATCH,
        );
        let activations = Activations::new(buffers, "activation", &net, &pass, batch_obs, BATCH);
        let deltas = pass.deltas(buffers, &net, BATCH);
        Learner {
            conventions: Conventions::default(),
            agents,
            batch,
            online,
            records: buffers.add("agents", a, "Train fewer agents."),
            weights: buffers.add("weights", params * u64::from(evaluations.nets()), HIDDEN),
            grads: buffers.add("grads", online_params, HIDDEN),
            adam_m: buffers.add("adam_m", online_params, HIDDEN),
            adam_v: buffers.add("adam_v", online_params, HIDDEN),
            batch_obs,
            actions_taken: buffers.add("actions", head_rows, BATCH),
            rewards: buffers.add("rewards", rows, BATCH),
            discounts: buffers.add("discounts", rows * u64::from(1 + evaluations.between), BATCH),
            importance: buffers.add("importance", rows, BATCH),
            priorities: None,
            activations,
            deltas,
            targets: buffers.add("targets", head_rows, BATCH),
            entropies: buffers.add("entropies", head_rows, BATCH),
            values: buffers.add("values", head_rows, BATCH),
            errors: buffers.add("errors", head_rows * u64::from(online), BATCH),
            pass,
            net,
        }
    }

    /// The action values `[agents, slots, batch, outputs]`.
    pub fn q(&self) -> Buffer<f32> {
        self.activations.outputs()
    }

    /// Runs the evaluations on `batch_obs`.
    pub fn evaluate(&self, rec: &mut Recording) -> Result<()> {
        self.pass.forward(rec, &self.net, self.weights, &self.activations)
    }

    /// The loss of `Q_i(s, a) - y` for every online net, and its gradient for their outputs, head by head.
    pub fn td_error(&self, rec: &mut Recording, config: &Config) -> Result<()> {
        self.td_error_within(rec, config, [0.0, f32::MAX])
    }

    /// The same with importance weights clipped to `[least, largest]`.
    pub fn td_error_within(
        &self,
        rec: &mut Recording,
        config: &Config,
        [least_weight, largest_weight]: [f32; 2],
    ) -> Result<()> {
        let dq = self.deltas[self.deltas.len() - 1];
        for (head, columns) in (0..).zip(&self.net.heads) {
            let params = td_error::Params {
                batch: self.batch,
                actions: columns.actions,
                slots: self.pass.slots(),
                grad_slots: self.online,
                q_stride: self.net.outputs(),
                q_offset: columns.offset,
                heads: self.net.heads.len() as u32,
                head,
                head_weight: if head == 0 { 1.0 } else { self.conventions.later_head_weight },
                least_weight,
                largest_weight,
                loss: match config.loss {
                    Loss::Mse => 0,
                    Loss::HalfMse => 1,
                    Loss::Huber => 2,
                },
                agents: self.agents,
            };
            td_error::record(
                rec,
                params,
                self.records,
                self.q(),
                self.actions_taken,
                self.targets,
                self.importance,
                dq,
                self.errors,
            )?;
        }
        Ok(())
    }

    /// One Adam over all online nets with the gradient of the TD error, and the targets' step towards them.
    pub fn improve(&self, rec: &mut Recording) -> Result<()> {
        let Learner { pass, net, weights, activations, deltas, grads, .. } = self;
        pass.backward(rec, net, *weights, activations, deltas, *grads, self.online, false)?;
        let count = self.online * self.net.params;
        let params = grad_norm::Params { count, agents: self.agents };
        grad_norm::record(rec, params, self.records, self.grads)?;
        let Conventions { eps_inside, l2, .. } = self.conventions;
        let params =
            adam::Params { count, eps_inside: eps_inside.into(), l2: l2.into(), agents: self.agents };
        adam::record(rec, params, self.records, self.grads, self.weights, self.adam_m, self.adam_v)
    }

    /// Ends the update: statistics, counters, priorities and, where `temperature` says so, a step of `log_alpha`.
    pub fn finish(
        &self,
        rec: &mut Recording,
        temperature: Temperature,
        lanes: Buffer<Lane>,
        num_lanes: u32,
    ) -> Result<()> {
        let params = temperature::Params {
            batch: self.batch,
            grad_slots: self.online,
            heads: self.net.heads.len() as u32,
            later_head_weight: self.conventions.later_head_weight,
            num_lanes,
            mode: match temperature {
                Temperature::Fixed | Temperature::PerState => 0,
                Temperature::Learned => 1,
                Temperature::LearnedExp => 2,
                Temperature::Schedule => 3,
            },
            agents: self.agents,
        };
        temperature::record(rec, params, self.records, lanes, self.entropies, self.targets, self.errors)?;
        let Some(Priorities { tree, indices, capacity }) = self.priorities else { return Ok(()) };
        let params = priority_update::Params {
            batch: self.batch,
            grad_slots: self.online,
            heads: self.net.heads.len() as u32,
            capacity,
            agents: self.agents,
        };
        priority_update::record(rec, params, self.records, self.errors, indices, tree)
    }
}
