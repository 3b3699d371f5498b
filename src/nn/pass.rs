//! Forward and backward passes of a [`Network`] over agents and slots: the operations one after the other, or the fused
//! kernels in their place.

use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::{Error, Result};
use crate::nn::network::{Network, Path};
use crate::nn::op::{Backward, Forward, Wanted};
use crate::nn::slots::Pass;

/// Tensors of a pass: `[agents, slots, batch, width]` each; the input is `[agents, inputs, batch, width]`.
#[derive(Clone, Debug)]
pub struct Activations {
    /// One buffer per tensor of the network.
    pub tensors: Vec<Buffer<f32>>,
    /// What each operation keeps for the backward pass.
    kept: Vec<Option<Buffer<f32>>>,
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
            return Activations { tensors, kept: Vec::new() };
        }
        let rows = pass.rows_of(pass.slots());
        let mut tensors = vec![input];
        for (i, tensor) in net.tensors().iter().enumerate().skip(1) {
            tensors.push(buffers.add(format!("{prefix}{i}"), rows * u64::from(tensor.width()), hint));
        }
        let mut kept = Vec::new();
        for (i, op) in net.ops.iter().enumerate() {
            let of_row = op.operation().kept(&net.layout);
            kept.push(of_row.map(|(name, words)| {
                buffers.add(format!("{prefix}_{name}{i}"), rows * u64::from(words), hint)
            }));
        }
        Activations { tensors, kept }
    }

    /// The action values.
    pub fn outputs(&self) -> Buffer<f32> {
        self.tensors[self.tensors.len() - 1]
    }
}

impl Pass {
    /// Declares the gradients of a pass, one buffer per tensor `[agents, gradients, batch, width]`; that of the input is a stub
    /// where it is not wanted.
    pub fn deltas(
        &self,
        buffers: &mut Buffers,
        prefix: &str,
        net: &Network,
        wanted: Wanted,
        hint: &'static str,
    ) -> Vec<Buffer<f32>> {
        if net.path == Path::Fused {
            return self.fused_deltas(buffers, prefix, net, hint);
        }
        let mut declare = |(i, width)| {
            buffers.add(format!("{prefix}{i}"), self.rows_of(self.gradients) * u64::from(width), hint)
        };
        let mut widths: Vec<u32> = net.tensors().iter().map(|tensor| tensor.width()).collect();
        if !wanted.input() {
            widths[0] = 0;
        }
        widths.into_iter().enumerate().map(&mut declare).collect()
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
            return self.fused_forward(rec, net, weights, &at.tensors);
        }
        for (op, kept) in net.ops.iter().zip(&at.kept) {
            op.operation().forward(rec, &self.place(net, weights, at, *kept))?;
        }
        Ok(())
    }

    /// Gradients of the nets of the first `grad_slots` slots, which must be nets 0, 1, ... in order. `deltas` holds one
    /// buffer per tensor, `[agents, grad_slots, batch, width]`: the gradient before that tensor's activation. The last one
    /// is given; the first is written only where the gradient of the input is wanted, which the fused path does not have.
    pub fn backward(
        &self,
        rec: &mut Recording,
        net: &Network,
        weights: Buffer<f32>,
        at: &Activations,
        deltas: &[Buffer<f32>],
        grads: Buffer<f32>,
        grad_slots: u32,
        wanted: Wanted,
    ) -> Result<()> {
        if net.path == Path::Fused {
            if wanted.input() {
                let message = "the fused path has no gradient of the input".into();
                return Err(Error::Kernel { kernel: "fused_backward".into(), message });
            }
            return self.fused_backward(rec, net, weights, &at.tensors, deltas, grads, grad_slots);
        }
        for (op, kept) in net.ops.iter().zip(&at.kept).rev() {
            let forward = self.place(net, weights, at, *kept);
            let place = Backward { forward, deltas, grads, slots: grad_slots, wanted };
            op.operation().backward(rec, &place)?;
        }
        Ok(())
    }

    fn place<'a>(
        &'a self,
        net: &'a Network,
        weights: Buffer<f32>,
        at: &'a Activations,
        kept: Option<Buffer<f32>>,
    ) -> Forward<'a> {
        Forward { layout: &net.layout, pass: self, weights, tensors: &at.tensors, kept }
    }
}
