//! Layer normalisation (Ba, Kiros, Hinton, arXiv 1607.06450), with the activation behind it.

use rand::rngs::StdRng;

use crate::engine::recording::Recording;
use crate::error::Result;
use crate::kernels::{layer_norm, layer_norm_backward_input, layer_norm_backward_weights};
use crate::nn::layout::Layout;
use crate::nn::op::{Backward, Forward, Operation};

/// `to = act(layer_norm(from))`; gamma, then beta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerNorm {
    /// Input tensor.
    pub from: usize,
    /// Output tensor.
    pub to: usize,
    /// First scale.
    pub weight_offset: u32,
}

impl LayerNorm {
    /// What is added to the variance: PyTorch's default.
    pub const EPS: f32 = 1e-5;

    /// From the last tensor to a new one of its shape; a grid is normalised as a whole.
    pub fn new(layout: &mut Layout, name: &str) -> LayerNorm {
        let from = layout.last();
        let width = layout.width(from);
        let to = layout.push_like(from, layout.applied());
        let weight_offset = layout.parameter(format!("{name}.scale"), vec![width]);
        layout.parameter(format!("{name}.shift"), vec![width]);
        LayerNorm { from, to, weight_offset }
    }
}

impl Operation for LayerNorm {
    /// Mean and inverse deviation.
    fn kept(&self, layout: &Layout) -> Option<(&'static str, u32)> {
        Some(("moments", 2 * layout.repeats_of(self.from)))
    }

    /// Scale 1, shift 0.
    fn init(&self, layout: &Layout, _: &mut StdRng, params: &mut [f32]) {
        params[self.weight_offset as usize..][..layout.width(self.from) as usize].fill(1.0);
    }

    fn forward(&self, rec: &mut Recording, at: &Forward<'_>) -> Result<()> {
        let Forward { layout, pass, weights, tensors, .. } = *at;
        let params = layer_norm::Params {
            batch: pass.batch * layout.repeats_of(self.from),
            width: layout.width(self.from),
            nets: pass.nets,
            net_params: layout.params,
            weight_offset: self.weight_offset,
            slots: pass.slots(),
            slot_net: pass.slot_net(),
            activation: layout.tensors[self.to].activation as u32,
            eps: LayerNorm::EPS,
            agents: pass.agents,
        };
        let moments = at.kept("layer_norm")?;
        layer_norm::record(rec, params, tensors[self.from], weights, tensors[self.to], moments)
    }

    fn backward(&self, rec: &mut Recording, at: &Backward<'_>) -> Result<()> {
        let Forward { layout, pass, weights, tensors, .. } = at.forward;
        let (x, dy) = (tensors[self.from], at.deltas[self.to]);
        let moments = at.forward.kept("layer_norm_backward_input")?;
        let (batch, width) = (pass.batch * layout.repeats_of(self.from), layout.width(self.from));
        let params = layer_norm_backward_weights::Params {
            batch,
            width,
            net_params: layout.params,
            weight_offset: self.weight_offset,
            slots: pass.slots(),
            grad_slots: at.slots,
            agents: pass.agents,
        };
        if at.wanted.parameters() {
            layer_norm_backward_weights::record(rec, params, dy, x, moments, at.grads)?;
        }
        let params = layer_norm_backward_input::Params {
            batch,
            width,
            nets: pass.nets,
            net_params: layout.params,
            weight_offset: self.weight_offset,
            slots: pass.slots(),
            grad_slots: at.slots,
            agents: pass.agents,
        };
        layer_norm_backward_input::record(rec, params, dy, x, moments, weights, at.deltas[self.from])
    }
}
