//! Cases of the exact solver's kernels: tables with no, one and many outcomes per pair, hard maxima, solutions that are done.

use crate::kernels::{tabular_backup, tabular_policy, tabular_residual, tabular_value};
use crate::shared::tabular::{NEVER, Solver, Sweep, Transition};
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::{Draw, Style};
use crate::verify::oracle;

/// `(states, actions)`
const SHAPES: [(u32, u32); 18] = [
    (1, 1),
    (16, 4),
    (64, 4),
    (48, 4),
    (65, 3),
    (500, 6),
    (63, 2),
    (257, 1),
    (1, 4099),
    (1021, 5),
    (127, 18),
    (128, 7),
    (2, 257),
    (129, 31),
    (8191, 2),
    (3, 1021),
    (63, 1),
    (65, 1),
];

fn shape(draw: &mut Draw, index: usize) -> (u32, u32) {
    SHAPES.get(index).copied().unwrap_or_else(|| (draw.size(257), draw.size(65)))
}

fn agents(index: usize) -> u32 {
    if index % 2 == 1 { 3 } else { 1 }
}

/// Solutions in the middle of their work; with three of them, one may be done.
fn solvers(draw: &mut Draw, index: usize) -> Vec<Solver> {
    let count = agents(index);
    let done = (count > 1 && index % 4 == 3).then(|| draw.int(0, count - 1));
    let solver = |agent: u32| {
        let sweeps = draw.int(0, 200);
        Solver {
            gamma: [0.99, 0.9, 1.0, 0.0][draw.int(0, 3) as usize],
            alpha: if draw.one_in(3) { 0.0 } else { draw.alpha() },
            tolerance: [0.0, 1e-6, 0.5, 10.0][draw.int(0, 3) as usize],
            tie: [0.0, 1e-5][draw.int(0, 1) as usize],
            sweeps,
            converged: if done == Some(agent) { sweeps.max(1) } else { 0 },
        }
    };
    (0..count).map(solver).collect()
}

/// Action values; every third row holds one value in all places.
fn action_values(draw: &mut Draw, rows: u32, actions: u32) -> Vec<f32> {
    let mut q = Vec::new();
    for row in 0..rows {
        let same = draw.value();
        q.extend((0..actions).map(|_| if row % 3 == 2 { same } else { draw.value() }));
    }
    q
}

/// `ln pi_bar`: every fourth row never takes one action, every fifth always takes one.
fn log_reference(draw: &mut Draw, rows: u32, actions: u32) -> Vec<f32> {
    let mut logs = Vec::new();
    for row in 0..rows {
        let shares = draw.floats(actions as usize, 1e-3, 1.0);
        let sum: f32 = shares.iter().sum();
        let one = draw.int(0, actions - 1);
        logs.extend((0..actions).zip(shares).map(|(action, share)| match (row % 5, row % 4) {
            (4, _) => {
                if action == one {
                    0.0
                } else {
                    NEVER
                }
            }
            (_, 3) if action == one && actions > 1 => NEVER,
            _ => (share / sum).ln(),
        }));
    }
    logs
}

/// `tabular_value`: soft and hard maxima, given policies, with and without the KL form.
pub fn tabular_value(draw: &mut Draw, index: usize) -> Case {
    let (states, actions) = shape(draw, index);
    let params = tabular_value::Params {
        states,
        actions,
        given_policy: u32::from(index % 3 == 1),
        kl: u32::from(draw.one_in(3)),
        reference: u32::from(index % 4 >= 2),
        agents: agents(index),
    };
    let mut case = Case::new(&tabular_value::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("solvers", &solvers(draw, index));
    let rows = params.agents * states;
    case.set("q", &action_values(draw, rows, actions));
    if params.reference == 1 {
        case.set("log_reference", &log_reference(draw, rows, actions));
    }
    if params.given_policy == 1 {
        let mut policy = draw.floats((rows * actions) as usize, 0.0, 1.0);
        for row in policy.chunks_mut(actions as usize) {
            if draw.one_in(4) {
                row[0] = 0.0;
            }
            let sum: f32 = row.iter().sum::<f32>().max(1e-3);
            row.iter_mut().for_each(|p| *p /= sum);
        }
        case.set("policy", &policy);
        case.set("entropies", &draw.floats(rows as usize, 0.0, 2.0));
    }
    case
}

/// `tabular_backup`: pairs without outcomes, ends, next states and lists beyond the table.
pub fn tabular_backup(draw: &mut Draw, index: usize) -> Case {
    let (states, actions) = shape(draw, index);
    let most = if index % 5 == 4 { draw.int(1, 40) } else { draw.int(1, 4) };
    let mut first = vec![0];
    for _ in 0..states * actions {
        let count = if draw.one_in(5) { 0 } else { draw.int(1, most) };
        first.push(first.last().copied().unwrap_or(0) + count);
    }
    let outcomes = first.last().copied().unwrap_or(0).max(1);
    let agents = agents(index);
    let params = tabular_backup::Params { states, actions, outcomes, most, agents };
    let mut case = Case::new(&tabular_backup::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("solvers", &solvers(draw, index));
    if index % 6 == 5 {
        // One entry too many: the last pair's list ends with the table.
        if let Some(last) = first.last_mut() {
            *last += 1;
        }
    }
    case.set("first", &first);
    let transition = |_| Transition {
        probability: draw.float(0.0, 1.0),
        next: draw.int(0, if index % 6 == 5 { states } else { states - 1 }),
        reward: draw.value(),
        terminated: f32::from(u8::from(draw.one_in(4))),
    };
    let transitions: Vec<Transition> = (0..outcomes).map(transition).collect();
    case.set("transitions", &transitions);
    case.set("values", &draw.values((agents * states) as usize));
    case.set("q", &draw.values((agents * states * actions) as usize));
    case
}

/// `tabular_policy`: temperatures down to 0, ties exact, within and beyond the margin.
pub fn tabular_policy(draw: &mut Draw, index: usize) -> Case {
    let (states, actions) = shape(draw, index);
    let params = tabular_policy::Params {
        states,
        actions,
        reference: u32::from(index % 4 >= 2),
        agents: agents(index),
    };
    let mut case = Case::new(&tabular_policy::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("solvers", &solvers(draw, index));
    let mut q = action_values(draw, params.agents * states, actions);
    for row in q.chunks_mut(actions as usize) {
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if draw.one_in(3) {
            row[actions as usize / 2] = top - 3e-6 * top.abs().max(1.0);
        }
    }
    case.set("q", &q);
    if params.reference == 1 {
        case.set("log_reference", &log_reference(draw, params.agents * states, actions));
    }
    case
}

/// `tabular_residual`: sweeps that only raise, only lower, change nothing; tolerances that are met and missed.
pub fn tabular_residual(draw: &mut Draw, index: usize) -> Case {
    let (states, actions) = shape(draw, index);
    let params =
        tabular_residual::Params { count: states * actions, block: draw.int(1, 70), agents: agents(index) };
    let mut case = Case::new(&tabular_residual::KERNEL, None, params, &format!("{:?}", draw.style));
    case.set("solvers", &solvers(draw, index));
    let all = (params.agents * params.count) as usize;
    let sign = [None, Some(1.0), Some(-1.0), Some(0.0)][index % 4];
    let shrink = if draw.style == Style::Huge { 1.0 } else { [1.0, 1e-6][index / 4 % 2] };
    let changes: Vec<f32> = draw
        .values(all)
        .into_iter()
        .map(|change| shrink * sign.map_or(change, |sign: f32| sign * change.abs()))
        .collect();
    case.set("changes", &changes);
    case.set("q", &draw.values(all));
    case.set("history", &vec![Sweep::default(); (params.agents * params.block) as usize]);
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&tabular_value::KERNEL, tabular_value, oracle::tabular::tabular_value),
    Check::new(&tabular_backup::KERNEL, tabular_backup, oracle::tabular::tabular_backup),
    Check::new(&tabular_residual::KERNEL, tabular_residual, oracle::tabular::tabular_residual),
    Check::new(&tabular_policy::KERNEL, tabular_policy, oracle::tabular::tabular_policy)
        .within("2 x running error, tie margin 1e-5"),
];
