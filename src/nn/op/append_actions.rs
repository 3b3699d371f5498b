//! Every action behind the observation: the input of a q(s, a) that sees the action.

use crate::engine::recording::Recording;
use crate::error::Result;
use crate::kernels::Activation;
use crate::kernels::append_actions;
use crate::nn::layout::Layout;
use crate::nn::op::{Backward, Forward, Operation};

/// `to(a) = (from, e_a)` for every action: blocks of columns side by side, which all later operations treat as rows of their
/// own. It stands first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendActions {
    /// Input tensor.
    pub from: usize,
    /// Output tensor.
    pub to: usize,
}

impl AppendActions {
    /// Puts `actions` actions behind the observation.
    pub fn new(layout: &mut Layout, actions: u32) -> AppendActions {
        let from = layout.last();
        let width = layout.width(from) + actions;
        layout.repeats = actions;
        AppendActions { from, to: layout.push(width, Activation::Identity) }
    }
}

impl Operation for AppendActions {
    fn forward(&self, rec: &mut Recording, at: &Forward<'_>) -> Result<()> {
        let (x_slots, slot_x) = at.pass.source(self.from, at.pass.slots());
        let params = append_actions::Params {
            batch: at.pass.batch,
            obs_size: at.layout.tensors[self.from].width(),
            actions: at.layout.repeats,
            slots: at.pass.slots(),
            x_slots,
            slot_x,
            agents: at.pass.agents,
        };
        append_actions::record(rec, params, at.tensors[self.from], at.tensors[self.to])
    }

    /// Observations and actions are given: there is nothing to learn in front of them.
    fn backward(&self, _: &mut Recording, _: &Backward<'_>) -> Result<()> {
        Ok(())
    }
}
