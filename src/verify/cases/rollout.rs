//! Cases of the kernels of a rollout: its lambda returns and its minibatches.

use super::rows::{action_values, agents};
use crate::kernels::{lambda_returns, rollout_batch, rollout_states};
use crate::shared::lambda_return::LambdaReturn;
use crate::shared::transition::{GOES_ON, TERMINATED, TRUNCATED, TransitionLayout};
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::Draw;
use crate::verify::oracle;

/// Elements of observations that lie in the ring as floats, bits or bytes.
const BITS: [u32; 5] = [32, 32, 1, 32, 8];

/// Transitions with episodes that go on, end, or are cut.
fn transitions(draw: &mut Draw, count: u32, layout: TransitionLayout, ends: [u32; 6]) -> Vec<u32> {
    let mut replay = vec![0; count as usize * layout.words()];
    for transition in replay.chunks_exact_mut(layout.words()) {
        for word in &mut transition[..layout.action_at()] {
            *word = if layout.obs_bits == 32 { draw.value().to_bits() } else { draw.bits() };
        }
        for word in &mut transition[layout.action_at()..layout.reward_at()] {
            *word = draw.int(0, 1000);
        }
        transition[layout.reward_at()] = draw.value().to_bits();
        transition[layout.ended_at()] = ends[draw.int(0, 5) as usize];
    }
    replay
}

/// `lambda_returns`: one step and many, rings at any step, both kinds of end and none, lambda from 0 to 1, hard and soft values
/// with all options, several heads.
pub fn lambda_returns(draw: &mut Draw, index: usize) -> Case {
    const SHAPES: [(u32, u32, u32); 14] = [
        (1, 1, 1),
        (1, 65, 3),
        (8, 8, 2),
        (17, 5, 4),
        (64, 63, 2),
        (128, 4, 2),
        (5, 257, 18),
        (2, 3, 1021),
        (3, 129, 1),
        (509, 2, 3),
        (31, 64, 6),
        (4, 1021, 2),
        (16, 7, 65),
        (1, 2, 10_007),
    ];
    let shape = SHAPES.get(index).copied();
    let (steps, num_lanes, actions) =
        shape.unwrap_or_else(|| (draw.int(1, 40), draw.size(65), draw.int(1, 20)));
    let agents = agents(index);
    let heads = draw.int(1, 3);
    let (q_stride, q_offset) = draw.columns(actions);
    let params = lambda_returns::Params {
        steps,
        num_lanes,
        obs_size: draw.int(1, 9),
        obs_bits: BITS[index % 5],
        actions,
        q_stride,
        q_offset,
        heads,
        head: draw.int(0, heads - 1),
        hard: u32::from(draw.one_in(3)),
        entropy: u32::from(!draw.one_in(3)),
        between: u32::from(draw.one_in(2)),
        kl: u32::from(draw.one_in(3)),
        agents,
    };
    let mut case = Case::new(&lambda_returns::KERNEL, None, params, &format!("{:?}", draw.style));
    let mut records = draw.agents(agents);
    for record in &mut records {
        record.alpha = draw.alpha();
        record.gamma = [0.99, 1.0, 0.5, 0.0][draw.int(0, 3) as usize];
        record.q_lambda = [0.65, 0.0, 1.0, 0.95][draw.int(0, 3) as usize];
    }
    case.set("agents", &records);
    let lanes: Vec<_> = (0..agents)
        .flat_map(|_| {
            let step = draw.int(0, 20_000);
            (0..num_lanes).map(|_| draw.lane(step, 500)).collect::<Vec<_>>()
        })
        .collect();
    case.set("lanes", &lanes);
    let layout =
        TransitionLayout { obs_size: params.obs_size, obs_bits: params.obs_bits, action_words: heads };
    let rows = agents * steps * num_lanes;
    let ends = match index % 3 {
        0 => [GOES_ON; 6],
        1 => [GOES_ON, GOES_ON, GOES_ON, GOES_ON, TERMINATED, TRUNCATED],
        _ => [GOES_ON, GOES_ON, TERMINATED, TERMINATED, TRUNCATED, TRUNCATED],
    };
    case.set("replay", &transitions(draw, rows, layout, ends));
    let q = action_values(draw, index / 4, rows, (q_stride, q_offset), actions);
    case.set("q", &q);
    case
}

/// `(transitions, batch, obs_size)`
const BATCHES: [(u32, u32, u32); 15] = [
    (1, 1, 1),
    (63, 63, 4),
    (65, 65, 3),
    (257, 1, 2),
    (2, 1, 4),
    (64, 64, 4),
    (128, 32, 3),
    (96, 32, 17),
    (513, 171, 2),
    (1026, 1026, 4),
    (4096, 1024, 2),
    (33, 3, 509),
    (257, 257, 5),
    (1021, 1, 6),
    (65_536, 64, 1),
];

/// `rollout_states`
pub fn rollout_states(draw: &mut Draw, index: usize) -> Case {
    let shape = BATCHES.get(index).copied();
    let (capacity, _, obs_size) = shape.unwrap_or_else(|| (draw.size(257), 1, draw.size(31)));
    let agents = agents(index);
    let (obs_bits, heads) = (BITS[index % 5], draw.int(1, 3));
    let params = rollout_states::Params { capacity, obs_size, obs_bits, heads, agents };
    let mut case = Case::new(&rollout_states::KERNEL, None, params, &format!("{:?}", draw.style));
    let layout = TransitionLayout { obs_size, obs_bits, action_words: heads };
    case.set("replay", &transitions(draw, agents * capacity, layout, [GOES_ON; 6]));
    case
}

/// `rollout_batch`: every part of an epoch, all lengths of permutations, given rows, some beyond the rollout.
pub fn rollout_batch(draw: &mut Draw, index: usize) -> Case {
    let shape = BATCHES.get(index).copied();
    let (capacity, batch, obs_size) = shape.unwrap_or_else(|| {
        let batch = draw.int(1, 70);
        (batch * draw.int(1, 9), batch, draw.size(31))
    });
    let agents = agents(index);
    let params = rollout_batch::Params {
        batch,
        obs_size,
        obs_bits: BITS[index % 5],
        heads: [1, 1, 2, 3][index % 4],
        capacity,
        inputs: draw.int(1, 3),
        given: u32::from(draw.one_in(4)),
        stream: 8 * draw.int(0, 4),
        agents,
    };
    let mut case = Case::new(&rollout_batch::KERNEL, None, params, &format!("{capacity} transitions"));
    case.set("agents", &draw.agents(agents));
    let heads = params.heads;
    let layout = TransitionLayout { obs_size, obs_bits: params.obs_bits, action_words: heads };
    case.set("replay", &transitions(draw, agents * capacity, layout, [GOES_ON; 6]));
    let returns: Vec<LambdaReturn> = (0..agents * capacity * heads)
        .map(|_| LambdaReturn { value: draw.value(), entropy: draw.float(0.0, 2.0) })
        .collect();
    case.set("returns", &returns);
    if params.given == 1 {
        for row in 0..agents * batch {
            case.set_at("actions", (row * heads) as usize, &[draw.int(0, capacity)]);
        }
    }
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&lambda_returns::KERNEL, lambda_returns, oracle::rollout::lambda_returns),
    Check::new(&rollout_states::KERNEL, rollout_states, oracle::rollout::rollout_states).within("copies"),
    Check::new(&rollout_batch::KERNEL, rollout_batch, oracle::rollout::rollout_batch).within("copies"),
];
