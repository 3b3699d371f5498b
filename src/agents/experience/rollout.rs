//! A rollout: the last T steps of every environment, which on-policy methods learn from once and leave. `act_step` writes them
//! into a ring of T vector steps; one pass computes their lambda returns, and shuffled minibatches are gathered from both.

use crate::agents::experience::{Batch, Ring};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::kernels::{lambda_returns, rollout_batch, rollout_states};
use crate::nn::{Evaluations, Group, Inputs};
use crate::shared::agent::{Agent, Lane};
use crate::shared::lambda_return::LambdaReturn;

/// Which value the returns are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Values {
    /// The largest action value, in place of the soft one.
    pub hard: bool,
    /// `alpha H` is part of the value.
    pub entropy: bool,
    /// And of the returns that it is mixed with.
    pub between: bool,
    /// `alpha ln|A|` is taken off.
    pub kl: bool,
}

/// A ring that holds one rollout, and what is computed of it.
pub struct Rollout {
    /// The transitions; its capacity is theirs.
    pub ring: Ring,
    /// `s'` of every transition `[agents, capacity, obs]`.
    pub next_obs: Buffer<f32>,
    /// The acting network there.
    pub next: Evaluations,
    /// `[agents, capacity, heads]`
    pub returns: Buffer<LambdaReturn>,
}

/// Where a minibatch goes besides observations and actions: targets and entropies `[agents, rows, heads]`.
pub type Learned = [Buffer<f32>; 2];

impl Rollout {
    /// Declares the memory beside `ring`; net 0 of `group` values the states.
    pub fn new(buffers: &mut Buffers, ring: Ring, group: &Group) -> Rollout {
        const HINT: &str = "Lower --train-frequency or --num-envs.";
        let net = &group.spec.net;
        let rows = u64::from(group.agents) * u64::from(ring.capacity);
        let next_obs = buffers.add("rollout_obs", rows * u64::from(ring.layout.obs_size), HINT);
        let inputs = Inputs { values: next_obs, count: 1, batch: ring.capacity };
        Rollout {
            ring,
            next_obs,
            next: Evaluations::new(buffers, "rollout_", group, inputs, &[(0, 0)], 0, HINT),
            returns: buffers.add("rollout_returns", rows * net.heads.len() as u64, HINT),
        }
    }

    /// Records the pass that leaves the returns of the rollout that has just ended, with the network of this moment.
    pub fn returns(
        &self,
        rec: &mut Recording,
        (records, lanes): (Buffer<Agent>, Buffer<Lane>),
        values: Values,
    ) -> Result<()> {
        let Ring { replay, capacity, num_lanes, layout } = self.ring;
        let net = &self.next.group.spec.net;
        let (agents, heads) = (self.next.group.agents, net.heads.len() as u32);
        let (obs_size, obs_bits) = (layout.obs_size, layout.obs_bits);
        let params = rollout_states::Params { capacity, obs_size, obs_bits, heads, agents };
        rollout_states::record(rec, params, replay, self.next_obs)?;
        self.next.forward(rec)?;
        for (head, columns) in (0..).zip(&net.heads) {
            let params = lambda_returns::Params {
                steps: capacity / num_lanes,
                num_lanes,
                obs_size,
                obs_bits,
                actions: columns.actions,
                q_stride: net.outputs(),
                q_offset: columns.offset,
                heads,
                head,
                hard: values.hard.into(),
                entropy: values.entropy.into(),
                between: values.between.into(),
                kl: values.kl.into(),
                agents,
            };
            lambda_returns::record(rec, params, records, lanes, replay, self.next.outputs(), self.returns)?;
        }
        Ok(())
    }

    /// Records the gathering of the next minibatch of a permutation, or of the rows that `actions` holds.
    pub fn sample(
        &self,
        rec: &mut Recording,
        records: Buffer<Agent>,
        (stream, given): (u32, bool),
        batch: &Batch,
        [targets, entropies]: Learned,
    ) -> Result<()> {
        let Ring { replay, capacity, layout, .. } = self.ring;
        let params = rollout_batch::Params {
            batch: batch.rows,
            obs_size: layout.obs_size,
            obs_bits: layout.obs_bits,
            heads: batch.heads,
            capacity,
            inputs: batch.inputs,
            given: given.into(),
            stream,
            agents: batch.agents,
        };
        let (obs, actions) = (batch.obs, batch.actions);
        rollout_batch::record(rec, params, records, replay, self.returns, obs, actions, targets, entropies)
    }
}
