//! Cases of the kernels between the dense layers: layer normalisation, silu and dueling heads.

use super::dense::{agents, shape, weights};
use crate::kernels::{
    append_actions, dueling, dueling_backward, layer_norm, layer_norm_backward_input,
    layer_norm_backward_weights, pack_slots, silu, silu_backward,
};
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::{Draw, SIZES, Style, strided};
use crate::verify::oracle;

/// PyTorch's default.
const EPS: f32 = 1e-5;

/// Rows for a layer norm: the case's style, some rows constant, some far from 0 in the mean.
fn rows(draw: &mut Draw, count: u32, width: u32) -> Vec<f32> {
    let mut values = Vec::with_capacity((count * width) as usize);
    for _ in 0..count {
        let (constant, mean) = (draw.one_in(6), if draw.one_in(4) { 50.0 } else { 0.0 });
        let first = draw.value();
        values.extend((0..width).map(|_| mean + if constant { first } else { draw.value() }));
    }
    values
}

/// Mean and `1 / sqrt(var + eps)` of each row, as the forward pass leaves them.
fn moments(x: &[f32], width: u32) -> Vec<f32> {
    let n = f64::from(width);
    x.chunks_exact(width as usize)
        .flat_map(|row| {
            let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
            let variance = row.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n;
            [mean as f32, (1.0 / (variance + f64::from(EPS)).sqrt()) as f32]
        })
        .collect()
}

/// `layer_norm`: constant rows, single columns, all activations.
pub fn layer_norm(draw: &mut Draw, index: usize) -> Case {
    let (batch, width, _) = shape(draw, index);
    let agents = agents(index, 8 * batch * width);
    let (nets, slots) = (draw.int(1, 4), draw.int(1, 5));
    let offset = draw.int(0, 17);
    let slot_net: Vec<u32> = (0..slots).map(|_| draw.int(0, nets - 1)).collect();
    let params = layer_norm::Params {
        batch,
        width,
        nets,
        net_params: offset + 2 * width + draw.int(0, 9),
        weight_offset: offset,
        slots,
        slot_net: pack_slots(&slot_net),
        activation: index as u32 % 3,
        eps: EPS,
        agents,
    };
    let mut case = Case::new(&layer_norm::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("x", &rows(draw, agents * slots * batch, width));
    case.set("weights", &weights(draw, agents * nets, params.net_params, offset, 2 * width));
    case
}

/// `layer_norm_backward_input`
pub fn layer_norm_backward_input(draw: &mut Draw, index: usize) -> Case {
    let (batch, width, _) = shape(draw, index);
    let agents = agents(index, 8 * batch * width);
    let grad_slots = draw.int(1, 2);
    let (nets, slots) = (grad_slots + draw.int(0, 2), grad_slots + draw.int(0, 3));
    let offset = draw.int(0, 17);
    let params = layer_norm_backward_input::Params {
        batch,
        width,
        nets,
        net_params: offset + 2 * width + draw.int(0, 9),
        weight_offset: offset,
        slots,
        grad_slots,
        agents,
    };
    let kernel = &layer_norm_backward_input::KERNEL;
    let mut case = Case::new(kernel, None, params, &format!("{:?}", draw.style));
    let x = rows(draw, agents * slots * batch, width);
    case.set("moments", &moments(&x, width));
    case.set("x", &x);
    let dy = draw.values((agents * grad_slots * batch * width) as usize);
    case.set("dy", &dy);
    // The shift has no gradient path to the input and stays a sentinel.
    case.set("weights", &weights(draw, agents * nets, params.net_params, offset, width));
    case
}

/// `layer_norm_backward_weights`: only one layer of `grads` may change.
pub fn layer_norm_backward_weights(draw: &mut Draw, index: usize) -> Case {
    let (batch, width, _) = shape(draw, index);
    let agents = agents(index, 8 * batch * width);
    let grad_slots = draw.int(1, 2);
    let slots = grad_slots + draw.int(0, 3);
    let offset = draw.int(0, 17);
    let params = layer_norm_backward_weights::Params {
        batch,
        width,
        net_params: offset + 2 * width + draw.int(0, 9),
        weight_offset: offset,
        slots,
        grad_slots,
        agents,
    };
    let kernel = &layer_norm_backward_weights::KERNEL;
    let mut case = Case::new(kernel, None, params, &format!("{:?}", draw.style));
    let x = rows(draw, agents * slots * batch, width);
    case.set("moments", &moments(&x, width));
    case.set("x", &x);
    let dy = draw.values((agents * grad_slots * batch * width) as usize);
    case.set("dy", &dy);
    case
}

/// `(rows, actions)` of a dueling head.
fn head(draw: &mut Draw, index: usize) -> (u32, u32) {
    let (rows, actions, _) = shape(draw, index);
    (rows, actions)
}

/// Columns of A and of V, which stands before or behind A, as the shared V of several heads does.
fn places(draw: &mut Draw, first: u32, actions: u32) -> [u32; 2] {
    if draw.one_in(2) { [first, first + actions] } else { [first + 1, first] }
}

/// `dueling`: heads alone and side by side.
pub fn dueling(draw: &mut Draw, index: usize) -> Case {
    let (rows, actions) = head(draw, index);
    let ((raw_stride, first), (q_stride, q_offset)) = (draw.columns(actions + 1), draw.columns(actions));
    let [raw_offset, value_offset] = places(draw, first, actions);
    let params = dueling::Params { rows, actions, raw_stride, raw_offset, value_offset, q_stride, q_offset };
    let mut case = Case::new(&dueling::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("raw", &strided(rows, (raw_stride, first), actions + 1, || draw.value()));
    case
}

/// `dueling_backward`: gradients of one action, as in training, and of all; of a V alone and of a shared one.
pub fn dueling_backward(draw: &mut Draw, index: usize) -> Case {
    let (rows, actions) = head(draw, index);
    let ((raw_stride, first), (q_stride, q_offset)) = (draw.columns(actions + 1), draw.columns(actions));
    let [raw_offset, value_offset] = places(draw, first, actions);
    let add = draw.int(0, 1);
    let params = dueling_backward::Params {
        rows,
        actions,
        raw_stride,
        raw_offset,
        value_offset,
        add,
        q_stride,
        q_offset,
    };
    let mut case = Case::new(&dueling_backward::KERNEL, None, params, &format!("{:?}", draw.style));
    if add == 1 {
        for row in 0..rows {
            case.set_at("draw", (row * raw_stride + value_offset) as usize, &[draw.value()]);
        }
    }
    let sparse = draw.style != Style::Unit;
    let gradient = || if sparse && !draw.one_in(actions) { 0.0 } else { draw.value() };
    case.set("dq", &strided(rows, (q_stride, q_offset), actions, gradient));
    case
}

/// Elements per slot, and how many agents they leave room for.
fn elements(draw: &mut Draw, index: usize) -> (u32, u32) {
    let listed = SIZES.iter().chain(&[1021, 4099, 65_537]).nth(index).copied();
    let count = listed.unwrap_or_else(|| draw.int(1, 3000));
    (count, agents(index, 8 * count))
}

/// The case's style, or values between the tails, where silu bends.
fn bends(draw: &mut Draw, count: usize) -> Vec<f32> {
    if draw.one_in(2) { draw.values(count) } else { draw.floats(count, -20.0, 20.0) }
}

/// `silu`
pub fn silu(draw: &mut Draw, index: usize) -> Case {
    let (count, agents) = elements(draw, index);
    let params = silu::Params { count, slots: draw.int(1, 5), agents };
    let mut case = Case::new(&silu::KERNEL, None, params, &format!("{:?}", draw.style));
    let z = bends(draw, (agents * params.slots * count) as usize);
    case.set("z", &z);
    case
}

/// `silu_backward`: fewer gradients than slots.
pub fn silu_backward(draw: &mut Draw, index: usize) -> Case {
    let (count, agents) = elements(draw, index);
    let grad_slots = draw.int(1, 2);
    let params = silu_backward::Params { count, slots: grad_slots + draw.int(0, 3), grad_slots, agents };
    let mut case = Case::new(&silu_backward::KERNEL, None, params, &format!("{:?}", draw.style));
    let z = bends(draw, (agents * params.slots * count) as usize);
    case.set("z", &z);
    case.set("dy", &draw.values((agents * grad_slots * count) as usize));
    case
}

/// `append_actions`: observations of any width, slots that share inputs.
pub fn append_actions(draw: &mut Draw, index: usize) -> Case {
    let sizes = [
        (1, 1, 1),
        (64, 4, 2),
        (65, 7, 3),
        (3, 257, 18),
        (129, 2, 65),
        (1021, 3, 5),
        (2, 1, 1021),
        (63, 5, 4),
        (257, 2, 3),
    ];
    let drawn = (draw.size(129), draw.size(65), draw.size(31));
    let (batch, obs_size, actions) = sizes.get(index).copied().unwrap_or(drawn);
    let slots = draw.int(1, 5);
    let x_slots = draw.int(1, 3);
    let inputs: Vec<u32> = (0..slots).map(|_| draw.int(0, x_slots - 1)).collect();
    let params = append_actions::Params {
        batch,
        obs_size,
        actions,
        slots,
        x_slots,
        slot_x: crate::kernels::pack_slots(&inputs),
        agents: if index % 2 == 1 { 3 } else { 1 },
    };
    let mut case = Case::new(&append_actions::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("x", &draw.values((params.agents * x_slots * batch * obs_size) as usize));
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&append_actions::KERNEL, append_actions, oracle::network::append_actions)
        .within("equal bits")
        .by("integers and copies"),
    Check::new(&layer_norm::KERNEL, layer_norm, oracle::network::layer_norm),
    Check::new(&silu::KERNEL, silu, oracle::network::silu),
    Check::new(&silu_backward::KERNEL, silu_backward, oracle::network::silu_backward),
    Check::new(&dueling::KERNEL, dueling, oracle::network::dueling),
    Check::new(&dueling_backward::KERNEL, dueling_backward, oracle::network::dueling_backward),
    Check::new(
        &layer_norm_backward_weights::KERNEL,
        layer_norm_backward_weights,
        oracle::network::layer_norm_backward_weights,
    ),
    Check::new(
        &layer_norm_backward_input::KERNEL,
        layer_norm_backward_input,
        oracle::network::layer_norm_backward_input,
    ),
];
