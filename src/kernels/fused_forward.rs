//! A whole perceptron for several networks at once, the layers of [`dense_forward`](super::dense_forward) in one dispatch,
//! and what the fused kernels share. Twin of `shaders/fused_forward.wgsl`.

use crate::engine::kernel::Work;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::matmul::{Dims, Finish, Left, Output, Right, matmul};
use crate::kernels::{Activation, distinct, extent, groups, largest, layer_end, nibble, product};

/// Dense layers of a network that fits the fused kernels.
pub const MAX_LAYERS: usize = 4;

/// Columns of a tensor in workgroup memory.
pub const MAX_WIDTH: u32 = 128;

/// Rows that a workgroup takes through the network.
pub(super) const GROUP_ROWS: u32 = 32;

gpu_struct! {
    /// Sizes and slot tables; see `shaders/shared/fused.wgsl`.
    pub struct Params {
        /// Rows per slot.
        pub batch: u32,
        /// Agents.
        pub agents: u32,
        /// Evaluations per agent; in the backward kernels those with a gradient.
        pub slots: u32,
        /// Evaluations whose activations are kept.
        pub tape_slots: u32,
        /// Inputs per agent in `x`.
        pub inputs: u32,
        /// Networks per agent in `weights`.
        pub nets: u32,
        /// Parameters per network.
        pub net_params: u32,
        /// Net of each slot, 4 bits each.
        pub slot_net: u32,
        /// Input of each slot, 4 bits each.
        pub slot_x: u32,
        /// `Activation` of the hidden layers as a number.
        pub activation: u32,
        /// Dense layers, 1 to 4.
        pub layers: u32,
        /// Length of an observation.
        pub width0: u32,
        /// Outputs of layer 0.
        pub width1: u32,
        /// Outputs of layer 1.
        pub width2: u32,
        /// Outputs of layer 2.
        pub width3: u32,
        /// Outputs of layer 3.
        pub width4: u32,
        /// First weight of layer 0.
        pub offset0: u32,
        /// First weight of layer 1.
        pub offset1: u32,
        /// First weight of layer 2.
        pub offset2: u32,
        /// First weight of layer 3.
        pub offset3: u32,
    }
}

impl Params {
    /// Widths of all tensors: observation, hidden layers, action values.
    pub fn widths(&self) -> Vec<usize> {
        let widths = [self.width0, self.width1, self.width2, self.width3, self.width4];
        widths
            .iter()
            .take(self.layers.min(MAX_LAYERS as u32) as usize + 1)
            .map(|width| *width as usize)
            .collect()
    }

    /// First weight of `layer`.
    pub fn offset(&self, layer: usize) -> usize {
        [self.offset0, self.offset1, self.offset2, self.offset3][layer] as usize
    }

    /// Words from the start of a row of the tape to `tensor`.
    pub fn tape_place(&self, tensor: usize) -> usize {
        self.widths()[..tensor].iter().map(|width| width.next_multiple_of(4)).sum()
    }

    /// Words of a row of the tape: observation and hidden layers.
    pub fn tape_width(&self) -> usize {
        self.tape_place(self.widths().len() - 1)
    }

    /// Words from the start of a row of the tape's gradient to `tensor`.
    pub fn gradient_place(&self, tensor: usize) -> usize {
        self.tape_place(tensor) - (self.width0 as usize).next_multiple_of(4)
    }

    /// Words of a row of the tape's gradient: hidden layers and action values.
    pub fn gradient_width(&self) -> usize {
        let widths = self.widths();
        self.gradient_place(widths.len() - 1) + widths[widths.len() - 1].next_multiple_of(4)
    }

    /// Inputs and outputs of each layer.
    pub(super) fn layers_between(&self) -> impl Iterator<Item = (u64, u64)> {
        let widths = self.widths();
        (1..widths.len()).map(move |layer| (widths[layer - 1] as u64, widths[layer] as u64))
    }

    /// Whether the kernels can take this network: sizes that fit the workgroup's memory, weights in whole fours.
    pub fn fits(&self) -> bool {
        let layers = self.layers as usize;
        let widths = self.widths();
        (1..=MAX_LAYERS).contains(&layers)
            && self.net_params.is_multiple_of(4)
            && (0..layers).all(|layer| self.offset(layer).is_multiple_of(4))
            && widths.iter().all(|width| (1..=MAX_WIDTH as usize).contains(width))
            && widths[1..layers].iter().all(|width| width.is_multiple_of(4))
            && [Activation::Identity, Activation::Relu, Activation::Tanh]
                .iter()
                .any(|activation| *activation as u32 == self.activation)
    }

    /// Elements of one agent's evaluations with `width` columns.
    pub(super) fn rows(&self, slots: u32, width: usize) -> u64 {
        product(&[self.agents, slots, self.batch, width as u32])
    }

    /// Elements that `weights` holds when net `last` of each agent is used.
    pub(super) fn weights(&self, last: u32) -> u64 {
        let widths = self.widths();
        let end = |layer: usize| {
            layer_end(self.offset(layer) as u32, widths[layer] as u32, widths[layer + 1] as u32)
        };
        let end = (0..widths.len() - 1).map(end).max().unwrap_or(0);
        extent(self.agents, self.nets, self.net_params.into(), last, end)
    }

    /// Iterations of one invocation of the kernels that go through all layers: columns moved, summed and stored.
    pub(super) fn loops(&self) -> u64 {
        let widths = self.widths();
        let outputs = widths[widths.len() - 1].div_ceil(8) * (widths[widths.len().saturating_sub(2)] + 1);
        (64 * widths.len() + 4 * widths.iter().sum::<usize>() + outputs) as u64
    }

    /// W and b of `layer` of network `net`.
    pub(super) fn layer<'a>(&self, weights: &'a [f32], net: usize, layer: usize) -> (&'a [f32], &'a [f32]) {
        let widths = self.widths();
        let [inputs, outputs] = [widths[layer], widths[layer + 1]];
        let first = net * self.net_params as usize + self.offset(layer);
        weights[first..][..(inputs + 1) * outputs].split_at(inputs * outputs)
    }
}

kernel! {
    /// All layers of `y = act(x W + b)` over agents and slots.
    fused_forward, params Params, workgroup 64,
    bindings { read x: f32, read weights: f32, write q: f32, write tape: f32 }
    sizes |p, _| match p.fits() {
        true => vec![
            extent(
                p.agents, p.inputs, product(&[p.batch, p.width0]), largest(p.slot_x, p.slots),
                product(&[p.batch, p.width0]),
            ),
            p.weights(largest(p.slot_net, p.slots)),
            p.rows(p.slots, p.widths()[p.layers as usize]),
            p.rows(p.tape_slots, p.tape_width()),
        ],
        false => vec![0; 4],
    };
    grid |p| match p.fits() && p.tape_slots <= p.slots {
        true => [groups(p.batch.into(), GROUP_ROWS.into()), p.slots.into(), p.agents.into()],
        false => [0; 3],
    };
    loops |p, _| if p.fits() { p.loops() } else { 0 };
    work |p| {
        let rows = product(&[p.agents, p.slots, p.batch]);
        let (mut operations, mut layers) = (0, 0);
        for (input, output) in p.layers_between() {
            operations += rows * output * (2 * input + 1);
            layers += (input + 1) * output;
        }
        let [inputs, nets] = [distinct(p.slot_x, p.slots), distinct(p.slot_net, p.slots)];
        let words = product(&[p.agents, inputs, p.batch, p.width0])
            + product(&[p.agents, nets]) * layers
            + rows * p.layers_between().last().map_or(0, |(_, output)| output)
            + p.rows(p.tape_slots, p.tape_width());
        Work { operations, words }
    };
    twin twin
}

fn twin(p: &Params, x: &[f32], weights: &[f32], q: &mut [f32], tape: &mut [f32]) {
    let [batch, slots, tape_slots] = [p.batch, p.slots, p.tape_slots].map(|d| d as usize);
    let widths = p.widths();
    let layers = widths.len() - 1;
    for agent in 0..p.agents as usize {
        for slot in 0..slots {
            let net = agent * p.nets as usize + nibble(p.slot_net, slot);
            let input = agent * p.inputs as usize + nibble(p.slot_x, slot);
            let mut tensor = x[input * batch * widths[0]..][..batch * widths[0]].to_vec();
            for layer in 0..layers {
                if slot < tape_slots {
                    let rows = (agent * tape_slots + slot) * batch;
                    keep(tape, rows, p.tape_width(), p.tape_place(layer), &tensor, widths[layer]);
                }
                let [inputs, outputs] = [widths[layer], widths[layer + 1]];
                let (w, b) = p.layer(weights, net, layer);
                let mut out = vec![0.0; batch * outputs];
                let left = Left { values: &tensor, row_stride: inputs, k_stride: 1 };
                let right = Right { values: w, row_stride: outputs, column_stride: 1 };
                let output = Output { values: &mut out, stride: outputs };
                let dims = Dims { rows: batch, columns: outputs, depth: inputs };
                let activation = if layer + 1 < layers { p.activation } else { 0 };
                matmul(left, right, output, dims, Finish::Activate { activation, bias: b });
                tensor = out;
            }
            q[(agent * slots + slot) * batch * widths[layers]..][..batch * widths[layers]]
                .copy_from_slice(&tensor);
        }
    }
}

/// Copies a tensor to its place in the rows of a tape from row `first` on, with zeros up to whole fours.
pub(super) fn keep(
    tape: &mut [f32],
    first: usize,
    stride: usize,
    place: usize,
    tensor: &[f32],
    width: usize,
) {
    for (row, values) in tensor.chunks_exact(width).enumerate() {
        let kept = &mut tape[(first + row) * stride + place..][..width.next_multiple_of(4)];
        kept[..width].copy_from_slice(values);
        kept[width..].fill(0.0);
    }
}
