//! Convolution of grids for several networks at once, and what its kernels share. Twin of `shaders/conv2d_forward.wgsl`.
//!
//! ```
//! use softq::kernels::conv2d_forward::{Params, twin, windows};
//! use softq::kernels::{conv2d_backward_input, conv2d_backward_weights};
//!
//! // One row of four cells, seen through windows of two that lie beside each other.
//! let out_width = windows(4, 2, 2, 0);
//! assert_eq!((out_width, windows(4, 2, 1, 0), windows(1, 2, 1, 0)), (2, 3, 0));
//! let params = Params {
//!     batch: 1, height: 1, width: 4, channels: 1, kernel_height: 1, kernel_width: 2, stride_y: 1, stride_x: 2,
//!     out_height: 1, out_width, filters: 1, nets: 1, net_params: 3, slots: 1, x_slots: 1, agents: 1,
//!     ..Params::default()
//! };
//! let (x, weights) = ([1.0, 2.0, 3.0, 4.0], [1.0, 10.0, 0.5]);
//! let mut y = [0.0; 2];
//! twin(&params, &x, &weights, &mut y);
//! assert_eq!(y, [21.5, 43.5]);
//!
//! // Its gradients: of both weights and the bias, and of the cells.
//! let (dy, mut grads, mut dx) = ([1.0, -1.0], [0.0; 3], [0.0; 4]);
//! conv2d_backward_weights::twin(&params, &x, &dy, &mut grads);
//! assert_eq!(grads, [-2.0, -2.0, 0.0]);
//! conv2d_backward_input::twin(&params, &dy, &weights, &x, &mut dx);
//! assert_eq!(dx, [1.0, 10.0, -1.0, -10.0]);
//! ```

use crate::engine::kernel::Work;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::dense_forward::activate;
use crate::kernels::matmul::convolution::forward;
use crate::kernels::{distinct, extent, groups, largest, nibble, product};

gpu_struct! {
    /// Sizes and slot tables; see `shaders/shared/conv2d.wgsl`.
    pub struct Params {
        /// Rows per slot.
        pub batch: u32,
        /// Rows of an input's grid.
        pub height: u32,
        /// Its cells per row.
        pub width: u32,
        /// Its numbers per cell.
        pub channels: u32,
        /// Rows of a window.
        pub kernel_height: u32,
        /// Its cells per row.
        pub kernel_width: u32,
        /// Rows between two windows.
        pub stride_y: u32,
        /// Columns between two windows.
        pub stride_x: u32,
        /// Rows of zeros above and below the input.
        pub pad_y: u32,
        /// Columns of zeros to the left and the right of it.
        pub pad_x: u32,
        /// Rows of windows.
        pub out_height: u32,
        /// Windows per row.
        pub out_width: u32,
        /// Outputs per window.
        pub filters: u32,
        /// Networks per agent in `weights`.
        pub nets: u32,
        /// Parameters per network.
        pub net_params: u32,
        /// Where this layer's weights start in a network.
        pub weight_offset: u32,
        /// Evaluations per agent; in the backward kernels those with a gradient.
        pub slots: u32,
        /// Evaluations or inputs per agent in `x`.
        pub x_slots: u32,
        /// Net of each slot, 4 bits each.
        pub slot_net: u32,
        /// Input of each slot, 4 bits each.
        pub slot_x: u32,
        /// `Activation` as a number: of the output, in `conv2d_backward_input` of the input.
        pub activation: u32,
        /// Agents.
        pub agents: u32,
    }
}

/// Windows of `kernel` cells, `stride` apart, along an axis of `size` cells with `pad` zeros at both ends; 0 if none fits.
pub fn windows(size: u32, kernel: u32, stride: u32, pad: u32) -> u32 {
    match (u64::from(size) + 2 * u64::from(pad)).checked_sub(kernel.into()) {
        Some(room) if kernel > 0 && stride > 0 => u32::try_from(room / u64::from(stride) + 1).unwrap_or(0),
        _ => 0,
    }
}

impl Params {
    /// Weights of one filter.
    pub fn depth(&self) -> usize {
        (self.kernel_height * self.kernel_width * self.channels) as usize
    }

    /// Windows of one input.
    pub fn positions(&self) -> usize {
        (self.out_height * self.out_width) as usize
    }

    /// Numbers of one input.
    pub fn input(&self) -> usize {
        (self.height * self.width * self.channels) as usize
    }

    /// Whether the output has the windows that the input has room for.
    pub(super) fn fits(&self) -> bool {
        let rows = windows(self.height, self.kernel_height, self.stride_y, self.pad_y);
        let columns = windows(self.width, self.kernel_width, self.stride_x, self.pad_x);
        self.filters > 0 && self.channels > 0 && (rows, columns) == (self.out_height, self.out_width)
    }

    /// Elements of inputs `[agents, x_slots, batch, height, width, channels]`, of which slot `last` is read.
    pub(super) fn inputs_end(&self, x_slots: u32, last: u32) -> u64 {
        let one = product(&[self.batch, self.height, self.width, self.channels]);
        extent(self.agents, x_slots, one, last, one)
    }

    /// Elements of outputs `[agents, slots, batch, out_height, out_width, filters]`.
    pub(super) fn outputs_end(&self) -> u64 {
        product(&[self.agents, self.slots, self.batch, self.out_height, self.out_width, self.filters])
    }

    /// Elements of parameters `[agents, nets, net_params]`, of which this layer of net `last` is used.
    pub(super) fn parameters_end(&self, nets: u32, last: u32) -> u64 {
        let weights = product(&[self.kernel_height, self.kernel_width, self.channels, self.filters]);
        let end = u64::from(self.weight_offset).saturating_add(weights).saturating_add(self.filters.into());
        extent(self.agents, nets, self.net_params.into(), last, end)
    }

    /// Work of the sums over windows, forward or for the weights, where so many different inputs and networks take part.
    pub(super) fn work(&self, inputs: u32, nets: u32) -> Work {
        let outputs = self.outputs_end();
        let layer = (self.depth() as u64 + 1) * u64::from(self.filters);
        Work {
            operations: outputs * (2 * self.depth() as u64 + 1),
            words: product(&[self.agents, inputs, self.batch]) * self.input() as u64
                + product(&[self.agents, nets]) * layer
                + outputs,
        }
    }

    /// Pairs of a window of one input and a cell in it.
    pub(super) fn cells_in_windows(&self) -> u64 {
        let axis = |size: u32, kernel: u32, stride: u32, pad: u32, windows: u32| -> u64 {
            let inside = |window: u32| {
                let first = u64::from(window) * u64::from(stride);
                let (low, high) = (u64::from(pad), u64::from(pad) + u64::from(size));
                (first + u64::from(kernel)).min(high).saturating_sub(first.max(low))
            };
            (0..windows).map(inside).sum()
        };
        axis(self.height, self.kernel_height, self.stride_y, self.pad_y, self.out_height)
            * axis(self.width, self.kernel_width, self.stride_x, self.pad_x, self.out_width)
    }

    /// Where the input's cell lies that `tap` of the window at `place` covers, channels aside; `None` in the padding.
    pub(super) fn cell(&self, place: usize, tap: usize) -> Option<usize> {
        let (place, tap) = (place as u32, tap as u32);
        let y = place / self.out_width * self.stride_y + tap / self.kernel_width;
        let x = place % self.out_width * self.stride_x + tap % self.kernel_width;
        let (y, x) = (y.checked_sub(self.pad_y)?, x.checked_sub(self.pad_x)?);
        (y < self.height && x < self.width).then(|| ((y * self.width + x) * self.channels) as usize)
    }
}

kernel! {
    /// `y = act(x * W + b)` over agents and slots.
    conv2d_forward, params Params, workgroup 64,
    bindings { read x: f32, read weights: f32, write y: f32 }
    sizes |p, _| vec![
        p.inputs_end(p.x_slots, largest(p.slot_x, p.slots)),
        p.parameters_end(p.nets, largest(p.slot_net, p.slots)),
        p.outputs_end(),
    ];
    grid |p| match p.fits() {
        true => [
            groups(
                product(&[p.batch, p.out_height, p.out_width]).div_ceil(4) * u64::from(p.filters.div_ceil(4)),
                64,
            ),
            p.slots.into(),
            p.agents.into(),
        ],
        false => [0; 3],
    };
    loops |p, _| {
        product(&[p.kernel_height, p.kernel_width, p.channels + 1]).saturating_add(p.kernel_height.into())
    };
    work |p| p.work(distinct(p.slot_x, p.slots), distinct(p.slot_net, p.slots));
    twin forward
}

/// The shader's sums, one output after the other: what `matmul/convolution.rs` gives faster.
pub fn twin(p: &Params, x: &[f32], weights: &[f32], y: &mut [f32]) {
    let [batch, slots, filters, channels] = [p.batch, p.slots, p.filters, p.channels].map(|d| d as usize);
    let (positions, depth) = (p.positions(), p.depth());
    for (index, y) in y.chunks_exact_mut(filters).take(p.outputs_end() as usize / filters).enumerate() {
        let (place, image) = (index % positions, index / positions);
        let (row, slot, agent) = (image % batch, image / batch % slots, image / batch / slots);
        let x_row = (agent * p.x_slots as usize + nibble(p.slot_x, slot)) * batch + row;
        let x = &x[x_row * p.input()..][..p.input()];
        let net = agent * p.nets as usize + nibble(p.slot_net, slot);
        let w = net * p.net_params as usize + p.weight_offset as usize;
        for (j, y) in y.iter_mut().enumerate() {
            let mut sum = 0.0;
            for tap in 0..depth / channels {
                let cell = p.cell(place, tap);
                for c in 0..channels {
                    let input = cell.map_or(0.0, |cell| x[cell + c]);
                    sum += input * weights[w + (tap * channels + c) * filters + j];
                }
            }
            *y = activate(p.activation, sum + weights[w + depth * filters + j]);
        }
    }
}
