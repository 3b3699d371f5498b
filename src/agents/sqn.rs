//! Soft Q-Networks (Liu, Zhang, Hao: "Soft Q Network", arXiv 1912.10891v1, Algorithm 1) with clipped twin Qs and a
//! learned temperature.
//!
//! The paper's listing, its figure, the authors' code and DI-engine compute different backups; `Backup` names them, and
//! `docs/algorithms.md` has the table. Networks per agent: `Q_1, Q_2`, then their targets `Q'_1, Q'_2`.

use crate::agents::acting::{Behaviour, Policy, Purpose, Stage, record};
use crate::agents::hyper;
use crate::agents::plan::Plan;
use crate::config::{Backup, Config, Exploration, HiddenActivation, Loss, Temperature, Twin};
use crate::engine::env::Env;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::{Error, Result};
use crate::kernels::{
    Activation, adam, grad_norm, metrics, replay_sample, soft_backup, td_error, temperature,
};
use crate::nn::{Activations, Network, NetworkSpec, Pass};
use crate::shared::agent::{Agent, Lane, TdError};
use crate::shared::rng::{STREAMS, agent_seed};

const NETS: u32 = 4;
const ONLINE_NETS: u32 = 2;

/// The evaluations of one update: which net on which input (0: `s`, 1: `s'`).
const SLOT_NET: [u32; 5] = [0, 1, 2, 3, 0];
const SLOT_INPUT: [u32; 5] = [0, 0, 1, 1, 1];
/// Where `Q'_1(s')` and `Q'_2(s')` are among them.
const TARGET_SLOTS: [u32; 2] = [2, 3];

/// Where other implementations compute something that no setting of a run changes; used to replay their updates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conventions {
    /// Adam adds eps to the uncorrected root of `v` (TensorFlow 1).
    pub eps_inside: bool,
    /// Weight decay is added to the gradient (PyTorch's `Adam`) instead of shrinking the weights (`AdamW`).
    pub l2: bool,
    /// The `sampled` backup takes each action from `values` instead of drawing it.
    pub given_actions: bool,
}

/// Everything one update reads and writes.
pub struct Update {
    /// Deviations from softq's own conventions; none by default.
    pub conventions: Conventions,
    /// Agents.
    pub agents: u32,
    /// Rows per batch.
    pub batch: u32,
    /// Network shape.
    pub net: Network,
    /// The evaluations: 4 slots, or 5 where the backup needs `Q_1(s')`.
    pub pass: Pass,
    /// Weight of every head but the first (whose weight is 1) in loss and temperature; 1 counts all heads alike.
    pub later_head_weight: f32,
    /// Hyperparameters and learner state `[agents]`.
    pub records: Buffer<Agent>,
    /// `[agents, 4, params]`
    pub weights: Buffer<f32>,
    /// `[agents, 2, params]`
    pub grads: Buffer<f32>,
    /// Adam's first moment `[agents, 2, params]`.
    pub adam_m: Buffer<f32>,
    /// Adam's second moment `[agents, 2, params]`.
    pub adam_v: Buffer<f32>,
    /// `[agents, 2 (s, s'), batch, obs]`
    pub batch_obs: Buffer<f32>,
    /// `[agents, batch, heads]`
    pub actions_taken: Buffer<u32>,
    /// `[agents, batch]`
    pub rewards: Buffer<f32>,
    /// `gamma^m (1 - terminated)` `[agents, batch]`
    pub discounts: Buffer<f32>,
    /// Importance weights `[agents, batch]`; ones for uniform replay.
    pub importance: Buffer<f32>,
    /// All tensors of the evaluations `[agents, slots, batch, width]`; the last one holds the action values.
    pub activations: Activations,
    /// Gradients of those tensors `[agents, 2, batch, width]`.
    pub deltas: Vec<Buffer<f32>>,
    /// `y` `[agents, batch, heads]`
    pub targets: Buffer<f32>,
    /// `H(pi(s'))` `[agents, batch, heads]`
    pub entropies: Buffer<f32>,
    /// `V(s')` `[agents, batch, heads]`
    pub values: Buffer<f32>,
    /// `Q_i(s, a) - y` and its loss `[agents, 2, batch, heads]`
    pub errors: Buffer<TdError>,
}

impl Update {
    /// Declares the memory of an update.
    pub fn new(buffers: &mut Buffers, config: &Config, net: Network, agents: u32) -> Update {
        const BATCH: &str = "Lower --batch-size.";
        const HIDDEN: &str = "Use smaller hidden layers.";
        let batch = config.batch_size;
        let slots = match config.backup {
            Backup::ClippedLse | Backup::Sampled => 4,
            Backup::OnlinePolicy | Backup::Max => 5,
        };
        let pass = Pass {
            agents,
            batch,
            nets: NETS,
            slot_net: SLOT_NET[..slots].to_vec(),
            slot_input: SLOT_INPUT[..slots].to_vec(),
            inputs: 2,
        };
        let a = u64::from(agents);
        let rows = a * u64::from(batch);
        let head_rows = rows * net.heads.len() as u64;
        let params = a * u64::from(net.params);
        let online = params * u64::from(ONLINE_NETS);
        let batch_obs = buffers.add("batch_obs", rows * 2 * u64::from(net.tensors[0].width), BATCH);
        let activations = Activations::new(buffers, "activation", &net, &pass, batch_obs, BATCH);
        let deltas = net
            .tensors
            .iter()
            .enumerate()
            .map(|(i, tensor)| {
                // No gradient flows into the observation.
                let width = if i == 0 { 0 } else { u64::from(tensor.width) };
                buffers.add(format!("delta{i}"), rows * u64::from(ONLINE_NETS) * width, BATCH)
            })
            .collect();
        Update {
            conventions: Conventions::default(),
            agents,
            batch,
            pass,
            later_head_weight: 1.0,
            records: buffers.add("agents", a, "Train fewer agents."),
            weights: buffers.add("weights", params * u64::from(NETS), HIDDEN),
            grads: buffers.add("grads", online, HIDDEN),
            adam_m: buffers.add("adam_m", online, HIDDEN),
            adam_v: buffers.add("adam_v", online, HIDDEN),
            batch_obs,
            actions_taken: buffers.add("actions", head_rows, BATCH),
            rewards: buffers.add("rewards", rows, BATCH),
            discounts: buffers.add("discounts", rows, BATCH),
            importance: buffers.add("importance", rows, BATCH),
            activations,
            deltas,
            targets: buffers.add("targets", head_rows, BATCH),
            entropies: buffers.add("entropies", head_rows, BATCH),
            values: buffers.add("values", head_rows, BATCH),
            errors: buffers.add("errors", head_rows * u64::from(ONLINE_NETS), BATCH),
            net,
        }
    }

    /// The action values `[agents, slots, batch, outputs]`.
    pub fn q(&self) -> Buffer<f32> {
        self.activations.outputs()
    }

    /// Algorithm 1, lines 11-16, on the batch that lies in `batch_obs`, `actions_taken`, `rewards`, `discounts`.
    pub fn record(
        &self,
        rec: &mut Recording,
        config: &Config,
        lanes: Buffer<Lane>,
        num_lanes: u32,
    ) -> Result<()> {
        // Q_1(s), Q_2(s), Q'_1(s'), Q'_2(s') and, for some backups, Q_1(s').
        self.pass.forward(rec, &self.net, self.weights, &self.activations)?;
        let heads = self.net.heads.len() as u32;
        let q_stride = self.net.outputs();
        let dq = self.deltas[self.deltas.len() - 1];
        for (head, columns) in (0..).zip(&self.net.heads) {
            // Line 11: V(s'), line 12: y = R + gamma^m (1 - d) V(s').
            let params = soft_backup::Params {
                batch: self.batch,
                actions: columns.actions,
                slots: self.pass.slots(),
                backup: match config.backup {
                    Backup::ClippedLse => 0,
                    Backup::OnlinePolicy => 1,
                    Backup::Sampled => 2,
                    Backup::Max => 3,
                },
                kl: u32::from(config.kl),
                given_actions: u32::from(self.conventions.given_actions),
                target_2: match config.twin {
                    Twin::Min => TARGET_SLOTS[1],
                    Twin::Off => TARGET_SLOTS[0],
                },
                q_stride,
                q_offset: columns.offset,
                heads,
                head,
                stream: Purpose::Train as u32 * STREAMS,
                agents: self.agents,
            };
            soft_backup::record(
                rec,
                params,
                self.records,
                self.q(),
                self.rewards,
                self.discounts,
                self.targets,
                self.entropies,
                self.values,
            )?;
            // Line 13: the loss (Q_i(s, a) - y)^2 of both nets, as a gradient for their outputs.
            let params = td_error::Params {
                batch: self.batch,
                actions: columns.actions,
                slots: self.pass.slots(),
                grad_slots: ONLINE_NETS,
                q_stride,
                q_offset: columns.offset,
                heads,
                head,
                head_weight: if head == 0 { 1.0 } else { self.later_head_weight },
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
        let Update { pass, net, weights, activations, deltas, grads, .. } = self;
        pass.backward(rec, net, *weights, activations, deltas, *grads, ONLINE_NETS, false)?;
        // Line 14: phi_i by one Adam over both nets; line 15: targets move towards them.
        let count = ONLINE_NETS * self.net.params;
        let params = grad_norm::Params { count, agents: self.agents };
        grad_norm::record(rec, params, self.records, self.grads)?;
        let Conventions { eps_inside, l2, .. } = self.conventions;
        let params =
            adam::Params { count, eps_inside: eps_inside.into(), l2: l2.into(), agents: self.agents };
        adam::record(rec, params, self.records, self.grads, self.weights, self.adam_m, self.adam_v)?;
        // Line 16: the temperature; the target above used alpha from before this step.
        let params = temperature::Params {
            batch: self.batch,
            grad_slots: ONLINE_NETS,
            heads,
            later_head_weight: self.later_head_weight,
            num_lanes,
            mode: match config.temperature {
                Temperature::Fixed => 0,
                Temperature::Learned => 1,
                Temperature::LearnedExp => 2,
                Temperature::Schedule => 3,
            },
            agents: self.agents,
        };
        temperature::record(rec, params, self.records, lanes, self.entropies, self.targets, self.errors)
    }
}

/// The training program of SQN.
pub fn plan(config: &Config, env: &'static Env) -> Result<Plan> {
    let heads = env.actions.heads();
    // With several heads, ln|A| of the target entropy is that of the smallest.
    let smallest = heads.iter().copied().min().unwrap_or(0);
    if smallest == 0 {
        return Err(Error::invalid(
            "env",
            &env.id,
            "an environment with discrete actions for --algo sqn",
            format!("Its action space is {}; `softq envs` lists those with discrete actions.", env.actions),
        ));
    }
    config.validate(smallest)?;
    let agents = 1;
    let num_envs = config.num_envs;
    let activation = match config.activation {
        HiddenActivation::Relu => Activation::Relu,
        HiddenActivation::Tanh => Activation::Tanh,
    };
    let spec = NetworkSpec {
        layer_norm: config.layer_norm,
        dueling: config.dueling,
        head_hidden: if config.dueling { config.hidden.last().copied() } else { None },
        heads: heads.clone(),
        ..NetworkSpec::mlp(env.obs_size, &config.hidden, smallest, activation)
    };
    let net = Network::new(&spec);
    let mut buffers = Buffers::default();
    let seed = agent_seed(config.seed, 0);
    let update = Update::new(&mut buffers, config, net.clone(), agents);

    // Replay D: a ring whose rows are whole vector steps.
    let capacity = config.buffer_size.div_ceil(num_envs) * num_envs;
    let words =
        u64::from(agents) * u64::from(capacity) * (2 * u64::from(env.obs_size) + heads.len() as u64 + 2);
    let replay: Buffer<f32> = buffers.add("replay", words, "Lower --buffer-size.");
    let unused: Buffer<f32> = buffers.add("no_replay", 1, "");

    // Lines 5-8: act from softmax(Q_1 / alpha), step, store.
    let policy = Policy { agents: update.records, weights: update.weights, count: agents };
    let stage = Stage::new(&mut buffers, "env", env, &net, (agents, NETS), num_envs, "Lower --num-envs.");
    let warm_up = config.learning_starts.div_ceil(u64::from(num_envs)).min(u64::from(u32::MAX)) as u32;
    let behaviour = Behaviour {
        purpose: Purpose::Train,
        greedy: config.exploration == Exploration::Greedy,
        explore: Some(warm_up),
        replay,
        capacity,
    };
    let train = record(env, &net, policy, &stage, behaviour)?;

    // Line 10: a batch from D; lines 11-16: the update.
    let mut learn = Recording::default();
    let params = replay_sample::Params {
        batch: config.batch_size,
        obs_size: env.obs_size,
        heads: heads.len() as u32,
        capacity,
        num_lanes: num_envs,
        n_step: 1,
        inputs: 2,
        given_starts: 0,
        stream: Purpose::Train as u32 * STREAMS,
        agents,
    };
    replay_sample::record(
        &mut learn,
        params,
        update.records,
        stage.lanes(),
        replay,
        update.batch_obs,
        update.actions_taken,
        update.rewards,
        update.discounts,
    )?;
    update.record(&mut learn, config, stage.lanes(), num_envs)?;

    let metrics_out = buffers.add("metrics", u64::from(agents), "");
    let mut statistics = Recording::default();
    let params = metrics::Params { num_lanes: num_envs, agents };
    metrics::record(&mut statistics, params, update.records, stage.lanes(), metrics_out)?;

    let eval_stage = Stage::new(
        &mut buffers,
        "eval",
        env,
        &net,
        (agents, NETS),
        config.eval_episodes,
        "Lower --eval-episodes.",
    );
    let evaluation = |purpose| {
        let greedy = purpose != Purpose::FinalSoftmax;
        let behaviour = Behaviour { purpose, greedy, explore: None, replay: unused, capacity: 0 };
        record(env, &net, policy, &eval_stage, behaviour)
    };
    let evaluations = [
        evaluation(Purpose::Evaluate)?,
        evaluation(Purpose::Confirm)?,
        evaluation(Purpose::FinalGreedy)?,
        evaluation(Purpose::FinalSoftmax)?,
    ];

    // Line 1-2: random Q_1, Q_2; targets start as copies.
    let online: Vec<f32> =
        (0..2).flat_map(|i| net.init(config.seed.wrapping_mul(2).wrapping_add(i))).collect();
    let weights = [online.clone(), online].concat();
    let ones = vec![1.0f32; config.batch_size as usize];
    let records = [hyper::agent(config, 0, smallest)];
    let mut init = vec![
        (update.records.id, bytemuck::cast_slice(&records).to_vec()),
        (update.weights.id, bytemuck::cast_slice(&weights).to_vec()),
        (update.importance.id, bytemuck::cast_slice(&ones).to_vec()),
    ];
    for stage in [&stage, &eval_stage] {
        init.push(stage.lane_params(env, seed));
    }
    Ok(Plan {
        buffers,
        init,
        net,
        net_names: &["q0", "q1", "target_q0", "target_q1"],
        weights: update.weights,
        agents: update.records,
        reset: train.reset,
        act: train.act,
        learn,
        metrics: statistics,
        metrics_out,
        evaluations,
    })
}
