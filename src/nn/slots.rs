//! What a pass evaluates: which networks on which inputs, for how many rows.

use crate::kernels::pack_slots;

/// What is evaluated: which nets on which inputs, for how many rows.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Agents.
    pub agents: u32,
    /// Rows per slot.
    pub batch: u32,
    /// Networks per agent in the weights.
    pub nets: u32,
    /// Net of each slot.
    pub slot_net: Vec<u32>,
    /// Input of each slot.
    pub slot_input: Vec<u32>,
    /// Inputs per agent.
    pub inputs: u32,
    /// Slots, the first ones, through which a gradient flows.
    pub gradients: u32,
}

impl Pass {
    /// Evaluations per agent.
    pub fn slots(&self) -> u32 {
        self.slot_net.len() as u32
    }

    /// The table of nets, packed for the kernels.
    pub(super) fn slot_net(&self) -> u32 {
        pack_slots(&self.slot_net)
    }

    pub(super) fn rows_of(&self, slots: u32) -> u64 {
        u64::from(self.agents) * u64::from(slots) * u64::from(self.batch)
    }

    /// Slots and slot table of tensor `tensor` for the first `slots` evaluations: the input has its own, every other tensor
    /// one entry per slot.
    pub(super) fn source(&self, tensor: usize, slots: u32) -> (u32, u32) {
        if tensor == 0 {
            return (self.inputs, pack_slots(&self.slot_input[..slots as usize]));
        }
        let own: Vec<u32> = (0..slots).collect();
        (self.slots(), pack_slots(&own))
    }
}
