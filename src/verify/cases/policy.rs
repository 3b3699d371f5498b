//! Cases of the kernels of a policy network: its part in the target, its loss and gradient.

use super::rows::{action_values, agents, discounts, shape};
use crate::kernels::{policy_backup, policy_loss};
use crate::shared::agent::Agent;
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::Draw;
use crate::verify::oracle;

fn records(draw: &mut Draw, agents: u32) -> Vec<Agent> {
    let mut records = draw.agents(agents);
    for record in &mut records {
        record.alpha = draw.alpha();
    }
    records
}

/// `policy_backup`: sources in any slots, twins on and off, all options, several heads, discounts of 0.
pub fn policy_backup(draw: &mut Draw, index: usize) -> Case {
    let (batch, actions) = shape(draw, index);
    let agents = agents(index);
    let [slots, policy_slots] = [draw.int(1, 5), draw.int(1, 3)];
    let target_1 = draw.int(0, slots - 1);
    let heads = draw.int(1, 3);
    let (q_stride, q_offset) = draw.columns(actions);
    let params = policy_backup::Params {
        batch,
        actions,
        slots,
        target_1,
        target_2: if draw.one_in(4) { target_1 } else { draw.int(0, slots - 1) },
        policy_slots,
        online: draw.int(0, policy_slots - 1),
        q_stride,
        q_offset,
        heads,
        head: draw.int(0, heads - 1),
        discount_slots: draw.int(1, 3),
        entropy: u32::from(!draw.one_in(3)),
        kl: u32::from(draw.one_in(3)),
        mean: u32::from(draw.one_in(3)),
        agents,
    };
    let mut case = Case::new(&policy_backup::KERNEL, None, params, &format!("{:?}", draw.style));
    case.rule = draw.rule;
    case.set("agents", &records(draw, agents));
    for (binding, slots) in [("q", slots), ("policy", policy_slots)] {
        let values = action_values(draw, index / 4, agents * slots * batch, (q_stride, q_offset), actions);
        case.set(binding, &values);
    }
    case.set("rewards", &draw.values((agents * batch) as usize));
    case.set("discounts", &discounts(draw, agents * params.discount_slots * batch));
    case
}

/// `policy_loss`: with and without the penalty, twins on and off, importance weights, several heads.
pub fn policy_loss(draw: &mut Draw, index: usize) -> Case {
    let (batch, actions) = shape(draw, index);
    let agents = agents(index);
    let [slots, q_slots] = [draw.int(1, 3), draw.int(1, 4)];
    let q_1 = draw.int(0, q_slots - 1);
    let heads = draw.int(1, 3);
    let (q_stride, q_offset) = draw.columns(actions);
    let params = policy_loss::Params {
        batch,
        actions,
        slots,
        old: draw.int(0, slots - 1),
        q_slots,
        q_1,
        q_2: if draw.one_in(4) { q_1 } else { draw.int(0, q_slots - 1) },
        q_stride,
        q_offset,
        heads,
        head: draw.int(0, heads - 1),
        mean: u32::from(draw.one_in(3)),
        // The penalty makes two more passes over the actions, for which the largest row has no room.
        penalty: if actions < 9000 { [0.0, 0.5, 2.0][index % 3] } else { 0.0 },
        agents,
    };
    let mut case = Case::new(&policy_loss::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("agents", &records(draw, agents));
    for (binding, slots) in [("policy", slots), ("q", q_slots)] {
        let values = action_values(draw, index / 4, agents * slots * batch, (q_stride, q_offset), actions);
        case.set(binding, &values);
    }
    let importance: Vec<f32> =
        (0..agents * batch).map(|_| if draw.one_in(3) { 1.0 } else { draw.float(0.0, 3.0) }).collect();
    case.set("importance", &importance);
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&policy_backup::KERNEL, policy_backup, oracle::backup::policy_backup),
    Check::new(&policy_loss::KERNEL, policy_loss, oracle::rows::policy_loss),
];
