//! Cases of the fused kernels: perceptrons of one to four layers, narrow and at the limit.

use crate::kernels::fused_forward::Params;
use crate::kernels::{fused_backward, fused_forward, fused_gradients, pack_slots};
use crate::verify::case::{Case, READ_SENTINEL};
use crate::verify::check::Check;
use crate::verify::draw::{Draw, Style};
use crate::verify::oracle;

/// `(batch, widths)`: edges of the row tile and of the register tile, the limits, the networks of the presets.
const SHAPES: [(u32, &[u32]); 14] = [
    (1, &[1, 4, 1]),
    (63, &[4, 120, 84, 2]),
    (64, &[128, 128, 128]),
    (65, &[7, 64, 64, 3]),
    (257, &[4, 8, 2]),
    (33, &[5, 3]),
    (32, &[128, 128]),
    (31, &[6, 4, 12, 20, 18]),
    (1031, &[3, 4, 5]),
    (4, &[127, 124, 128, 128, 127]),
    (100, &[16, 36, 1]),
    (2, &[9, 100, 8, 4]),
    (128, &[4, 120, 84, 2]),
    (5, &[2, 68, 4, 6]),
];

/// Values whose products through four layers stay finite.
fn value(draw: &mut Draw) -> f32 {
    match draw.style {
        Style::Zeros => 0.0,
        Style::Ties => draw.int(0, 3) as f32 - 1.0,
        Style::Mixed | Style::Huge => {
            let magnitude = draw.magnitude(-2.0, 1.5);
            if draw.one_in(2) { magnitude } else { -magnitude }
        }
        Style::Unit | Style::Tiny => draw.float(-1.0, 1.0),
    }
}

fn params(draw: &mut Draw, index: usize) -> Params {
    let (batch, widths) = match SHAPES.get(index) {
        Some((batch, widths)) => (*batch, widths.to_vec()),
        None => {
            let hidden: Vec<u32> = (0..draw.int(0, 3)).map(|_| 4 * draw.int(1, 20)).collect();
            (draw.size(129), [vec![draw.size(65)], hidden, vec![draw.int(1, 19)]].concat())
        }
    };
    let layers = widths.len() - 1;
    let mut next = 4 * draw.int(0, 3);
    let mut offsets = [0; 4];
    for (layer, offset) in offsets.iter_mut().enumerate().take(layers) {
        *offset = next;
        let end = next + (widths[layer] + 1) * widths[layer + 1];
        next = end.next_multiple_of(4) + 4 * draw.int(0, 2);
    }
    let width = |tensor: usize| widths.get(tensor).copied().unwrap_or(0);
    let (nets, inputs, slots) = (draw.int(2, 4), draw.int(1, 3), draw.int(2, 5));
    let table = |draw: &mut Draw, below: u32| {
        pack_slots(&(0..slots).map(|_| draw.int(0, below - 1)).collect::<Vec<_>>())
    };
    Params {
        batch,
        agents: if index % 2 == 1 && batch < 300 { 3 } else { 1 },
        slots,
        tape_slots: draw.int(0, slots),
        inputs,
        nets,
        net_params: next,
        slot_net: table(draw, nets),
        slot_x: table(draw, inputs),
        activation: (index as u32 + 1) % 3,
        layers: layers as u32,
        width0: width(0),
        width1: width(1),
        width2: width(2),
        width3: width(3),
        width4: width(4),
        offset0: offsets[0],
        offset1: offsets[1],
        offset2: offsets[2],
        offset3: offsets[3],
    }
}

/// Slots with a gradient, and as many or more on the tape.
fn backward(draw: &mut Draw, mut params: Params) -> Params {
    params.slots = draw.int(1, 2);
    params.tape_slots = params.slots + draw.int(0, 1);
    params
}

/// Every network's layers; what lies between them is no business of the kernels, nor are biases where they are not used.
fn weights(draw: &mut Draw, p: &Params, biases: bool) -> Vec<f32> {
    let mut weights = vec![f32::from_bits(READ_SENTINEL); (p.agents * p.nets * p.net_params) as usize];
    let widths = p.widths();
    for net in weights.chunks_mut(p.net_params as usize) {
        for layer in 0..widths.len() - 1 {
            let rows = widths[layer] + usize::from(biases);
            net[p.offset(layer)..][..rows * widths[layer + 1]].fill_with(|| value(draw));
        }
    }
    weights
}

/// Rows of tensors that start at multiples of 4; between them the kernels find the zeros that they leave there.
fn tape(rows: u32, widths: &[usize], mut value: impl FnMut() -> f32) -> Vec<f32> {
    let mut tape = Vec::new();
    for _ in 0..rows {
        for width in widths {
            tape.extend(
                (0..width.next_multiple_of(4)).map(|column| if column < *width { value() } else { 0.0 }),
            );
        }
    }
    tape
}

/// Outputs of a hidden layer: under relu 0 or clearly positive, so that the slope is certain.
fn output(draw: &mut Draw, activation: u32) -> f32 {
    match activation {
        1 if draw.one_in(2) => 0.0,
        1 => draw.magnitude(-3.0, 1.0),
        _ => draw.float(-1.0, 1.0),
    }
}

/// `fused_forward`: slots that share nets and inputs, any number of them kept.
pub fn fused_forward(draw: &mut Draw, index: usize) -> Case {
    let p = params(draw, index);
    let mut case = Case::new(&fused_forward::KERNEL, None, p, &format!("{:?}", draw.style));
    let x: Vec<f32> = (0..p.agents * p.inputs * p.batch * p.width0).map(|_| value(draw)).collect();
    case.set("x", &x);
    case.set("weights", &weights(draw, &p, true));
    case
}

/// `fused_backward`: tapes as training leaves them.
pub fn fused_backward(draw: &mut Draw, index: usize) -> Case {
    let p = params(draw, index);
    let p = backward(draw, p);
    let mut case = Case::new(&fused_backward::KERNEL, None, p, &format!("{:?}", draw.style));
    let widths = p.widths();
    let layers = widths.len() - 1;
    let dq: Vec<f32> = (0..p.agents as usize * p.slots as usize * p.batch as usize * widths[layers])
        .map(|_| if draw.one_in(2) { 0.0 } else { value(draw) })
        .collect();
    case.set("dq", &dq);
    case.set("weights", &weights(draw, &p, false));
    let rows = p.agents * p.tape_slots * p.batch;
    case.set("tape", &tape(rows, &widths[..layers], || output(draw, p.activation)));
    case
}

/// `fused_gradients`: any tape.
pub fn fused_gradients(draw: &mut Draw, index: usize) -> Case {
    let p = params(draw, index);
    let p = backward(draw, p);
    let mut case = Case::new(&fused_gradients::KERNEL, None, p, &format!("{:?}", draw.style));
    let widths = p.widths();
    case.set("tape", &tape(p.agents * p.tape_slots * p.batch, &widths[..widths.len() - 1], || value(draw)));
    case.set("gradient", &tape(p.agents * p.slots * p.batch, &widths[1..], || value(draw)));
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&fused_forward::KERNEL, fused_forward, oracle::fused::fused_forward)
        .within("running error of the layers"),
    Check::new(&fused_backward::KERNEL, fused_backward, oracle::fused::fused_backward)
        .within("running error of the layers"),
    Check::new(&fused_gradients::KERNEL, fused_gradients, oracle::fused::fused_gradients)
        .within("running error of the layers"),
];
