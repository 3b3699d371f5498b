//! Cases of Stein variational gradient descent and of the soft value of sampled actions: particles that are spread, saturated,
//! tied, equal and almost equal.

use super::rows::{agents, discounts};
use crate::kernels::{
    noisy_inputs, soft_value, svgd_actions, svgd_bandwidth, svgd_gradient, svgd_kernel, svgd_score,
};
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::{Draw, Style, strided};
use crate::verify::oracle;

/// `(batch, fixed, updated, dims)`: one particle of each, odd and even numbers of pairs, one more and one less than a
/// workgroup, and as many as fit.
const SHAPES: [(u32, u32, u32, u32); 18] = [
    (1, 2, 1, 4),
    (4, 8, 8, 2),
    (3, 21, 11, 3),
    (64, 8, 8, 1),
    (65, 1, 1, 1),
    (2, 16, 16, 6),
    (7, 5, 4, 3),
    (3, 15, 17, 2),
    (129, 4, 3, 2),
    (1, 64, 64, 1),
    (2, 100, 3, 17),
    (5, 1, 9, 2),
    (2, 9, 1, 5),
    (3, 257, 1, 1),
    (257, 3, 2, 2),
    (1, 23, 89, 2),
    (1021, 2, 1, 1),
    (63, 1, 3, 2),
];

fn shape(draw: &mut Draw, index: usize) -> (u32, u32, u32, u32) {
    let drawn = |draw: &mut Draw| (draw.size(65), draw.int(1, 24), draw.int(1, 24), draw.int(1, 8));
    SHAPES.get(index).copied().unwrap_or_else(|| drawn(draw))
}

/// Squashed actions: a number in the case's style, within [-1, 1], at times at or next to a bound.
fn action(draw: &mut Draw) -> f32 {
    let bound = [-1.0, 1.0, 0.999_999_9, -0.999_999_9, 0.999][draw.int(0, 4) as usize];
    let at_bound = draw.one_in(8);
    match draw.style {
        Style::Huge => bound,
        Style::Mixed if at_bound => bound,
        Style::Mixed => draw.float(-1.0, 1.0),
        // Differences that are squared to nothing that f32 has.
        Style::Tiny => 0.5 + draw.int(0, 3) as f32 * 6e-8,
        _ => draw.value().clamp(-1.0, 1.0),
    }
}

fn actions(draw: &mut Draw, count: u32) -> Vec<f32> {
    (0..count).map(|_| action(draw)).collect()
}

/// `noisy_inputs`: by lane and by update, normal and uniform, from a slot among others of wider rows.
pub fn noisy_inputs(draw: &mut Draw, index: usize) -> Case {
    let ((rows, particles, _, dims), agents) = (shape(draw, index), agents(index));
    let obs_size = draw.int(1, 40);
    let x_slots = draw.int(1, 3);
    let by_lane = u32::from(index.is_multiple_of(3));
    let params = noisy_inputs::Params {
        rows,
        particles,
        obs_size,
        dims,
        x_slots,
        x_slot: draw.int(0, x_slots - 1),
        x_stride: obs_size + draw.int(0, 5),
        uniform: u32::from(index.is_multiple_of(2)),
        by_lane,
        num_lanes: if by_lane == 1 { rows } else { draw.int(1, 5) },
        stream: draw.int(0, 39),
        agents,
    };
    let mut case = Case::new(&noisy_inputs::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("agents", &draw.agents(agents));
    let lanes: Vec<_> = (0..agents * params.num_lanes)
        .map(|_| {
            let step = draw.int(0, 5000);
            draw.lane(step, 500)
        })
        .collect();
    case.set("lanes", &lanes);
    let columns = (params.x_stride, 0);
    case.set("x", &strided(agents * x_slots * rows, columns, obs_size, || draw.value()));
    case
}

/// `svgd_actions`: moderate outputs, and ones where tanh saturates.
pub fn svgd_actions(draw: &mut Draw, index: usize) -> Case {
    let ((batch, fixed, updated, dims), agents) = (shape(draw, index), agents(index));
    let obs_size = draw.int(1, 40);
    let x_slots = draw.int(1, 3);
    let x_slot = draw.int(0, x_slots - 1);
    let params = svgd_actions::Params { batch, fixed, updated, dims, obs_size, x_slots, x_slot, agents };
    let mut case = Case::new(&svgd_actions::KERNEL, None, params, &format!("{:?}", draw.style));
    let columns = (obs_size + dims, 0);
    case.set("x", &strided(agents * x_slots * batch, columns, obs_size, || draw.value()));
    let reach = [2.0, 30.0][index % 2];
    case.set("u", &draw.floats((agents * batch * (fixed + updated) * dims) as usize, -reach, reach));
    case
}

/// `svgd_score`
pub fn svgd_score(draw: &mut Draw, index: usize) -> Case {
    let ((batch, fixed, updated, dims), agents) = (shape(draw, index), agents(index));
    let (dq_stride, dq_offset) = draw.columns(dims);
    let eps = [1e-6, 1e-3][index % 2];
    let params = svgd_score::Params { batch, fixed, updated, dims, dq_stride, dq_offset, eps, agents };
    let mut case = Case::new(&svgd_score::KERNEL, None, params, &format!("{:?}", draw.style));
    let mut records = draw.agents(agents);
    for record in &mut records {
        record.alpha = draw.alpha();
    }
    case.set("agents", &records);
    case.set("actions", &actions(draw, agents * batch * (fixed + updated) * dims));
    let particles = agents * batch * fixed;
    case.set("q", &draw.values(particles as usize));
    case.set("dq", &strided(particles, (dq_stride, dq_offset), dims, || draw.value()));
    case
}

/// `svgd_bandwidth`
pub fn svgd_bandwidth(draw: &mut Draw, index: usize) -> Case {
    let ((batch, fixed, updated, dims), agents) = (shape(draw, index), agents(index));
    let least = [1e-3, 1e-6, 0.5][index % 3];
    let params = svgd_bandwidth::Params { batch, fixed, updated, dims, least, agents };
    let mut case = Case::new(&svgd_bandwidth::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("actions", &actions(draw, agents * batch * (fixed + updated) * dims));
    case
}

/// `svgd_kernel`: bandwidths as narrow as the least one and as wide as all actions.
pub fn svgd_kernel(draw: &mut Draw, index: usize) -> Case {
    let ((batch, fixed, updated, dims), agents) = (shape(draw, index), agents(index));
    let params = svgd_kernel::Params { batch, fixed, updated, dims, agents };
    let mut case = Case::new(&svgd_kernel::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("actions", &actions(draw, agents * batch * (fixed + updated) * dims));
    let bandwidths: Vec<f32> = (0..agents * batch).map(|_| draw.magnitude(-3.0, 1.0)).collect();
    case.set("bandwidths", &bandwidths);
    case
}

/// `svgd_gradient`
pub fn svgd_gradient(draw: &mut Draw, index: usize) -> Case {
    let ((batch, fixed, updated, dims), agents) = (shape(draw, index), agents(index));
    let scale = [1.0, -1.0, -0.03125][index % 3];
    let squashed = u32::from(draw.one_in(2));
    let params = svgd_gradient::Params { batch, fixed, updated, dims, scale, squashed, agents };
    let mut case = Case::new(&svgd_gradient::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("actions", &actions(draw, agents * batch * (fixed + updated) * dims));
    let pairs = (agents * batch * fixed * updated) as usize;
    case.set("scores", &draw.values((agents * batch * fixed * dims) as usize));
    let kappas: Vec<f32> =
        (0..pairs).map(|_| if draw.one_in(5) { 0.0 } else { draw.float(0.0, 1.0) }).collect();
    case.set("kappas", &kappas);
    case.set("slopes", &draw.values(pairs * dims as usize));
    case
}

/// `soft_value`: one network and two, uniform and other proposals, values far from 0.
pub fn soft_value(draw: &mut Draw, index: usize) -> Case {
    let ((batch, particles, _, dims), agents) = (shape(draw, index), agents(index));
    let slots = draw.int(1, 4);
    let target_1 = draw.int(0, slots - 1);
    let target_2 = if draw.one_in(2) { target_1 } else { draw.int(0, slots - 1) };
    let params = soft_value::Params { batch, particles, slots, target_1, target_2, agents };
    let mut case = Case::new(&soft_value::KERNEL, None, params, &format!("{:?}", draw.style));
    let mut records = draw.agents(agents);
    for record in &mut records {
        record.alpha = draw.alpha();
    }
    case.set("agents", &records);
    let shift = [0.0, 0.0, 5e3, -5e3][index % 4];
    let q: Vec<f32> = (0..agents * slots * batch * particles).map(|_| draw.value() + shift).collect();
    case.set("q", &q);
    let uniform = dims as f32 * std::f32::consts::LN_2;
    let log_weights: Vec<f32> = (0..agents * batch * particles)
        .map(|_| if index.is_multiple_of(2) { uniform } else { draw.float(-4.0, 4.0) })
        .collect();
    case.set("log_weights", &log_weights);
    case.set("rewards", &draw.values((agents * batch) as usize));
    case.set("discounts", &discounts(draw, agents * batch));
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&noisy_inputs::KERNEL, noisy_inputs, oracle::particles::noisy_inputs),
    Check::new(&svgd_actions::KERNEL, svgd_actions, oracle::particles::svgd_actions),
    Check::new(&svgd_score::KERNEL, svgd_score, oracle::particles::svgd_score),
    Check::new(&svgd_bandwidth::KERNEL, svgd_bandwidth, oracle::particles::svgd_bandwidth),
    Check::new(&svgd_kernel::KERNEL, svgd_kernel, oracle::particles::svgd_kernel),
    Check::new(&svgd_gradient::KERNEL, svgd_gradient, oracle::particles::svgd_gradient),
    Check::new(&soft_value::KERNEL, soft_value, oracle::particles::soft_value),
];
