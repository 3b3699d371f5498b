//! Cases of the kernels of real-valued actions: acting, drawing, the critics' input, target and loss of a drawn action.

use super::environment::{lanes_of, num_lanes};
use super::rows::{agents, discounts};
use crate::kernels::{
    act_box, action_backup, action_loss, critic_inputs, tanh_gaussian, tanh_gaussian_backward,
};
use crate::shared::agent::Agent;
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::{Draw, Style};
use crate::verify::oracle;

/// `(batch, dims)`
const SHAPES: [(u32, u32); 12] = [
    (1, 1),
    (63, 1),
    (64, 2),
    (65, 3),
    (256, 1),
    (257, 6),
    (2, 17),
    (1021, 2),
    (128, 8),
    (5, 129),
    (4099, 1),
    (1, 257),
];

fn shape(draw: &mut Draw, index: usize) -> (u32, u32) {
    SHAPES.get(index).copied().unwrap_or_else(|| (draw.size(257), draw.int(1, 20)))
}

/// Ends of `ln sigma`, and how it gets there.
fn log_std(draw: &mut Draw) -> (f32, f32, u32) {
    let (low, high) = [(-5.0, 2.0), (-20.0, 2.0), (-1.0, 0.5)][draw.int(0, 2) as usize];
    (low, high, draw.int(0, 1))
}

/// Added to `|da/du|`: nothing, or CleanRL's.
fn floor(index: usize) -> f32 {
    if index.is_multiple_of(3) { 1e-6 } else { 0.0 }
}

fn records(draw: &mut Draw, agents: u32) -> Vec<Agent> {
    let mut records = draw.agents(agents);
    for record in &mut records {
        record.alpha = draw.alpha();
    }
    records
}

/// Scale, bias, divisor and offset of every dimension.
fn spaces(draw: &mut Draw, agents: u32, dims: u32) -> Vec<f32> {
    let mut spaces = Vec::new();
    for _ in 0..agents {
        spaces.extend(draw.floats(dims as usize, 0.1, 4.0));
        spaces.extend(draw.floats(dims as usize, -2.0, 2.0));
        spaces.extend(draw.floats(dims as usize, 0.1, 4.0));
        spaces.extend(draw.floats(dims as usize, -2.0, 2.0));
    }
    spaces
}

/// A network's outputs: moderate, where tanh saturates, or in the case's style.
fn outputs(draw: &mut Draw, index: usize, count: usize) -> Vec<f32> {
    match index % 3 {
        0 => draw.floats(count, -2.0, 2.0),
        1 => draw.floats(count, -30.0, 30.0),
        _ => draw.values(count),
    }
}

/// `act_box`: with and without noise, epsilon and the uniform start; rings that wrap and none at all; saturated means, whose
/// steps are predicted in full.
pub fn act_box(draw: &mut Draw, index: usize) -> Case {
    let num_lanes = num_lanes(draw, index, &[1021, 4099, 16_384]);
    let (log_std_min, log_std_max, squashed) = log_std(draw);
    let greedy = u32::from(!index.is_multiple_of(3));
    let [step, rows] = [draw.int(0, 5000), draw.int(1, 4)];
    let of = lanes_of(draw, index, &act_box::KERNEL, (num_lanes, step));
    let dims = of.env.actions.words() as u32;
    let columns = if greedy == 1 && draw.one_in(3) { dims } else { 2 * dims + draw.int(0, 1) };
    let params = act_box::Params {
        num_lanes: of.num_lanes,
        stream: 8 * draw.int(0, 4),
        greedy,
        explore: u32::from(index % 4 == 3),
        uniform_steps: match index % 5 {
            2 => 1_000_000,
            3 => step,
            _ => 0,
        },
        hold: [1, 1, 4, 50][draw.int(0, 3) as usize],
        outputs: columns,
        capacity: if index % 7 == 6 { 0 } else { rows * of.num_lanes },
        log_std_min,
        log_std_max,
        squashed,
        agents: of.agents,
    };
    let note = format!("{:?} {}", draw.style, of.env.id);
    let mut case = Case::new(&act_box::KERNEL, Some(of.env), params, &note);
    case.set("agents", &records(draw, of.agents));
    let count = (of.agents * of.num_lanes * columns) as usize;
    let policy = match greedy == 1 && index.is_multiple_of(2) {
        true => (0..count).map(|_| if draw.one_in(2) { 40.0 } else { -1e3 }).collect(),
        false => outputs(draw, index, count),
    };
    case.set("policy", &policy);
    of.set(&mut case);
    case
}

/// `critic_inputs`
pub fn critic_inputs(draw: &mut Draw, index: usize) -> Case {
    let (batch, dims) = shape(draw, index);
    let agents = agents(index);
    let [obs_size, obs_slots] = [draw.int(1, 40), draw.int(2, 4)];
    let params = critic_inputs::Params { batch, obs_size, dims, obs_slots, agents };
    let mut case = Case::new(&critic_inputs::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("obs", &draw.values((agents * obs_slots * batch * obs_size) as usize));
    let actions: Vec<u32> = (0..agents * batch * dims).map(|_| draw.value().to_bits()).collect();
    case.set("actions", &actions);
    case.set("spaces", &spaces(draw, agents, dims));
    case
}

/// `tanh_gaussian`: drawn and given noise, both forms of `ln sigma`, with and without a floor.
pub fn tanh_gaussian(draw: &mut Draw, index: usize) -> Case {
    let (batch, dims) = shape(draw, index);
    let agents = agents(index);
    let [slots, draws, input_slots] = [draw.int(1, 3), draw.int(1, 2), draw.int(1, 3)];
    let (log_std_min, log_std_max, squashed) = log_std(draw);
    let params = tanh_gaussian::Params {
        batch,
        dims,
        slots,
        slot: draw.int(0, slots - 1),
        draws,
        draw: draw.int(0, draws - 1),
        given: u32::from(index.is_multiple_of(2)),
        stream: 8 * draw.int(0, 4),
        input_slots,
        input: draw.int(0, input_slots - 1),
        width: dims + draw.int(0, 9),
        log_std_min,
        log_std_max,
        squashed,
        floor: floor(index),
        agents,
    };
    let mut case = Case::new(&tanh_gaussian::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("agents", &records(draw, agents));
    let policy = outputs(draw, index, (agents * slots * batch * 2 * dims) as usize);
    case.set("policy", &policy);
    case.set("spaces", &spaces(draw, agents, dims));
    if params.given == 1 {
        case.set("noise", &draw.floats((agents * draws * batch * dims) as usize, -5.0, 5.0));
    }
    case
}

/// `tanh_gaussian_backward`: one or two critics, both forms of `ln sigma`, with and without a floor.
pub fn tanh_gaussian_backward(draw: &mut Draw, index: usize) -> Case {
    let (batch, dims) = shape(draw, index);
    let agents = agents(index);
    let [slots, draws, critics] = [draw.int(1, 3), draw.int(1, 2), draw.int(1, 2)];
    let (log_std_min, log_std_max, squashed) = log_std(draw);
    let params = tanh_gaussian_backward::Params {
        batch,
        dims,
        slots,
        slot: draw.int(0, slots - 1),
        draws,
        draw: draw.int(0, draws - 1),
        critics,
        width: dims + draw.int(0, 9),
        log_std_min,
        log_std_max,
        squashed,
        floor: floor(index),
        agents,
    };
    let mut case = Case::new(&tanh_gaussian_backward::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("agents", &records(draw, agents));
    let policy = outputs(draw, index, (agents * slots * batch * 2 * dims) as usize);
    case.set("policy", &policy);
    case.set("spaces", &spaces(draw, agents, dims));
    case.set("noise", &draw.floats((agents * draws * batch * dims) as usize, -5.0, 5.0));
    case.set("dinputs", &draw.values((agents * critics * batch * params.width) as usize));
    case.set("importance", &draw.floats((agents * batch) as usize, 0.0, 3.0));
    case
}

/// `action_backup`: targets in any slots, twins on and off, both forms of the value, discounts of 0.
pub fn action_backup(draw: &mut Draw, index: usize) -> Case {
    let (batch, _) = shape(draw, index);
    let agents = agents(index);
    let [slots, draws] = [draw.int(1, 5), draw.int(1, 2)];
    let target_1 = draw.int(0, slots - 1);
    let params = action_backup::Params {
        batch,
        slots,
        target_1,
        target_2: if draw.one_in(4) { target_1 } else { draw.int(0, slots - 1) },
        draws,
        draw: draw.int(0, draws - 1),
        discount_slots: draw.int(1, 3),
        entropy: u32::from(!draw.one_in(3)),
        mean: u32::from(draw.one_in(3)),
        agents,
    };
    let mut case = Case::new(&action_backup::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("agents", &records(draw, agents));
    case.set("q", &draw.values((agents * slots * batch) as usize));
    case.set("log_probs", &draw.floats((agents * draws * batch) as usize, -20.0, 20.0));
    case.set("rewards", &draw.values((agents * batch) as usize));
    case.set("discounts", &discounts(draw, agents * params.discount_slots * batch));
    case
}

/// `action_loss`: equal twins, one alone, their mean, importance weights.
pub fn action_loss(draw: &mut Draw, index: usize) -> Case {
    let (batch, _) = shape(draw, index);
    let agents = agents(index);
    let [slots, draws] = [draw.int(1, 4), draw.int(1, 2)];
    let q_1 = draw.int(0, slots - 1);
    let params = action_loss::Params {
        batch,
        slots,
        q_1,
        q_2: if draw.one_in(4) { q_1 } else { draw.int(0, slots - 1) },
        draws,
        draw: draw.int(0, draws - 1),
        mean: u32::from(draw.one_in(3)),
        agents,
    };
    let mut case = Case::new(&action_loss::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("agents", &records(draw, agents));
    case.set("q", &draw.values((agents * slots * batch) as usize));
    case.set("log_probs", &draw.floats((agents * draws * batch) as usize, -20.0, 20.0));
    let zero = draw.style == Style::Zeros;
    let importance: Vec<f32> =
        (0..agents * batch).map(|_| if zero { 1.0 } else { draw.float(0.0, 3.0) }).collect();
    case.set("importance", &importance);
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&act_box::KERNEL, act_box, oracle::environment::act_box),
    Check::new(&critic_inputs::KERNEL, critic_inputs, oracle::continuous::critic_inputs),
    Check::new(&tanh_gaussian::KERNEL, tanh_gaussian, oracle::continuous::tanh_gaussian),
    Check::new(
        &tanh_gaussian_backward::KERNEL,
        tanh_gaussian_backward,
        oracle::continuous::tanh_gaussian_backward,
    ),
    Check::new(&action_backup::KERNEL, action_backup, oracle::continuous::action_backup),
    Check::new(&action_loss::KERNEL, action_loss, oracle::continuous::action_loss),
];
