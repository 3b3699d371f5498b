//! Forward and backward passes of a [`Network`] as recorded kernels, over agents and slots.

use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::{Error, Result};
use crate::kernels::{
    append_actions, dense_backward_input, dense_backward_input_tiled, dense_backward_weights,
    dense_backward_weights_tiled, dense_forward, dense_forward_tiled, dueling, dueling_backward, layer_norm,
    layer_norm_backward_input, layer_norm_backward_weights, pack_slots, silu, silu_backward,
};
use crate::nn::network::{Network, Op, Path};

/// PyTorch's default.
const LAYER_NORM_EPS: f32 = 1e-5;

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

/// Tensors of a pass: `[agents, slots, batch, width]` each; the input is `[agents, inputs, batch, width]`.
#[derive(Clone, Debug)]
pub struct Activations {
    /// One buffer per tensor of the network.
    pub tensors: Vec<Buffer<f32>>,
    /// Mean and inverse deviation per row, for every operation that is a layer norm.
    moments: Vec<Option<Buffer<f32>>>,
}

impl Activations {
    /// Declares the tensors behind `input`.
    pub fn new(
        buffers: &mut Buffers,
        prefix: &str,
        net: &Network,
        pass: &Pass,
        input: Buffer<f32>,
        hint: &'static str,
    ) -> Activations {
        if net.path == Path::Fused {
            let tensors = pass.fused_tensors(buffers, prefix, net, input, hint);
            return Activations { tensors, moments: Vec::new() };
        }
        let rows = pass.rows_of(pass.slots());
        let mut tensors = vec![input];
        for (i, tensor) in net.tensors.iter().enumerate().skip(1) {
            tensors.push(buffers.add(format!("{prefix}{i}"), rows * u64::from(tensor.width), hint));
        }
        let mut moments = Vec::new();
        for (i, op) in net.ops.iter().enumerate() {
            moments.push(match op {
                Op::LayerNorm { from, .. } => {
                    let rows = rows * u64::from(net.repeats_of(*from));
                    Some(buffers.add(format!("{prefix}_moments{i}"), 2 * rows, hint))
                }
                _ => None,
            });
        }
        Activations { tensors, moments }
    }

    /// The action values.
    pub fn outputs(&self) -> Buffer<f32> {
        self.tensors[self.tensors.len() - 1]
    }
}

impl Pass {
    /// Evaluations per agent.
    pub fn slots(&self) -> u32 {
        self.slot_net.len() as u32
    }

    pub(super) fn rows_of(&self, slots: u32) -> u64 {
        u64::from(self.agents) * u64::from(slots) * u64::from(self.batch)
    }

    /// Declares the gradients of a pass, one buffer per tensor `[agents, gradients, batch, width]`; none of the input.
    pub fn deltas(
        &self,
        buffers: &mut Buffers,
        prefix: &str,
        net: &Network,
        hint: &'static str,
    ) -> Vec<Buffer<f32>> {
        if net.path == Path::Fused {
            return self.fused_deltas(buffers, prefix, net, hint);
        }
        let mut declare = |(i, width)| {
            buffers.add(format!("{prefix}{i}"), self.rows_of(self.gradients) * u64::from(width), hint)
        };
        let widths = net.tensors.iter().map(|tensor| tensor.width);
        [0].into_iter().chain(widths.skip(1)).enumerate().map(&mut declare).collect()
    }

    /// Slots and slot table of tensor `tensor`: the input has its own, every other tensor one entry per slot.
    fn source(&self, tensor: usize, slots: usize) -> (u32, u32) {
        if tensor == 0 {
            return (self.inputs, pack_slots(&self.slot_input[..slots]));
        }
        let own: Vec<u32> = (0..slots as u32).collect();
        (self.slots(), pack_slots(&own))
    }

    /// Evaluates all slots: one dispatch per operation, or one on the fused path.
    pub fn forward(
        &self,
        rec: &mut Recording,
        net: &Network,
        weights: Buffer<f32>,
        at: &Activations,
    ) -> Result<()> {
        if net.path == Path::Fused {
            return self.fused_forward(rec, net, weights, at);
        }
        for (op, moments) in net.ops.iter().zip(&at.moments) {
            match (op, moments) {
                (Op::AppendActions { from, to }, _) => {
                    let (x_slots, slot_x) = self.source(*from, self.slot_net.len());
                    let params = append_actions::Params {
                        batch: self.batch,
                        obs_size: net.tensors[*from].width,
                        actions: net.repeats,
                        slots: self.slots(),
                        x_slots,
                        slot_x,
                        agents: self.agents,
                    };
                    append_actions::record(rec, params, at.tensors[*from], at.tensors[*to])?;
                }
                (Op::Dense { from, to, weight_offset }, _) => {
                    let (x_slots, slot_x) = self.source(from.tensor, self.slot_net.len());
                    let params = dense_forward::Params {
                        batch: self.batch * net.repeats_of(from.tensor),
                        in_dim: from.width,
                        out_dim: to.width,
                        nets: self.nets,
                        net_params: net.params,
                        weight_offset: *weight_offset,
                        slots: self.slots(),
                        x_slots,
                        slot_net: pack_slots(&self.slot_net),
                        slot_x,
                        activation: net.tensors[to.tensor].activation as u32,
                        x_stride: net.width(from.tensor),
                        x_offset: from.offset,
                        y_stride: net.width(to.tensor),
                        y_offset: to.offset,
                        agents: self.agents,
                    };
                    let record = match dense_forward_tiled::fits(&params) {
                        true => dense_forward_tiled::record,
                        false => dense_forward::record,
                    };
                    record(rec, params, at.tensors[from.tensor], weights, at.tensors[to.tensor])?;
                }
                (Op::LayerNorm { from, to, weight_offset }, Some(moments)) => {
                    let params = layer_norm::Params {
                        batch: self.batch * net.repeats_of(*from),
                        width: net.width(*from),
                        nets: self.nets,
                        net_params: net.params,
                        weight_offset: *weight_offset,
                        slots: self.slots(),
                        slot_net: pack_slots(&self.slot_net),
                        activation: net.tensors[*to].activation as u32,
                        eps: LAYER_NORM_EPS,
                        agents: self.agents,
                    };
                    layer_norm::record(rec, params, at.tensors[*from], weights, at.tensors[*to], *moments)?;
                }
                (Op::Silu { from, to }, _) => {
                    let count = self.batch * net.tensors[*from].width;
                    let params = silu::Params { count, slots: self.slots(), agents: self.agents };
                    silu::record(rec, params, at.tensors[*from], at.tensors[*to])?;
                }
                (Op::Dueling { from, from_offset, to, head }, _) => {
                    let params = dueling::Params {
                        rows: self.agents * self.slots() * self.batch,
                        actions: head.actions,
                        raw_stride: net.tensors[*from].width,
                        raw_offset: *from_offset,
                        q_stride: net.tensors[*to].width,
                        q_offset: head.offset,
                    };
                    dueling::record(rec, params, at.tensors[*from], at.tensors[*to])?;
                }
                (Op::LayerNorm { .. }, None) => {}
            }
        }
        Ok(())
    }

    /// Gradients of the nets of the first `grad_slots` slots, which must be nets 0, 1, ... in order. `deltas` holds one
    /// buffer per tensor, `[agents, grad_slots, batch, width]`: the gradient before that tensor's activation. The last one
    /// is given; the first is written only with `input_gradient`, which the fused path does not have.
    pub fn backward(
        &self,
        rec: &mut Recording,
        net: &Network,
        weights: Buffer<f32>,
        at: &Activations,
        deltas: &[Buffer<f32>],
        grads: Buffer<f32>,
        grad_slots: u32,
        input_gradient: bool,
    ) -> Result<()> {
        if net.path == Path::Fused {
            if input_gradient {
                let message = "the fused path has no gradient of the input".into();
                return Err(Error::Kernel { kernel: "fused_backward".into(), message });
            }
            return self.fused_backward(rec, net, weights, at, deltas, grads, grad_slots);
        }
        for (op, moments) in net.ops.iter().zip(&at.moments).rev() {
            match (op, moments) {
                (Op::Dense { from, to, weight_offset }, _) => {
                    let (x, dy) = (at.tensors[from.tensor], deltas[to.tensor]);
                    let (x_slots, slot_x) = self.source(from.tensor, grad_slots as usize);
                    let (x_stride, dy_stride) = (net.width(from.tensor), net.width(to.tensor));
                    let batch = self.batch * net.repeats_of(from.tensor);
                    let params = dense_backward_weights::Params {
                        batch,
                        in_dim: from.width,
                        out_dim: to.width,
                        net_params: net.params,
                        weight_offset: *weight_offset,
                        grad_slots,
                        x_slots,
                        slot_x,
                        x_stride,
                        x_offset: from.offset,
                        dy_stride,
                        dy_offset: to.offset,
                        agents: self.agents,
                    };
                    let record = match dense_backward_weights_tiled::fits(&params) {
                        true => dense_backward_weights_tiled::record,
                        false => dense_backward_weights::record,
                    };
                    record(rec, params, x, dy, grads)?;
                    // Nothing in front of the first layer is learnt.
                    let first = from.tensor == 0 || net.repeats > 1 && from.tensor == 1;
                    if first && !input_gradient {
                        continue;
                    }
                    let params = dense_backward_input::Params {
                        batch,
                        in_dim: from.width,
                        out_dim: to.width,
                        nets: self.nets,
                        net_params: net.params,
                        weight_offset: *weight_offset,
                        grad_slots,
                        x_slots,
                        activation: net.tensors[from.tensor].activation as u32,
                        dy_stride,
                        dy_offset: to.offset,
                        x_stride,
                        x_offset: from.offset,
                        agents: self.agents,
                    };
                    let record = match dense_backward_input_tiled::fits(&params) {
                        true => dense_backward_input_tiled::record,
                        false => dense_backward_input::record,
                    };
                    record(rec, params, dy, weights, x, deltas[from.tensor])?;
                }
                (Op::LayerNorm { from, to, weight_offset }, Some(moments)) => {
                    let width = net.width(*from);
                    let batch = self.batch * net.repeats_of(*from);
                    let (x, dy) = (at.tensors[*from], deltas[*to]);
                    let params = layer_norm_backward_weights::Params {
                        batch,
                        width,
                        net_params: net.params,
                        weight_offset: *weight_offset,
                        slots: self.slots(),
                        grad_slots,
                        agents: self.agents,
                    };
                    layer_norm_backward_weights::record(rec, params, dy, x, *moments, grads)?;
                    let params = layer_norm_backward_input::Params {
                        batch,
                        width,
                        nets: self.nets,
                        net_params: net.params,
                        weight_offset: *weight_offset,
                        slots: self.slots(),
                        grad_slots,
                        agents: self.agents,
                    };
                    layer_norm_backward_input::record(rec, params, dy, x, *moments, weights, deltas[*from])?;
                }
                (Op::Silu { from, to }, _) => {
                    let count = self.batch * net.tensors[*from].width;
                    let params =
                        silu_backward::Params { count, slots: self.slots(), grad_slots, agents: self.agents };
                    silu_backward::record(rec, params, deltas[*to], at.tensors[*from], deltas[*from])?;
                }
                (Op::Dueling { from, from_offset, to, head }, _) => {
                    let params = dueling_backward::Params {
                        rows: self.agents * grad_slots * self.batch,
                        actions: head.actions,
                        raw_stride: net.tensors[*from].width,
                        raw_offset: *from_offset,
                        q_stride: net.tensors[*to].width,
                        q_offset: head.offset,
                    };
                    dueling_backward::record(rec, params, deltas[*to], deltas[*from])?;
                }
                (Op::AppendActions { .. }, _) | (Op::LayerNorm { .. }, None) => {}
            }
        }
        Ok(())
    }
}
