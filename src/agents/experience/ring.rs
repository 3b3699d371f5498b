//! The replay buffer D: a ring of transitions per agent, whose rows are whole vector steps. `act_step` writes it,
//! `replay_sample` cuts n-step windows from it.

use crate::agents::experience::{Batch, Priorities};
use crate::engine::env::Env;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::kernels::replay_sample;
use crate::shared::agent::{Agent, Lane};
use crate::shared::transition::TransitionLayout;

/// A ring, or with a capacity of 0 none.
#[derive(Clone, Copy)]
pub struct Ring {
    /// Transitions `[agents, capacity]`.
    pub replay: Buffer<u32>,
    /// Transitions per agent.
    pub capacity: u32,
    /// Environments per agent.
    pub num_lanes: u32,
    /// How they lie there.
    pub layout: TransitionLayout,
}

impl Ring {
    /// Declares a ring of `capacity` transitions per agent; `hint` says what makes it smaller.
    pub fn new(
        buffers: &mut Buffers,
        layout: TransitionLayout,
        agents: u32,
        (capacity, num_lanes): (u32, u32),
        hint: &'static str,
    ) -> Ring {
        let words = u64::from(agents) * u64::from(capacity) * layout.words() as u64;
        let replay = buffers.add("replay", words, hint);
        Ring { replay, capacity, num_lanes, layout }
    }

    /// Where evaluations, which keep nothing, would store: a word per agent.
    pub fn none(buffers: &mut Buffers, env: &Env, agents: u32, num_lanes: u32) -> Ring {
        let replay = buffers.add("no_replay", u64::from(agents), "");
        Ring { replay, capacity: 0, num_lanes, layout: env.transition() }
    }

    /// Records the sampling of windows of `n_step` transitions: uniform, or with priorities by them.
    pub fn sample(
        &self,
        rec: &mut Recording,
        (records, lanes): (Buffer<Agent>, Buffer<Lane>),
        (n_step, stream): (u32, u32),
        priorities: Option<&Priorities>,
        batch: &Batch,
    ) -> Result<()> {
        if let Some(priorities) = priorities {
            priorities.draw(rec, (records, lanes), self, stream, batch)?;
        }
        let params = replay_sample::Params {
            batch: batch.rows,
            obs_size: self.layout.obs_size,
            obs_bits: self.layout.obs_bits,
            heads: batch.heads,
            capacity: self.capacity,
            num_lanes: self.num_lanes,
            n_step,
            inputs: batch.inputs,
            given_starts: u32::from(priorities.is_some()),
            stream,
            agents: batch.agents,
        };
        let Batch { obs, actions, rewards, discounts, .. } = *batch;
        replay_sample::record(rec, params, records, lanes, self.replay, obs, actions, rewards, discounts)
    }
}
