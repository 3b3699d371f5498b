//! A dense layer with its activation, from some columns of a tensor to some of another.

use rand::rngs::StdRng;

use crate::config::Init;
use crate::engine::recording::Recording;
use crate::error::Result;
use crate::kernels::{
    Activation, dense_backward_input, dense_backward_input_tiled, dense_backward_weights,
    dense_backward_weights_tiled, dense_forward, dense_forward_tiled,
};
use crate::nn::init::{Block, torch_default};
use crate::nn::layout::{Layout, Slice};
use crate::nn::op::{Backward, Forward, Operation};

/// `to = act(from W + b)`: W `[from.width, to.width]`, then b.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Input columns.
    pub from: Slice,
    /// Output columns.
    pub to: Slice,
    /// First weight.
    pub weight_offset: u32,
    /// Layers of equal width that lie side by side in it, each of them read on its own.
    pub branches: u32,
    /// Whether its values are outputs, which no activation follows.
    pub output: bool,
}

impl Dense {
    /// A hidden layer from the whole last tensor to a new one.
    pub fn hidden(layout: &mut Layout, name: &str, width: u32, activation: Activation) -> Dense {
        let from = layout.whole(layout.last());
        let to = layout.push(width, activation);
        Dense::between(layout, name, from, layout.whole(to))
    }

    /// A layer of outputs from the whole last tensor to a new one.
    pub fn outputs(layout: &mut Layout, name: &str, width: u32) -> Dense {
        Dense { output: true, ..Dense::hidden(layout, name, width, Activation::Identity) }
    }

    /// A hidden layer between given columns.
    pub fn between(layout: &mut Layout, name: &str, from: Slice, to: Slice) -> Dense {
        layout.align();
        let weight_offset = layout.parameter(format!("{name}.weight"), vec![from.width, to.width]);
        layout.parameter(format!("{name}.bias"), vec![to.width]);
        Dense { from, to, weight_offset, branches: 1, output: false }
    }

    /// Its weights, branch by branch.
    pub(in crate::nn) fn blocks(&self) -> impl Iterator<Item = Block> {
        let [fan_in, stride, first, branches] =
            [self.from.width, self.to.width, self.weight_offset, self.branches].map(|n| n as usize);
        let fan_out = stride / branches;
        (0..branches).map(move |branch| Block {
            offset: first + branch * fan_out,
            stride,
            fan_in,
            fan_out,
            bias: first + fan_in * stride + branch * fan_out,
        })
    }
}

impl Operation for Dense {
    fn init(&self, layout: &Layout, rng: &mut StdRng, params: &mut [f32]) {
        let initialiser = &layout.initialiser;
        let gain = initialiser.gain_of(layout.activation, self.output);
        if initialiser.init != Init::TorchDefault {
            for block in self.blocks() {
                block.fill(initialiser.init, gain, rng, params);
            }
            return;
        }
        // Whatever the branches.
        let count = (self.from.width + 1) * self.to.width;
        let layer = &mut params[self.weight_offset as usize..][..count as usize];
        torch_default(self.from.width, gain, rng, layer);
    }

    fn forward(&self, rec: &mut Recording, at: &Forward<'_>) -> Result<()> {
        let Dense { from, to, weight_offset, .. } = *self;
        let Forward { layout, pass, weights, tensors, .. } = *at;
        let (x_slots, slot_x) = pass.source(from.tensor, pass.slots());
        let params = dense_forward::Params {
            batch: pass.batch * layout.repeats_of(from.tensor),
            in_dim: from.width,
            out_dim: to.width,
            nets: pass.nets,
            net_params: layout.params,
            weight_offset,
            slots: pass.slots(),
            x_slots,
            slot_net: pass.slot_net(),
            slot_x,
            activation: layout.tensors[to.tensor].activation as u32,
            x_stride: layout.width(from.tensor),
            x_offset: from.offset,
            y_stride: layout.width(to.tensor),
            y_offset: to.offset,
            agents: pass.agents,
        };
        let record = match dense_forward_tiled::fits(&params) {
            true => dense_forward_tiled::record,
            false => dense_forward::record,
        };
        record(rec, params, tensors[from.tensor], weights, tensors[to.tensor])
    }

    fn backward(&self, rec: &mut Recording, at: &Backward<'_>) -> Result<()> {
        let Dense { from, to, weight_offset, .. } = *self;
        let Forward { layout, pass, weights, tensors, .. } = at.forward;
        let (x, dy) = (tensors[from.tensor], at.deltas[to.tensor]);
        let (x_slots, slot_x) = pass.source(from.tensor, at.slots);
        let (x_stride, dy_stride) = (layout.width(from.tensor), layout.width(to.tensor));
        let batch = pass.batch * layout.repeats_of(from.tensor);
        let params = dense_backward_weights::Params {
            batch,
            in_dim: from.width,
            out_dim: to.width,
            net_params: layout.params,
            weight_offset,
            grad_slots: at.slots,
            x_slots,
            slot_x,
            x_stride,
            x_offset: from.offset,
            dy_stride,
            dy_offset: to.offset,
            agents: pass.agents,
        };
        let record = match dense_backward_weights_tiled::fits(&params) {
            true => dense_backward_weights_tiled::record,
            false => dense_backward_weights::record,
        };
        if at.wanted.parameters() {
            record(rec, params, x, dy, at.grads)?;
        }
        // Nothing in front of the first layer is learnt.
        let first = from.tensor == 0 || layout.repeats > 1 && from.tensor == 1;
        if first && !at.wanted.input() {
            return Ok(());
        }
        let params = dense_backward_input::Params {
            batch,
            in_dim: from.width,
            out_dim: to.width,
            nets: pass.nets,
            net_params: layout.params,
            weight_offset,
            grad_slots: at.slots,
            x_slots,
            activation: layout.tensors[from.tensor].activation as u32,
            dy_stride,
            dy_offset: to.offset,
            x_stride,
            x_offset: from.offset,
            agents: pass.agents,
        };
        let record = match dense_backward_input_tiled::fits(&params) {
            true => dense_backward_input_tiled::record,
            false => dense_backward_input::record,
        };
        record(rec, params, dy, weights, x, at.deltas[from.tensor])
    }
}
