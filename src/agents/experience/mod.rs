//! Experience: where transitions wait between the step that makes them and the update that learns from them.
//!
//! A kind of experience declares its buffers, records what a step stores beyond the transition that `act_step` writes, and
//! records how a [`Batch`] is sampled. `ring` is the replay buffer D, `prioritized` the priorities that may stand beside it;
//! `rollout` is what on-policy methods learn from.

pub mod prioritized;
pub mod ring;
pub mod rollout;

pub use prioritized::Priorities;
pub use ring::Ring;
pub use rollout::Rollout;

use crate::engine::recording::{Buffer, Buffers};
use crate::nn::Inputs;

const BATCH: &str = "Lower --batch-size.";

/// What one update reads of experience.
#[derive(Clone, Copy)]
pub struct Batch {
    /// Agents.
    pub agents: u32,
    /// Rows per agent.
    pub rows: u32,
    /// States per row: `s_t`, `s_{t+m}`, then those between that are evaluated.
    pub inputs: u32,
    /// Actions per row.
    pub heads: u32,
    /// `[agents, inputs, rows, obs]`
    pub obs: Buffer<f32>,
    /// `[agents, rows, heads]`
    pub actions: Buffer<u32>,
    /// `[agents, rows]`
    pub rewards: Buffer<f32>,
    /// `gamma^m (1 - terminated)`, then the factors of the states between `[agents, inputs - 1, rows]`
    pub discounts: Buffer<f32>,
    /// Importance weights `[agents, rows]`; ones for uniform replay.
    pub importance: Buffer<f32>,
}

impl Batch {
    /// Declares the memory of a batch of observations of `obs_size` elements.
    pub fn new(
        buffers: &mut Buffers,
        (agents, rows): (u32, u32),
        inputs: u32,
        obs_size: u32,
        heads: u32,
    ) -> Batch {
        let all_rows = u64::from(agents) * u64::from(rows);
        Batch {
            agents,
            rows,
            inputs,
            heads,
            obs: buffers.add("batch_obs", all_rows * u64::from(inputs) * u64::from(obs_size), BATCH),
            actions: buffers.add("actions", all_rows * u64::from(heads), BATCH),
            rewards: buffers.add("rewards", all_rows, BATCH),
            discounts: buffers.add("discounts", all_rows * u64::from(inputs - 1), BATCH),
            importance: buffers.add("importance", all_rows, BATCH),
        }
    }

    /// Its states, as what networks are evaluated on.
    pub fn inputs_of_networks(&self) -> Inputs {
        Inputs { values: self.obs, count: self.inputs, batch: self.rows }
    }
}
