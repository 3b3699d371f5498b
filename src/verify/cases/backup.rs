//! Cases of `backup` with a target rule: all that a rule may ask for.

use super::rows::{action_values, agents, discounts, shape};
use crate::engine::rule::Rule;
use crate::kernels::backup;
use crate::kernels::targets::{SAMPLED, SOFT_Q};
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::{Draw, strided};
use crate::verify::oracle;

/// Sources in any slots, twins on and off, given and drawn samples, a temperature per state, transformed values,
/// several heads, discounts of 0.
pub fn backup(draw: &mut Draw, index: usize) -> Case {
    let rule = draw.rule.expect("a check of a kernel with a rule has one");
    let (batch, actions) = shape(draw, index);
    let agents = agents(index);
    let is = |other: &Rule| rule.name == other.name;
    let per_state = is(&SAMPLED) && actions < 1300 && draw.one_in(3);
    let signed_log = is(&SOFT_Q) && draw.one_in(2);
    let slots = draw.int(1, 6);
    let target_1 = draw.int(0, slots - 1);
    let heads = draw.int(1, 3);
    let (q_stride, q_offset) = draw.columns(actions);
    let params = backup::Params {
        batch,
        actions,
        slots,
        target_1,
        target_2: if draw.one_in(4) { target_1 } else { draw.int(0, slots - 1) },
        online: draw.int(0, slots - 1),
        current: draw.int(0, slots - 1),
        q_stride,
        q_offset,
        heads,
        head: draw.int(0, heads - 1),
        stream: 8 * draw.int(0, 4),
        discount_slots: draw.int(1, 3),
        given: u32::from(draw.one_in(3)),
        entropy: u32::from(!per_state && !draw.one_in(3)),
        kl: u32::from(!per_state && draw.one_in(3)),
        mean: u32::from(draw.one_in(3)),
        per_state: per_state.into(),
        signed_log: signed_log.into(),
        agents,
    };
    let mut case = Case::new(&backup::KERNEL, None, params, &format!("{} {:?}", rule.name, draw.style));
    case.rule = Some(rule);
    let mut records = draw.agents(agents);
    for record in &mut records {
        // The inverse transform is an exponential: values of a few tens are the end of f32.
        record.alpha = draw.alpha().min(if signed_log { 1.0 } else { 100.0 });
        record.target_entropy = draw.float(0.1, 0.9) * (actions as f32).ln();
    }
    case.set("agents", &records);
    let rows = agents * slots * batch;
    let q = match signed_log {
        true => strided(rows, (q_stride, q_offset), actions, || (1e-2 * draw.value()).clamp(-40.0, 40.0)),
        false => action_values(draw, index / 4, rows, (q_stride, q_offset), actions),
    };
    case.set("q", &q);
    // One too many is taken for the last action.
    for row in 0..agents * batch {
        case.set_at("actions", (row * heads + params.head) as usize, &[draw.int(0, actions)]);
    }
    case.set("rewards", &draw.values((agents * batch) as usize));
    case.set("discounts", &discounts(draw, agents * params.discount_slots * batch));
    case
}

/// The kernel of this file.
pub const CHECKS: &[Check] = &[Check::new(&backup::KERNEL, backup, oracle::backup::backup)
    .within("2 x running error, choice margin 1e-4")];
