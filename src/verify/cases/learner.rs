//! Cases of the kernels that close an update: gradient norm, Adam, temperature, and the statistics of a window.

use crate::kernels::{adam, exchange_temperature, grad_norm, metrics, temperature_step, update_end};
use crate::shared::agent::{Lane, TdError};
use crate::shared::head_temperature::HeadTemperature;
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::{Draw, SIZES, Style};
use crate::verify::oracle;

fn agents(index: usize) -> u32 {
    if index % 2 == 1 { 3 } else { 1 }
}

/// Lanes that advanced together within each agent.
fn lanes(draw: &mut Draw, agents: u32, num_lanes: u32, most_steps: u32) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for _ in 0..agents {
        let step = draw.int(0, most_steps);
        lanes.extend((0..num_lanes).map(|_| draw.lane(step, 500)));
    }
    lanes
}

/// Every size once, then the larger ones of the kernel, then any.
fn size(draw: &mut Draw, index: usize, larger: &[u32]) -> u32 {
    let listed = SIZES.iter().chain(larger).nth(index).copied();
    listed.unwrap_or_else(|| draw.int(1, 3000))
}

/// `grad_norm`: clipping off, on and not needed; sums that overflow, NaN, an agent that is already frozen.
pub fn grad_norm(draw: &mut Draw, index: usize) -> Case {
    let count = size(draw, index, &[511, 1021, 4099, 65_537, 100_003]);
    let agents = agents(index);
    let params = grad_norm::Params { count, agents };
    let bad = match index % 8 {
        3 => Some(f32::NAN),
        // The lowest bit of its payload set.
        6 => Some(f32::from_bits(0x7fc0_0001)),
        5 => Some(f32::NEG_INFINITY),
        7 => Some(1e20),
        _ => None,
    };
    let mut case = Case::new(&grad_norm::KERNEL, None, params, &format!("{:?} with {bad:?}", draw.style));
    let mut records = draw.agents(agents);
    if index % 4 == 1 {
        records[agents as usize - 1].nonfinite = 5;
    }
    case.set("agents", &records);
    let mut optimizers = draw.optimizers(agents);
    if index % 4 == 2 {
        // Before the first step.
        optimizers[0].steps = 0;
    }
    case.set("optimizers", &optimizers);
    let mut grads = draw.values((agents * count) as usize);
    if let Some(bad) = bad {
        let at = draw.int(0, agents * count - 1) as usize;
        grads[at] = bad;
    }
    case.set("grads", &grads);
    case
}

/// `adam`: both places of eps, both forms of weight decay, hard, soft and no targets, steps with and without a target update, a
/// frozen agent.
pub fn adam(draw: &mut Draw, index: usize) -> Case {
    let count = size(draw, index, &[1021, 4099, 65_537]);
    let agents = agents(index);
    let targets = u32::from(index % 4 != 3);
    let [eps_inside, l2] = [index % 4 == 2, index % 3 == 2].map(u32::from);
    let params = adam::Params { count, targets, eps_inside, l2, agents };
    let mut case = Case::new(&adam::KERNEL, None, params, &format!("{:?}", draw.style));
    let mut records = draw.agents(agents);
    if index % 4 == 1 {
        records[1].nonfinite = 7;
    }
    case.set("agents", &records);
    case.set("optimizers", &draw.optimizers(agents));
    let elements = (agents * count) as usize;
    let gradients = draw.values(elements);
    case.set("grads", &gradients);
    let weights = draw.floats((1 + targets as usize) * elements, -2.0, 2.0);
    case.set("weights", &weights);
    let first = index.is_multiple_of(3);
    let m: Vec<f32> = gradients.iter().map(|g| if first { 0.0 } else { g * draw.float(-1.0, 1.0) }).collect();
    case.set("m", &m);
    let v: Vec<f32> =
        gradients.iter().map(|g| if first { 0.0 } else { g * g * draw.float(0.1, 2.0) }).collect();
    case.set("v", &v);
    case
}

/// `update_end`: one and more heads and nets, a loss that is not finite, a frozen agent.
pub fn update_end(draw: &mut Draw, index: usize) -> Case {
    let batch = size(draw, index, &[1021, 4099, 32_768]);
    let agents = agents(index);
    let grad_slots = 1 + u32::from(!index.is_multiple_of(3));
    let params = update_end::Params {
        batch,
        grad_slots,
        heads: 1 + index as u32 % 2 * draw.int(0, 2),
        later_head_weight: draw.float(0.2, 1.0),
        agents,
    };
    let broken = index % 9 == 5;
    let mut case = Case::new(&update_end::KERNEL, None, params, &format!("{:?}, {broken}", draw.style));
    let mut records = draw.agents(agents);
    if index % 6 == 3 {
        records[agents as usize - 1].nonfinite = 7;
    }
    case.set("agents", &records);
    case.set("optimizers", &draw.optimizers(agents));
    let rows = (agents * batch * params.heads) as usize;
    case.set("entropies", &draw.floats(rows, 0.0, 2.0));
    let targets = if draw.style == Style::Huge { draw.values(rows) } else { draw.floats(rows, -9.0, 9.0) };
    case.set("targets", &targets);
    let mut errors: Vec<TdError> = (0..rows * grad_slots as usize)
        .map(|_| TdError { error: draw.value(), loss: draw.value().abs() })
        .collect();
    if broken {
        // The last agent's: its neighbours must not be stopped in its place.
        errors.last_mut().expect("a row").loss = f32::INFINITY;
    }
    case.set("errors", &errors);
    case
}

/// `temperature_step`: all modes, a frozen agent, clamps that bind.
pub fn temperature_step(draw: &mut Draw, index: usize) -> Case {
    let agents = agents(index);
    let num_lanes = size(draw, index, &[1021, 4099, 32_768]);
    let params = temperature_step::Params {
        heads: 1 + index as u32 % 2 * draw.int(0, 2),
        later_head_weight: draw.float(0.2, 1.0),
        share: [1.0, 0.25][index / 8 % 2],
        num_lanes,
        mode: index as u32 / 2 % 4,
        eps_inside: u32::from(index % 3 == 1),
        agents,
    };
    let mut case = Case::new(&temperature_step::KERNEL, None, params, "");
    let mut records = draw.agents(agents);
    for record in &mut records {
        record.entropy = draw.float(0.0, 2.0);
        // The first step follows the end of the first update.
        record.updates = record.updates.max(1);
    }
    if index % 6 == 3 {
        records[agents as usize - 1].nonfinite = 7;
    }
    if index % 5 == 2 {
        records[0].log_alpha_min = -1.0;
        records[0].log_alpha_max = -0.5;
    }
    case.set("agents", &records);
    case.set("optimizers", &draw.optimizers(agents));
    let lanes = lanes(draw, agents, num_lanes, 20_000);
    case.set("lanes", &lanes);
    case
}

/// `exchange_temperature`: the first head and later ones, with and without the entropy of the head.
pub fn exchange_temperature(draw: &mut Draw, index: usize) -> Case {
    let agents = agents(index);
    let batch = size(draw, index, &[1021, 4099, 32_768]);
    let heads = 1 + draw.int(u32::from(!index.is_multiple_of(4)), 4);
    // Head 0 moves nothing, and is there for its entropy.
    let head = if index.is_multiple_of(4) { 0 } else { draw.int(1, heads - 1) };
    let measure = u32::from(index.is_multiple_of(4) || draw.one_in(2));
    let params = exchange_temperature::Params { batch, heads, head, measure, agents };
    let mut case = Case::new(&exchange_temperature::KERNEL, None, params, &format!("head {head} of {heads}"));
    case.set("agents", &draw.agents(agents));
    let temperatures: Vec<HeadTemperature> = (0..agents * (heads - 1).max(1))
        .map(|_| {
            let alpha = draw.alpha();
            HeadTemperature {
                log_alpha: alpha.ln(),
                alpha,
                alpha_m: draw.float(-1.0, 1.0),
                alpha_v: draw.float(0.0, 1.0),
                target_entropy: draw.float(0.0, 2.0),
            }
        })
        .collect();
    case.set("temperatures", &temperatures);
    case.set("entropies", &draw.floats((agents * batch * heads) as usize, 0.0, 2.0));
    case
}

/// `metrics`: more and fewer environments than the workgroup has invocations.
pub fn metrics(draw: &mut Draw, index: usize) -> Case {
    let num_lanes = size(draw, index, &[1021, 4099, 65_536]);
    let agents = agents(index);
    let params = metrics::Params { num_lanes, agents };
    let mut case = Case::new(&metrics::KERNEL, None, params, "");
    case.set("agents", &draw.agents(agents));
    let lanes = lanes(draw, agents, num_lanes, 1_000_000);
    case.set("lanes", &lanes);
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&grad_norm::KERNEL, grad_norm, oracle::learner::grad_norm),
    Check::new(&adam::KERNEL, adam, oracle::learner::adam),
    Check::new(&update_end::KERNEL, update_end, oracle::learner::update_end),
    Check::new(&temperature_step::KERNEL, temperature_step, oracle::learner::temperature_step),
    Check::new(&exchange_temperature::KERNEL, exchange_temperature, oracle::learner::exchange_temperature),
    Check::new(&metrics::KERNEL, metrics, oracle::learner::metrics),
];
