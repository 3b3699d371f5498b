//! Cases of the convolution kernels.

use super::dense::{agents, weights};
use crate::kernels::conv2d_forward::{Params, windows};
use crate::kernels::{conv2d_backward_input, conv2d_backward_weights, conv2d_forward, pack_slots};
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::{Draw, Style};
use crate::verify::oracle;

/// What a case convolves.
#[derive(Clone, Copy)]
struct Sizes {
    batch: u32,
    /// Height, width, channels.
    input: [u32; 3],
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
    filters: u32,
}

const fn sizes(
    batch: u32,
    input: [u32; 3],
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
    filters: u32,
) -> Sizes {
    Sizes { batch, input, kernel, stride, padding, filters }
}

/// A number, MinAtar's and Nature's windows, tile and workgroup edges, unused edges, wide padding, strides beyond the kernel.
const SIZES: [Sizes; 18] = [
    sizes(1, [1, 1, 1], [1, 1], [1, 1], [0, 0], 1),
    sizes(2, [10, 10, 4], [3, 3], [1, 1], [0, 0], 16),
    sizes(3, [10, 10, 7], [3, 3], [1, 1], [0, 0], 5),
    sizes(1, [20, 24, 3], [8, 8], [4, 4], [0, 0], 9),
    sizes(2, [9, 10, 5], [4, 4], [2, 2], [0, 0], 8),
    sizes(2, [7, 7, 6], [3, 3], [1, 1], [0, 0], 6),
    sizes(4, [9, 10, 3], [3, 5], [2, 1], [1, 2], 6),
    sizes(63, [3, 4, 2], [2, 3], [1, 1], [0, 0], 3),
    sizes(64, [3, 3, 1], [3, 3], [1, 1], [1, 1], 2),
    sizes(65, [4, 2, 3], [1, 2], [3, 1], [0, 0], 4),
    sizes(257, [2, 2, 1], [2, 2], [1, 1], [0, 1], 5),
    sizes(1021, [1, 2, 2], [1, 1], [1, 1], [0, 0], 3),
    sizes(3, [5, 6, 2], [2, 2], [3, 4], [0, 0], 7),
    sizes(2, [1, 1, 3], [3, 3], [1, 1], [1, 1], 65),
    sizes(2, [2, 3, 2], [2, 2], [2, 1], [3, 4], 4),
    sizes(5, [6, 1, 65], [3, 1], [1, 1], [2, 0], 4),
    sizes(1, [31, 37, 1], [1, 7], [1, 5], [0, 3], 2),
    sizes(129, [1, 3, 4], [1, 3], [1, 1], [0, 1], 8),
];

/// The sizes of case `index`; beyond the list small ones are drawn.
fn sizes_of(draw: &mut Draw, index: usize) -> Sizes {
    if let Some(sizes) = SIZES.get(index) {
        return *sizes;
    }
    let mut axis = || {
        let (size, padding) = (draw.int(1, 7), draw.int(0, 2));
        (size, draw.int(1, (size + 2 * padding).min(4)), draw.int(1, 3), padding)
    };
    let (rows, columns) = (axis(), axis());
    Sizes {
        batch: draw.size(65),
        input: [rows.0, columns.0, draw.int(1, 9)],
        kernel: [rows.1, columns.1],
        stride: [rows.2, columns.2],
        padding: [rows.3, columns.3],
        filters: draw.int(1, 17),
    }
}

/// A layer somewhere in its network; slots and their tables are still to be set.
fn params(draw: &mut Draw, index: usize) -> Params {
    let Sizes { batch, input, kernel, stride, padding, filters } = sizes_of(draw, index);
    let [out_height, out_width] =
        [0, 1].map(|axis| windows(input[axis], kernel[axis], stride[axis], padding[axis]));
    let weight_offset = draw.int(0, 17);
    let depth = kernel[0] * kernel[1] * input[2];
    Params {
        batch,
        height: input[0],
        width: input[1],
        channels: input[2],
        kernel_height: kernel[0],
        kernel_width: kernel[1],
        stride_y: stride[0],
        stride_x: stride[1],
        pad_y: padding[0],
        pad_x: padding[1],
        out_height,
        out_width,
        filters,
        nets: 1,
        net_params: weight_offset + (depth + 1) * filters + draw.int(0, 9),
        weight_offset,
        slots: 1,
        x_slots: 1,
        slot_net: 0,
        slot_x: 0,
        activation: index as u32 % 3,
        agents: agents(index, batch * out_height * out_width * depth * filters),
    }
}

fn table(draw: &mut Draw, slots: u32, below: u32) -> u32 {
    pack_slots(&(0..slots).map(|_| draw.int(0, below - 1)).collect::<Vec<_>>())
}

/// Numbers of `slots` inputs and of as many outputs per agent.
fn counts(p: &Params, x_slots: u32) -> [usize; 2] {
    let rows = (p.agents * p.batch) as usize;
    [x_slots as usize * rows * p.input(), p.slots as usize * rows * p.positions() * p.filters as usize]
}

/// `conv2d_forward`: all activations, slots that share nets and inputs.
pub fn conv2d_forward(draw: &mut Draw, index: usize) -> Case {
    let mut p = params(draw, index);
    (p.nets, p.x_slots, p.slots) = (draw.int(1, 3), draw.int(1, 3), draw.int(1, 3));
    (p.slot_net, p.slot_x) = (table(draw, p.slots, p.nets), table(draw, p.slots, p.x_slots));
    let mut case = Case::new(&conv2d_forward::KERNEL, None, p, &format!("{:?}", draw.style));
    let x = draw.values(counts(&p, p.x_slots)[0]);
    case.set("x", &x);
    let layer = (p.depth() as u32 + 1) * p.filters;
    case.set("weights", &weights(draw, p.agents * p.nets, p.net_params, p.weight_offset, layer));
    case
}

/// `conv2d_backward_input`: the layer below has just been activated, so relu outputs are 0 or clearly positive.
pub fn conv2d_backward_input(draw: &mut Draw, index: usize) -> Case {
    let mut p = params(draw, index);
    p.slots = draw.int(1, 2);
    (p.nets, p.x_slots) = (p.slots + draw.int(0, 2), p.slots + draw.int(0, 2));
    let mut case = Case::new(&conv2d_backward_input::KERNEL, None, p, &format!("{:?}", draw.style));
    let output = |draw: &mut Draw| match p.activation {
        1 if draw.one_in(2) => 0.0,
        1 => draw.magnitude(-3.0, 3.0),
        _ => draw.float(-1.0, 1.0),
    };
    let x: Vec<f32> = (0..counts(&p, p.x_slots)[0]).map(|_| output(draw)).collect();
    case.set("x", &x);
    let dy = draw.values(counts(&p, p.x_slots)[1]);
    case.set("dy", &dy);
    // The bias stays a sentinel: this kernel has no business there.
    let layer = p.depth() as u32 * p.filters;
    case.set("weights", &weights(draw, p.agents * p.nets, p.net_params, p.weight_offset, layer));
    case
}

/// `conv2d_backward_weights`: only one layer of `grads` may change.
pub fn conv2d_backward_weights(draw: &mut Draw, index: usize) -> Case {
    let mut p = params(draw, index);
    (p.slots, p.x_slots) = (draw.int(1, 2), draw.int(1, 3));
    p.slot_x = table(draw, p.slots, p.x_slots);
    let mut case = Case::new(&conv2d_backward_weights::KERNEL, None, p, &format!("{:?}", draw.style));
    let x = draw.values(counts(&p, p.x_slots)[0]);
    case.set("x", &x);
    let sparse = draw.style != Style::Unit;
    // As behind a relu, half of whose outputs have no gradient.
    let gradient = |draw: &mut Draw| if sparse && draw.one_in(2) { 0.0 } else { draw.value() };
    let dy: Vec<f32> = (0..counts(&p, p.x_slots)[1]).map(|_| gradient(draw)).collect();
    case.set("dy", &dy);
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&conv2d_forward::KERNEL, conv2d_forward, oracle::convolution::conv2d_forward)
        .within("(n+2) 2^-23 sum|x w|"),
    Check::new(
        &conv2d_backward_weights::KERNEL,
        conv2d_backward_weights,
        oracle::convolution::conv2d_backward_weights,
    )
    .within("(n+1) 2^-23 sum|x dy|"),
    Check::new(
        &conv2d_backward_input::KERNEL,
        conv2d_backward_input,
        oracle::convolution::conv2d_backward_input,
    )
    .within("(n+2) 2^-23 sum|dy w|"),
];
