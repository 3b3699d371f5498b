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

/// `to = A - mean(A) + V` for one head: A and V lie side by side in `from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dueling {
    /// Input tensor.
    pub from: usize,
    /// Column of A(0).
    pub from_offset: u32,
    /// Output tensor.
    pub to: usize,
    /// The head.
    pub head: Head,
}

impl Dueling {
    /// From the last tensor, in which A and V of `heads` lie side by side, to a new one of action values.
    pub fn all(layout: &mut Layout, heads: &[Head]) -> Vec<Dueling> {
        let from = layout.last();
        let to = layout.push(heads.iter().map(|head| head.actions).sum(), Activation::Identity);
        let mut from_offset = 0;
        let mut ops = Vec::new();
        for head in heads {
            ops.push(Dueling { from, from_offset, to, head: *head });
            from_offset += head.actions + 1;
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
            q_stride: layout.tensors[self.to].width(),
            q_offset: self.head.offset,
        };
        dueling_backward::record(rec, params, at.deltas[self.to], at.deltas[self.from])
    }
}
