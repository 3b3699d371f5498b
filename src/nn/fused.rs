//! The fused path: a narrow perceptron goes through the device in one dispatch per direction instead of one per layer.
//!
//! It gives the bits of the layered path (the same sums in the same order) with fewer dispatches, and with each weight
//! read once for 32 rows. Its hidden tensors share one buffer, the tape, in the place of the first hidden tensor; the places
//! of the others stay empty.

use crate::config::PathChoice;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::kernels::fused_forward::{MAX_LAYERS, MAX_WIDTH, Params};
use crate::kernels::{fused_backward, fused_forward, fused_gradients, pack_slots};
use crate::nn::layout::Tensor;
use crate::nn::network::{Network, Path};
use crate::nn::op::Op;
use crate::nn::slots::Pass;

impl Network {
    /// The network on the path that `choice` asks for. `auto` takes the fused one on hardware, where a dispatch costs more than
    /// a layer of a narrow network; on the CPU layers are faster. An error says why the network cannot take it.
    pub fn on(self, choice: PathChoice, hardware: bool) -> std::result::Result<Network, String> {
        match (choice, self.fused()) {
            (PathChoice::Fused, fused) => fused,
            (PathChoice::Auto, Ok(fused)) if hardware => Ok(fused),
            _ => Ok(Network { path: Path::Layered, ..self }),
        }
    }

    /// Why [`Network::on`] takes the path it does, for people.
    pub fn path_reason(&self, choice: PathChoice, hardware: bool) -> String {
        match (choice, self.fused()) {
            (PathChoice::Layered | PathChoice::Fused, _) => format!("--path {}", self.path),
            (PathChoice::Auto, Err(why)) => format!("the network does not allow fused: {why}"),
            (PathChoice::Auto, Ok(_)) if hardware => {
                "auto takes fused on hardware GPUs for networks that allow it".into()
            }
            (PathChoice::Auto, Ok(_)) => {
                "auto takes fused on hardware GPUs alone; --path fused takes it here".into()
            }
        }
    }

    /// The network on the fused path, or why it cannot be.
    pub fn fused(&self) -> std::result::Result<Network, String> {
        let (layers, tensors) = (self.ops.len(), self.tensors());
        if !self.ops.iter().all(|op| matches!(op, Op::Dense(_))) || tensors.len() != layers + 1 {
            return Err(
                "it takes plain perceptrons: no convolutions, no layer norm, no dueling heads, no silu"
                    .into(),
            );
        }
        if !(2..=MAX_LAYERS).contains(&layers) {
            return Err(format!("it takes at most {} hidden layers", MAX_LAYERS - 1));
        }
        let widths: Vec<u32> = tensors.iter().map(Tensor::width).collect();
        if let Some(width) = widths.iter().find(|width| **width > MAX_WIDTH) {
            return Err(format!("it takes widths up to {MAX_WIDTH}, and one is {width}"));
        }
        if let Some(width) = widths[1..layers].iter().find(|width| !width.is_multiple_of(4)) {
            return Err(format!("it takes hidden widths that are multiples of 4, and one is {width}"));
        }
        Ok(Network { path: Path::Fused, ..self.clone() })
    }
}

impl Pass {
    /// Sizes for the fused kernels, over the first `slots` evaluations.
    fn fused_params(&self, net: &Network, slots: u32) -> Params {
        let width = |tensor: usize| net.tensors().get(tensor).map_or(0, Tensor::width);
        let offset = |layer: usize| match net.ops.get(layer) {
            Some(Op::Dense(dense)) => dense.weight_offset,
            _ => 0,
        };
        Params {
            batch: self.batch,
            agents: self.agents,
            slots,
            tape_slots: self.gradients,
            inputs: self.inputs,
            nets: self.nets,
            net_params: net.params(),
            slot_net: self.slot_net(),
            slot_x: pack_slots(&self.slot_input),
            activation: net.tensors()[1].activation as u32,
            layers: net.ops.len() as u32,
            width0: width(0),
            width1: width(1),
            width2: width(2),
            width3: width(3),
            width4: width(4),
            offset0: offset(0),
            offset1: offset(1),
            offset2: offset(2),
            offset3: offset(3),
        }
    }

    /// One buffer per tensor: the input, the tape, nothing, and `[agents, slots, batch, outputs]`.
    pub(super) fn fused_tensors(
        &self,
        buffers: &mut Buffers,
        prefix: &str,
        net: &Network,
        input: Buffer<f32>,
        hint: &'static str,
    ) -> Vec<Buffer<f32>> {
        let params = self.fused_params(net, self.slots());
        let tape = params.tape_width() as u64 * self.rows_of(self.gradients);
        let outputs = u64::from(net.outputs()) * self.rows_of(self.slots());
        let sizes = (1..net.tensors().len()).map(|i| match i {
            _ if i + 1 == net.tensors().len() => ("", outputs),
            1 => ("_tape", tape),
            _ => ("_unused", 0),
        });
        let hidden =
            sizes.zip(1..).map(|((what, words), i)| buffers.add(format!("{prefix}{i}{what}"), words, hint));
        [input].into_iter().chain(hidden).collect()
    }

    /// The same for gradients `[agents, gradients, batch, ..]`; none of the input.
    pub(super) fn fused_deltas(
        &self,
        buffers: &mut Buffers,
        prefix: &str,
        net: &Network,
        hint: &'static str,
    ) -> Vec<Buffer<f32>> {
        let params = self.fused_params(net, self.gradients);
        let rows = self.rows_of(self.gradients);
        let last = net.tensors().len() - 1;
        let words = |i: usize| match i {
            _ if i == last => u64::from(net.outputs()) * rows,
            1 => params.gradient_width() as u64 * rows,
            _ => 0,
        };
        (0..=last).map(|i| buffers.add(format!("{prefix}{i}"), words(i), hint)).collect()
    }

    pub(super) fn fused_forward(
        &self,
        rec: &mut Recording,
        net: &Network,
        weights: Buffer<f32>,
        tensors: &[Buffer<f32>],
    ) -> Result<()> {
        let params = self.fused_params(net, self.slots());
        fused_forward::record(rec, params, tensors[0], weights, tensors[tensors.len() - 1], tensors[1])
    }

    pub(super) fn fused_backward(
        &self,
        rec: &mut Recording,
        net: &Network,
        weights: Buffer<f32>,
        tensors: &[Buffer<f32>],
        deltas: &[Buffer<f32>],
        grads: Buffer<f32>,
        slots: u32,
    ) -> Result<()> {
        let params = self.fused_params(net, slots);
        let (tape, gradient, dq) = (tensors[1], deltas[1], deltas[deltas.len() - 1]);
        fused_backward::record(rec, params, dq, weights, tape, gradient)?;
        fused_gradients::record(rec, params, tape, gradient, grads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Activation;
    use crate::nn::NetworkSpec;

    #[test]
    fn narrow_perceptrons_fit_and_others_say_why_not() {
        let of = |hidden: &[u32]| NetworkSpec::mlp(4, hidden, 2, Activation::Relu);
        let fused = Network::new(&of(&[120, 84])).fused().expect("the network of the throughput rows");
        assert_eq!(fused.path, Path::Fused);
        let why = |spec: NetworkSpec| Network::new(&spec).fused().expect_err("refused");
        assert!(why(of(&[132])).contains("132"));
        assert!(why(of(&[64, 63])).contains("63"));
        assert!(why(of(&[8, 8, 8, 8])).contains("3 hidden layers"));
        assert!(why(NetworkSpec { layer_norm: true, ..of(&[64]) }).contains("layer norm"));
        assert!(why(NetworkSpec::mlp(4, &[64], 2, Activation::Silu)).contains("silu"));
        assert!(why(NetworkSpec::mlp(129, &[64], 2, Activation::Relu)).contains("129"));
    }
}
