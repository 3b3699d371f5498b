//! Cases of the dense kernels.

use crate::engine::kernel::Kernel;
use crate::kernels::{
    dense_backward_input, dense_backward_input_tiled, dense_backward_weights, dense_backward_weights_tiled,
    dense_forward, dense_forward_tiled, pack_slots,
};
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::{Draw, Style, strided};
use crate::verify::oracle;

/// `(batch, in_dim, out_dim)`: tile edges, workgroup edges, primes, long and thin, and the largest.
const SHAPES: [(u32, u32, u32); 18] = [
    (1, 1, 1),
    (64, 64, 64),
    (63, 4, 65),
    (65, 63, 2),
    (257, 3, 5),
    (1, 257, 1),
    (4, 1, 257),
    (31, 37, 41),
    (2, 1021, 7),
    (7, 2, 1021),
    (1021, 5, 3),
    (256, 128, 128),
    (5, 4, 4),
    (4, 5, 4),
    (4, 4, 5),
    (3, 4099, 2),
    (8191, 4, 3),
    (129, 127, 18),
];

pub(super) fn shape(draw: &mut Draw, index: usize) -> (u32, u32, u32) {
    SHAPES.get(index).copied().unwrap_or_else(|| (draw.size(257), draw.size(257), draw.size(129)))
}

/// Which form of a kernel: for any shape, or for sizes that are multiples of 4.
struct Form {
    kernel: &'static Kernel,
    unit: u32,
}

impl Form {
    fn size(&self, size: u32) -> u32 {
        if self.unit == 1 { size } else { size.next_multiple_of(self.unit).max(8) }
    }
}

/// Agents 1 and 3 in turn; large shapes keep to one.
pub(super) fn agents(index: usize, work: u32) -> u32 {
    if index % 2 == 1 && work < 1 << 20 { 3 } else { 1 }
}

/// Weights of `nets` networks of which only one layer is filled; a read beside it meets a sentinel.
pub(super) fn weights(draw: &mut Draw, networks: u32, net_params: u32, offset: u32, layer: u32) -> Vec<f32> {
    let mut weights =
        vec![f32::from_bits(crate::verify::case::READ_SENTINEL); (networks * net_params) as usize];
    for network in weights.chunks_mut(net_params as usize) {
        for weight in &mut network[offset as usize..(offset + layer) as usize] {
            *weight = draw.value();
        }
    }
    weights
}

/// `dense_forward`: all activations, slots that share nets and inputs.
pub fn dense_forward(draw: &mut Draw, index: usize) -> Case {
    forward(draw, index, Form { kernel: &dense_forward::KERNEL, unit: 1 })
}

/// `dense_forward_tiled`: the same with sizes and places that are multiples of 4.
pub fn dense_forward_tiled(draw: &mut Draw, index: usize) -> Case {
    forward(draw, index, Form { kernel: &dense_forward_tiled::KERNEL, unit: 4 })
}

fn forward(draw: &mut Draw, index: usize, form: Form) -> Case {
    let (batch, in_dim, out_dim) = shape(draw, index);
    let (in_dim, out_dim) = (form.size(in_dim), form.size(out_dim));
    let agents = agents(index, batch * in_dim * out_dim);
    let (nets, x_slots) = (draw.int(1, 4), draw.int(1, 5));
    let slots = if index % 5 == 4 { 8 } else { draw.int(1, 5) };
    let offset = form.unit * draw.int(0, 17);
    let layer = (in_dim + 1) * out_dim;
    let table = |draw: &mut Draw, below: u32| {
        pack_slots(&(0..slots).map(|_| draw.int(0, below - 1)).collect::<Vec<_>>())
    };
    let ((x_stride, x_offset), (y_stride, y_offset)) =
        (draw.columns_by(in_dim, form.unit), draw.columns_by(out_dim, form.unit));
    let params = dense_forward::Params {
        batch,
        in_dim,
        out_dim,
        nets,
        net_params: offset + layer + form.unit * draw.int(0, 9),
        weight_offset: offset,
        slots,
        x_slots,
        slot_net: table(draw, nets),
        slot_x: table(draw, x_slots),
        activation: index as u32 % 3,
        x_stride,
        x_offset,
        y_stride,
        y_offset,
        agents,
    };
    let mut case = Case::new(form.kernel, None, params, &format!("{:?}", draw.style));
    let x = strided(agents * x_slots * batch, (x_stride, x_offset), in_dim, || draw.value());
    case.set("x", &x);
    case.set("weights", &weights(draw, agents * nets, params.net_params, offset, layer));
    case
}

/// `dense_backward_input`: the layer below has just been activated, so relu outputs are 0 or clearly positive.
pub fn dense_backward_input(draw: &mut Draw, index: usize) -> Case {
    backward_input(draw, index, Form { kernel: &dense_backward_input::KERNEL, unit: 1 })
}

/// `dense_backward_input_tiled`: the same with sizes and places that are multiples of 4.
pub fn dense_backward_input_tiled(draw: &mut Draw, index: usize) -> Case {
    backward_input(draw, index, Form { kernel: &dense_backward_input_tiled::KERNEL, unit: 4 })
}

fn backward_input(draw: &mut Draw, index: usize, form: Form) -> Case {
    let (batch, out_dim, in_dim) = shape(draw, index);
    let (in_dim, out_dim) = (form.size(in_dim), form.size(out_dim));
    let agents = agents(index, batch * in_dim * out_dim);
    let grad_slots = draw.int(1, 2);
    let (nets, x_slots) = (grad_slots + draw.int(0, 2), grad_slots + draw.int(0, 3));
    let offset = form.unit * draw.int(0, 17);
    let layer = (in_dim + 1) * out_dim;
    let ((dy_stride, dy_offset), (x_stride, x_offset)) =
        (draw.columns_by(out_dim, form.unit), draw.columns_by(in_dim, form.unit));
    let params = dense_backward_input::Params {
        batch,
        in_dim,
        out_dim,
        nets,
        net_params: offset + layer + form.unit * draw.int(0, 9),
        weight_offset: offset,
        grad_slots,
        x_slots,
        activation: index as u32 % 3,
        dy_stride,
        dy_offset,
        x_stride,
        x_offset,
        agents,
    };
    let mut case = Case::new(form.kernel, None, params, &format!("{:?}", draw.style));
    let output = || match params.activation {
        1 if draw.one_in(2) => 0.0,
        1 => draw.magnitude(-3.0, 3.0),
        _ => draw.float(-1.0, 1.0),
    };
    case.set("x", &strided(agents * x_slots * batch, (x_stride, x_offset), in_dim, output));
    let dy = strided(agents * grad_slots * batch, (dy_stride, dy_offset), out_dim, || draw.value());
    case.set("dy", &dy);
    // The bias row stays a sentinel: this kernel has no business there.
    case.set("weights", &weights(draw, agents * nets, params.net_params, offset, in_dim * out_dim));
    case
}

/// `dense_backward_weights`: only one layer of `grads` may change.
pub fn dense_backward_weights(draw: &mut Draw, index: usize) -> Case {
    backward_weights(draw, index, Form { kernel: &dense_backward_weights::KERNEL, unit: 1 })
}

/// `dense_backward_weights_tiled`: the same with sizes and places that are multiples of 4.
pub fn dense_backward_weights_tiled(draw: &mut Draw, index: usize) -> Case {
    backward_weights(draw, index, Form { kernel: &dense_backward_weights_tiled::KERNEL, unit: 4 })
}

fn backward_weights(draw: &mut Draw, index: usize, form: Form) -> Case {
    let (mut batch, mut in_dim, out_dim) = shape(draw, index);
    if form.unit == 1 && index.is_multiple_of(2) && batch < 4096 {
        (batch, in_dim) = (in_dim, batch);
    }
    let (in_dim, out_dim) = (form.size(in_dim), form.size(out_dim));
    let agents = agents(index, batch * in_dim * out_dim);
    let grad_slots = draw.int(1, 2);
    let x_slots = draw.int(1, 5);
    let offset = form.unit * draw.int(0, 17);
    let slot_x: Vec<u32> = (0..grad_slots).map(|_| draw.int(0, x_slots - 1)).collect();
    let ((x_stride, x_offset), (dy_stride, dy_offset)) =
        (draw.columns_by(in_dim, form.unit), draw.columns_by(out_dim, form.unit));
    let params = dense_backward_weights::Params {
        batch,
        in_dim,
        out_dim,
        net_params: offset + (in_dim + 1) * out_dim + form.unit * draw.int(0, 9),
        weight_offset: offset,
        grad_slots,
        x_slots,
        slot_x: pack_slots(&slot_x),
        x_stride,
        x_offset,
        dy_stride,
        dy_offset,
        agents,
    };
    let mut case = Case::new(form.kernel, None, params, &format!("{:?}", draw.style));
    let x = strided(agents * x_slots * batch, (x_stride, x_offset), in_dim, || draw.value());
    case.set("x", &x);
    let sparse = draw.style != Style::Unit;
    // As in training, where only the taken action has a gradient.
    let gradient = || if sparse && draw.one_in(2) { 0.0 } else { draw.value() };
    case.set("dy", &strided(agents * grad_slots * batch, (dy_stride, dy_offset), out_dim, gradient));
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&dense_forward::KERNEL, dense_forward, oracle::dense::dense_forward)
        .within("(n+2) 2^-23 sum|x w|"),
    Check::new(&dense_forward_tiled::KERNEL, dense_forward_tiled, oracle::dense::dense_forward)
        .within("(n+2) 2^-23 sum|x w|"),
    Check::new(
        &dense_backward_weights::KERNEL,
        dense_backward_weights,
        oracle::dense::dense_backward_weights,
    )
    .within("(n+1) 2^-23 sum|x dy|"),
    Check::new(
        &dense_backward_weights_tiled::KERNEL,
        dense_backward_weights_tiled,
        oracle::dense::dense_backward_weights,
    )
    .within("(n+1) 2^-23 sum|x dy|"),
    Check::new(&dense_backward_input::KERNEL, dense_backward_input, oracle::dense::dense_backward_input)
        .within("(n+2) 2^-23 sum|dy w|"),
    Check::new(
        &dense_backward_input_tiled::KERNEL,
        dense_backward_input_tiled,
        oracle::dense::dense_backward_input,
    )
    .within("(n+2) 2^-23 sum|dy w|"),
];
