//! A two-dimensional convolution with its activation, from a grid to a grid, both channels-last.

use rand::rngs::StdRng;

use crate::config::Init;
use crate::engine::recording::Recording;
use crate::error::Result;
use crate::kernels::conv2d_forward::{Params, windows};
use crate::kernels::{Activation, conv2d_backward_input, conv2d_backward_weights, conv2d_forward};
use crate::nn::init::{Block, torch_default};
use crate::nn::layout::Layout;
use crate::nn::op::{Backward, Forward, Operation};
use crate::shared::shape::Shape;

/// What a convolution is, whatever it is applied to; of each pair, rows come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Channels of the output.
    pub filters: u32,
    /// Cells of a window.
    pub kernel: [u32; 2],
    /// Cells between two windows.
    pub stride: [u32; 2],
    /// Cells of zeros at each edge of the input.
    pub padding: [u32; 2],
}

impl Convolution {
    /// Square windows without padding.
    pub const fn square(filters: u32, kernel: u32, stride: u32) -> Convolution {
        Convolution { filters, kernel: [kernel; 2], stride: [stride; 2], padding: [0; 2] }
    }

    /// `[height, width, channels]` of the output; a height or width of 0 where no window fits into the input.
    pub fn output(&self, input: Shape) -> [u32; 3] {
        let [height, width, _] = input.grid();
        let along =
            |axis: usize, size| windows(size, self.kernel[axis], self.stride[axis], self.padding[axis]);
        [along(0, height), along(1, width), self.filters]
    }
}

/// `to = act(from * W + b)`: W `[kernel height, kernel width, channels, filters]`, then b.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Input tensor.
    pub from: usize,
    /// Output tensor.
    pub to: usize,
    /// First weight.
    pub weight_offset: u32,
    /// Sizes.
    pub convolution: Convolution,
}

impl Conv2d {
    /// From the last tensor to a new one.
    pub fn new(layout: &mut Layout, name: &str, convolution: Convolution, activation: Activation) -> Conv2d {
        let from = layout.last();
        let [_, _, channels] = layout.tensors[from].shape.grid();
        let to = layout.push_grid(convolution.output(layout.tensors[from].shape), activation);
        layout.align();
        let Convolution { filters, kernel: [height, width], .. } = convolution;
        let weight_offset =
            layout.parameter(format!("{name}.weight"), vec![height, width, channels, filters]);
        layout.parameter(format!("{name}.bias"), vec![filters]);
        Conv2d { from, to, weight_offset, convolution }
    }

    /// Numbers of a window.
    fn depth(&self, layout: &Layout) -> u32 {
        let [_, _, channels] = layout.tensors[self.from].shape.grid();
        self.convolution.kernel.iter().product::<u32>() * channels
    }

    /// Its weights.
    pub(in crate::nn) fn block(&self, layout: &Layout) -> Block {
        let [fan_in, fan_out, offset] =
            [self.depth(layout), self.convolution.filters, self.weight_offset].map(|n| n as usize);
        Block { offset, stride: fan_out, fan_in, fan_out, bias: offset + fan_in * fan_out }
    }

    /// Sizes for a pass of `slots` evaluations, with the activation of tensor `activated`.
    fn params(&self, at: &Forward<'_>, slots: u32, activated: usize) -> Params {
        let Forward { layout, pass, .. } = *at;
        let [[height, width, channels], [out_height, out_width, filters]] =
            [self.from, self.to].map(|tensor| layout.tensors[tensor].shape.grid());
        let (x_slots, slot_x) = pass.source(self.from, slots);
        let Convolution { kernel, stride, padding, .. } = self.convolution;
        Params {
            batch: pass.batch,
            height,
            width,
            channels,
            kernel_height: kernel[0],
            kernel_width: kernel[1],
            stride_y: stride[0],
            stride_x: stride[1],
            pad_y: padding[0],
            pad_x: padding[1],
            out_height,
            out_width,
            filters,
            nets: pass.nets,
            net_params: layout.params,
            weight_offset: self.weight_offset,
            slots,
            x_slots,
            slot_net: pass.slot_net(),
            slot_x,
            activation: layout.tensors[activated].activation as u32,
            agents: pass.agents,
        }
    }
}

impl Operation for Conv2d {
    fn init(&self, layout: &Layout, rng: &mut StdRng, params: &mut [f32]) {
        let (initialiser, block) = (&layout.initialiser, self.block(layout));
        let gain = initialiser.gain_of(layout.activation, false);
        if initialiser.init != Init::TorchDefault {
            return block.fill(initialiser.init, gain, rng, params);
        }
        let layer = &mut params[block.offset..block.bias + block.fan_out];
        torch_default(self.depth(layout), gain, rng, layer);
    }

    fn forward(&self, rec: &mut Recording, at: &Forward<'_>) -> Result<()> {
        let params = self.params(at, at.pass.slots(), self.to);
        conv2d_forward::record(rec, params, at.tensors[self.from], at.weights, at.tensors[self.to])
    }

    fn backward(&self, rec: &mut Recording, at: &Backward<'_>) -> Result<()> {
        let Forward { weights, tensors, .. } = at.forward;
        let (x, dy) = (tensors[self.from], at.deltas[self.to]);
        let params = self.params(&at.forward, at.slots, self.from);
        if at.wanted.parameters() {
            conv2d_backward_weights::record(rec, params, x, dy, at.grads)?;
        }
        // Nothing in front of the first layer is learnt.
        if self.from == 0 && !at.wanted.input() {
            return Ok(());
        }
        conv2d_backward_input::record(rec, params, dy, weights, x, at.deltas[self.from])
    }
}
