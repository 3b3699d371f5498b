//! Dueling heads (Wang et al., arXiv 1511.06581): action values out of advantages and a value.

use crate::engine::recording::Recording;
use crate::error::Result;
use crate::kernels::{Activation, dueling, dueling_backward};
use crate::nn::layout::Layout;
use crate::nn::op::{Backward, Forward, Operation};

/// One head's block of action values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// First column in the last tensor.
    pub offset: u32,
    /// Actions.
    pub actions: u32,
}

/// `to = A - mean(A) + V` for one head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dueling {
    /// Input tensor.
    pub from: usize,
    /// Column of A(0).
    pub from_offset: u32,
    /// Column of V.
    pub value_offset: u32,
    /// V's gradient adds to that of a later head, which has the same V.
    pub adds: bool,
    /// Output tensor.
    pub to: usize,
    /// The head.
    pub head: Head,
}

impl Dueling {
    /// From the last tensor to a new one of action values. There lie A and V of each of `heads` side by side, or, with one V
    /// for all, the As and behind them V.
    pub fn all(layout: &mut Layout, heads: &[Head], one_value: bool) -> Vec<Dueling> {
        let from = layout.last();
        let to = layout.push(heads.iter().map(|head| head.actions).sum(), Activation::Identity);
        let mut from_offset = 0;
        let mut ops = Vec::new();
        for (k, head) in heads.iter().enumerate() {
            let behind = from_offset + head.actions;
            let value_offset = if one_value { layout.tensors[from].width() - 1 } else { behind };
            // The backward pass goes through the operations from the last to the first.
            let adds = one_value && k + 1 < heads.len();
            ops.push(Dueling { from, from_offset, value_offset, adds, to, head: *head });
            from_offset = if one_value { behind } else { behind + 1 };
        }
        ops
    }
}

impl Operation for Dueling {
    fn forward(&self, rec: &mut Recording, at: &Forward<'_>) -> Result<()> {
        let params = dueling::Params {
            rows: at.pass.agents * at.pass.slots() * at.pass.batch,
            actions: self.head.actions,
            raw_stride: at.layout.tensors[self.from].width(),
            raw_offset: self.from_offset,
            value_offset: self.value_offset,
            q_stride: at.layout.tensors[self.to].width(),
            q_offset: self.head.offset,
        };
        dueling::record(rec, params, at.tensors[self.from], at.tensors[self.to])
    }

    fn backward(&self, rec: &mut Recording, at: &Backward<'_>) -> Result<()> {
        let Forward { layout, pass, .. } = at.forward;
        let params = dueling_backward::Params {
            rows: pass.agents * at.slots * pass.batch,
            actions: self.head.actions,
            raw_stride: layout.tensors[self.from].width(),
            raw_offset: self.from_offset,
            value_offset: self.value_offset,
            add: self.adds.into(),
            q_stride: layout.tensors[self.to].width(),
            q_offset: self.head.offset,
        };
        dueling_backward::record(rec, params, at.deltas[self.to], at.deltas[self.from])
    }
}
