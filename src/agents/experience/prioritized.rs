//! Prioritized replay (Schaul et al., arXiv 1511.05952): a tree of priorities over the rows of a ring.

use crate::agents::experience::{BATCH, Batch, Ring};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::kernels::{priority_draw, priority_insert, priority_update};
use crate::shared::agent::{Agent, Lane, TdError};
use crate::shared::sum_tree::tree_len;

/// Priorities of the transitions in a ring.
#[derive(Clone, Copy)]
pub struct Priorities {
    /// `[agents, tree_len(capacity)]`
    pub tree: Buffer<f32>,
    /// Ring rows of the batch `[agents, rows]`.
    pub indices: Buffer<u32>,
    capacity: u32,
}

impl Priorities {
    /// Declares the tree over `ring`.
    pub fn new(buffers: &mut Buffers, ring: &Ring, batch: &Batch) -> Priorities {
        let words = u64::from(batch.agents) * u64::from(tree_len(ring.capacity));
        Priorities {
            tree: buffers.add("priorities", words, "Lower --buffer-size."),
            indices: buffers.add("indices", u64::from(batch.agents) * u64::from(batch.rows), BATCH),
            capacity: ring.capacity,
        }
    }

    /// Records, behind the step that stored them, the priorities of new transitions.
    pub fn insert(
        &self,
        rec: &mut Recording,
        (records, lanes): (Buffer<Agent>, Buffer<Lane>),
        ring: &Ring,
        n_step: u32,
        agents: u32,
    ) -> Result<()> {
        let Ring { num_lanes, capacity, .. } = *ring;
        let params = priority_insert::Params { num_lanes, capacity, n_step, agents };
        priority_insert::record(rec, params, records, lanes, self.tree)
    }

    /// Records the draw of the batch's rows and their importance weights.
    pub fn draw(
        &self,
        rec: &mut Recording,
        (records, lanes): (Buffer<Agent>, Buffer<Lane>),
        ring: &Ring,
        stream: u32,
        batch: &Batch,
    ) -> Result<()> {
        let params = priority_draw::Params {
            batch: batch.rows,
            heads: batch.heads,
            capacity: ring.capacity,
            num_lanes: ring.num_lanes,
            stream,
            agents: batch.agents,
        };
        let Batch { actions, importance, .. } = *batch;
        priority_draw::record(rec, params, records, lanes, self.tree, self.indices, actions, importance)
    }

    /// Records the new priorities of the batch, by the errors of `grad_slots` networks with `heads` heads each: one where an action
    /// of several numbers has one value.
    pub fn update(
        &self,
        rec: &mut Recording,
        records: Buffer<Agent>,
        errors: Buffer<TdError>,
        (grad_slots, heads): (u32, u32),
        batch: &Batch,
    ) -> Result<()> {
        let params = priority_update::Params {
            batch: batch.rows,
            grad_slots,
            heads,
            capacity: self.capacity,
            agents: batch.agents,
        };
        priority_update::record(rec, params, records, errors, self.indices, self.tree)
    }
}
