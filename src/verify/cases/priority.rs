//! Cases of prioritized replay: trees of sums over rings that are empty, partly filled, full.

use crate::kernels::{priority_draw, priority_insert, priority_update};
use crate::shared::agent::TdError;
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::{Draw, SIZES};
use crate::verify::oracle;
use crate::verify::oracle::priority::sums;

fn agents(index: usize) -> u32 {
    if index % 2 == 1 { 3 } else { 1 }
}

fn size(draw: &mut Draw, index: usize, larger: &[u32]) -> u32 {
    let listed = SIZES.iter().chain(larger).nth(index).copied();
    listed.unwrap_or_else(|| draw.int(1, 900))
}

/// Leaves of magnitudes that differ by up to six decades, some 0, with the sums above them.
fn tree(draw: &mut Draw, agents: u32, leaves: u32, filled: impl Fn(u32) -> u32) -> Vec<f32> {
    let spread = if draw.one_in(2) { 3.0 } else { 0.3 };
    let zeros = draw.one_in(3);
    let mut tree = Vec::new();
    for agent in 0..agents {
        let leaf = |draw: &mut Draw, row: u32| match row < filled(agent) && !(zeros && draw.one_in(5)) {
            true => draw.magnitude(-spread, spread),
            false => 0.0,
        };
        let leaves: Vec<f32> = (0..leaves).map(|row| leaf(draw, row)).collect();
        tree.extend(sums(&leaves));
    }
    tree
}

/// `priority_insert`: rings of one row and more, before and after the first complete window, new rows at either end.
pub fn priority_insert(draw: &mut Draw, index: usize) -> Case {
    let num_lanes = size(draw, index, &[1021, 4099]);
    let agents = agents(index);
    let rows = draw.int(1, 20);
    let n_step = if draw.one_in(2) { 1 } else { draw.int(1, rows) };
    let params = priority_insert::Params { num_lanes, capacity: num_lanes * rows, n_step, agents };
    let steps = [0, 1, n_step, rows.saturating_sub(1), rows, rows + 1, 7 * rows + 3];
    let step = |agent: u32| steps[(index + agent as usize) % steps.len()];
    let mut case = Case::new(&priority_insert::KERNEL, None, params, &format!("after {} steps", step(0)));
    case.set("agents", &draw.agents(agents));
    let lanes: Vec<_> = (0..agents * num_lanes).map(|lane| draw.lane(step(lane / num_lanes), 500)).collect();
    case.set("lanes", &lanes);
    case.set("tree", &tree(draw, agents, params.capacity, |_| params.capacity));
    case
}

/// `priority_draw`: one leaf to ten thousand, empty trees among them.
pub fn priority_draw(draw: &mut Draw, index: usize) -> Case {
    let batch = size(draw, index, &[1021, 2048]);
    let agents = agents(index);
    let num_lanes = draw.int(1, 9);
    let capacity = num_lanes * [1, 2, 15, 16, 17, 100, 1200][draw.int(0, 6) as usize];
    let params = priority_draw::Params {
        batch,
        heads: draw.int(1, 3),
        capacity,
        num_lanes,
        stream: 8 * draw.int(0, 4),
        agents,
    };
    let mut case = Case::new(&priority_draw::KERNEL, None, params, "");
    case.set("agents", &draw.agents(agents));
    // Agents whose environments took different numbers of steps stand at different places of the schedule.
    let step = |lane: u32| 1000 / (1 + lane / num_lanes);
    let lanes: Vec<_> = (0..agents * num_lanes).map(|lane| draw.lane(step(lane), 500)).collect();
    case.set("lanes", &lanes);
    let share = [0, 1, 2][index % 3];
    case.set(
        "tree",
        &tree(draw, agents, capacity, |agent| if agent == 1 { capacity } else { capacity * share / 2 }),
    );
    case
}

/// `priority_update`: batches with and without duplicates, a frozen agent.
pub fn priority_update(draw: &mut Draw, index: usize) -> Case {
    let batch = size(draw, index, &[1021, 2048]);
    let agents = agents(index);
    let grad_slots = draw.int(1, 2);
    let heads = if batch > 1000 { 1 } else { draw.int(1, 3) };
    let capacity = [1, 3, 16, 17, 300, 5000][draw.int(0, 5) as usize];
    let params = priority_update::Params { batch, grad_slots, heads, capacity, agents };
    let mut case = Case::new(&priority_update::KERNEL, None, params, &format!("{:?}", draw.style));
    let mut records = draw.agents(agents);
    if index % 4 == 3 {
        records[0].nonfinite = 9;
    }
    case.set("agents", &records);
    let errors: Vec<TdError> = (0..agents * grad_slots * batch * heads)
        .map(|_| TdError { error: draw.value(), loss: f32::NAN })
        .collect();
    case.set("errors", &errors);
    let indices: Vec<u32> = (0..agents * batch).map(|_| draw.int(0, capacity - 1)).collect();
    case.set("indices", &indices);
    case.set("tree", &tree(draw, agents, capacity, |_| capacity));
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&priority_insert::KERNEL, priority_insert, oracle::priority::priority_insert),
    Check::new(&priority_draw::KERNEL, priority_draw, oracle::priority::priority_draw)
        .within("2 x running error, choice margin 1.2e-6"),
    Check::new(&priority_update::KERNEL, priority_update, oracle::priority::priority_update),
];
