//! The activation silu, an operation of its own: its derivative needs its input, so both are kept.

use crate::engine::recording::Recording;
use crate::error::Result;
use crate::kernels::{silu, silu_backward};
use crate::nn::layout::Layout;
use crate::nn::op::{Backward, Forward, Operation};

/// `to = silu(from)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silu {
    /// Input tensor.
    pub from: usize,
    /// Output tensor.
    pub to: usize,
}

impl Silu {
    /// From the last tensor to a new one of its shape.
    pub fn new(layout: &mut Layout) -> Silu {
        let from = layout.last();
        let to = layout.push_like(from, layout.tensors[from].activation);
        Silu { from, to }
    }
}

impl Operation for Silu {
    fn forward(&self, rec: &mut Recording, at: &Forward<'_>) -> Result<()> {
        let count = at.pass.batch * at.layout.tensors[self.from].width();
        let params = silu::Params { count, slots: at.pass.slots(), agents: at.pass.agents };
        silu::record(rec, params, at.tensors[self.from], at.tensors[self.to])
    }

    fn backward(&self, rec: &mut Recording, at: &Backward<'_>) -> Result<()> {
        let Forward { layout, pass, tensors, .. } = at.forward;
        let params = silu_backward::Params {
            count: pass.batch * layout.tensors[self.from].width(),
            slots: pass.slots(),
            grad_slots: at.slots,
            agents: pass.agents,
        };
        silu_backward::record(rec, params, at.deltas[self.to], tensors[self.from], at.deltas[self.from])
    }
}
