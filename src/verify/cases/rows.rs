//! Cases of the kernels that work row by row on action values: softmax, reference policy, entropy bonus, TD error.

use crate::kernels::{add_reference, entropy_bonus, join_heads, log_softmax, scale_head, td_error};
use crate::shared::head_temperature::HeadTemperature;
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::{Draw, Style, strided};
use crate::verify::oracle;

/// `(rows, actions)`
const SHAPES: [(u32, u32); 18] = [
    (1, 1),
    (1, 2),
    (63, 2),
    (64, 3),
    (65, 18),
    (257, 5),
    (2, 257),
    (3, 1021),
    (127, 64),
    (128, 65),
    (1021, 4),
    (129, 1),
    (8191, 2),
    (5, 4099),
    (191, 7),
    (256, 63),
    (31, 31),
    (1, 10_007),
];

pub(super) fn shape(draw: &mut Draw, index: usize) -> (u32, u32) {
    SHAPES.get(index).copied().unwrap_or_else(|| (draw.size(257), draw.size(129)))
}

pub(super) fn agents(index: usize) -> u32 {
    if index % 2 == 1 { 3 } else { 1 }
}

/// Action values: the case's style, shifted where that is hostile to a softmax without the maximum taken out, some
/// actions masked.
pub(super) fn action_values(
    draw: &mut Draw,
    index: usize,
    rows: u32,
    columns: (u32, u32),
    actions: u32,
) -> Vec<f32> {
    let shift = [0.0, 0.0, 5e3, -5e3][index % 4];
    let masks = index % 7 == 3;
    let mut count = 0;
    strided(rows, columns, actions, || {
        count += 1;
        // The first action of a row is never masked.
        if masks && count % actions != 1 && actions > 1 && draw.one_in(3) {
            -1e30
        } else {
            draw.value() + shift
        }
    })
}

/// `log_softmax`
pub fn log_softmax(draw: &mut Draw, index: usize) -> Case {
    let (rows, actions) = shape(draw, index);
    let params = log_softmax::Params { rows, actions };
    let mut case = Case::new(&log_softmax::KERNEL, None, params, &format!("{:?}", draw.style));
    let q = action_values(draw, index, rows, (actions, 0), actions);
    case.set("q", &q);
    let alphas: Vec<f32> = (0..rows).map(|_| draw.alpha()).collect();
    case.set("alphas", &alphas);
    case
}

pub(super) fn discounts(draw: &mut Draw, count: u32) -> Vec<f32> {
    (0..count).map(|_| if draw.one_in(3) { 0.0 } else { draw.float(0.5, 1.0) }).collect()
}

/// `add_reference`: some or all slots, sharp and flat references, actions that the reference never takes.
pub fn add_reference(draw: &mut Draw, index: usize) -> Case {
    let (batch, actions) = shape(draw, index);
    let agents = agents(index);
    let first_slot = draw.int(0, 2);
    let slots = first_slot + draw.int(1, 3);
    let (q_stride, q_offset) = draw.columns(actions);
    let temperature = if draw.one_in(3) { 1.0 } else { draw.alpha() };
    let params =
        add_reference::Params { batch, actions, slots, first_slot, q_stride, q_offset, temperature, agents };
    let mut case = Case::new(&add_reference::KERNEL, None, params, &format!("{:?}", draw.style));
    let mut records = draw.agents(agents);
    for record in &mut records {
        record.alpha = draw.alpha();
    }
    case.set("agents", &records);
    let columns = (q_stride, q_offset);
    case.set("reference", &action_values(draw, index, agents * batch, columns, actions));
    case.set("q", &action_values(draw, index / 4, agents * slots * batch, columns, actions));
    case
}

/// `scale_head`: two to five heads, temperatures far apart.
pub fn scale_head(draw: &mut Draw, index: usize) -> Case {
    let (rows, actions) = shape(draw, index);
    let agents = agents(index);
    let (q_stride, q_offset) = draw.columns(actions);
    let heads = draw.int(2, 5);
    let head = draw.int(1, heads - 1);
    let params = scale_head::Params { rows, actions, q_stride, q_offset, heads, head, agents };
    let mut case = Case::new(&scale_head::KERNEL, None, params, &format!("{:?}", draw.style));
    let mut records = draw.agents(agents);
    for record in &mut records {
        record.alpha = draw.alpha();
    }
    case.set("agents", &records);
    let temperatures: Vec<HeadTemperature> = (0..agents * (heads - 1))
        .map(|_| HeadTemperature { alpha: draw.alpha(), ..HeadTemperature::default() })
        .collect();
    case.set("temperatures", &temperatures);
    case.set("q", &action_values(draw, index, agents * rows, (q_stride, q_offset), actions));
    case
}

/// `entropy_bonus`: one to four states between, some beyond their window.
pub fn entropy_bonus(draw: &mut Draw, index: usize) -> Case {
    let (batch, actions) = shape(draw, index);
    let agents = agents(index);
    let between = draw.int(1, 4);
    let first_slot = draw.int(0, 5);
    let slots = first_slot + between + draw.int(0, 1);
    let (q_stride, q_offset) = draw.columns(actions);
    let kl = u32::from(draw.one_in(3));
    let params =
        entropy_bonus::Params { batch, actions, slots, first_slot, between, kl, q_stride, q_offset, agents };
    let mut case = Case::new(&entropy_bonus::KERNEL, None, params, &format!("{:?}", draw.style));
    let mut records = draw.agents(agents);
    for record in &mut records {
        record.alpha = draw.alpha();
    }
    case.set("agents", &records);
    let q = action_values(draw, index / 4, agents * slots * batch, (q_stride, q_offset), actions);
    case.set("q", &q);
    // The first of each row is that of the bootstrap, which this kernel does not read.
    let discounts = discounts(draw, agents * (1 + between) * batch);
    case.set("discounts", &discounts);
    case.set("rewards", &draw.values((agents * batch) as usize));
    case
}

/// `join_heads`: one to five heads.
pub fn join_heads(draw: &mut Draw, index: usize) -> Case {
    let (batch, _) = shape(draw, index);
    let params = join_heads::Params { rows: agents(index) * batch, heads: draw.int(1, 5) };
    let mut case = Case::new(&join_heads::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("targets", &draw.values((params.rows * params.heads) as usize));
    case
}

/// `td_error`: all losses, errors on both sides of the Huber threshold and at 0, importance weights, several heads.
pub fn td_error(draw: &mut Draw, index: usize) -> Case {
    let (batch, actions) = shape(draw, index);
    let agents = agents(index);
    let grad_slots = draw.int(1, 2);
    let slots = grad_slots + draw.int(0, 3);
    let heads = draw.int(1, 3);
    let (q_stride, q_offset) = draw.columns(actions);
    let head = draw.int(0, heads - 1);
    let params = td_error::Params {
        batch,
        actions,
        slots,
        grad_slots,
        q_stride,
        q_offset,
        heads,
        head,
        head_weight: if head == 0 { 1.0 } else { draw.float(0.1, 1.0) },
        least_weight: [0.0, 0.1][index % 2],
        largest_weight: [f32::MAX, 2.0][index / 2 % 2],
        loss: index as u32 % 4,
        agents,
    };
    let mut case = Case::new(&td_error::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("agents", &draw.agents(agents));
    let q = strided(agents * slots * batch, (q_stride, q_offset), actions, || draw.value());
    case.set("q", &q);
    for row in 0..agents * batch {
        let taken = draw.int(0, actions - 1);
        let (agent, b) = (row / batch, row % batch);
        let q = q[((agent * slots * batch + b) * q_stride + q_offset + taken) as usize];
        let shift = draw.float(-2.0, 2.0);
        let target = match draw.style {
            Style::Huge => draw.value(),
            _ if row % 5 == 3 => q,
            _ => q + shift,
        };
        // Only this head's entries are filled.
        // One too many is taken for the last action.
        let given = if taken == actions - 1 && row % 7 == 2 { actions } else { taken };
        case.set_at("actions", (row * heads + head) as usize, &[given]);
        case.set_at("targets", (row * heads + head) as usize, &[target]);
    }
    let importance: Vec<f32> =
        (0..agents * batch).map(|_| if draw.one_in(3) { 1.0 } else { draw.float(0.0, 3.0) }).collect();
    case.set("importance", &importance);
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&log_softmax::KERNEL, log_softmax, oracle::rows::log_softmax),
    Check::new(&add_reference::KERNEL, add_reference, oracle::rows::add_reference),
    Check::new(&entropy_bonus::KERNEL, entropy_bonus, oracle::rows::entropy_bonus),
    Check::new(&scale_head::KERNEL, scale_head, oracle::rows::scale_head),
    Check::new(&join_heads::KERNEL, join_heads, oracle::rows::join_heads),
    Check::new(&td_error::KERNEL, td_error, oracle::rows::td_error),
];
