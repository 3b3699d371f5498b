//! Cases of the kernels around the environments: reset, step, and sampling from the ring.

use super::Case;
use super::draw::{Draw, SIZES, Style};
use crate::engine::env::Env;
use crate::envs;
use crate::kernels::{act_step, env_probe, env_reset, replay_sample};
use crate::shared::policy::softmax_of;
use crate::shared::rng::{Rng, STREAM_ACTION};

fn agents(index: usize) -> u32 {
    if index % 2 == 1 { 3 } else { 1 }
}

/// Environments take turns.
fn env(index: usize) -> &'static Env {
    let registry = envs::registry();
    registry[index % registry.len()]
}

fn num_lanes(draw: &mut Draw, index: usize, larger: &[u32]) -> u32 {
    let listed = SIZES.iter().chain(larger).nth(index).copied();
    listed.unwrap_or_else(|| draw.int(1, 2000))
}

/// `env_reset`
pub fn env_reset(draw: &mut Draw, index: usize) -> Case {
    let num_lanes = num_lanes(draw, index, &[1021, 4099, 65_536]);
    let agents = agents(index);
    let env = env(index);
    let params = env_reset::Params { num_lanes, stream: 8 * draw.int(0, 4), agents };
    let mut case = Case::new(&env_reset::KERNEL, Some(env), params, env.id);
    case.set("agents", &draw.agents(agents));
    case
}

/// States reached by random play; for CartPole also anywhere around its limits.
fn state(draw: &mut Draw, env: &Env, index: usize) -> Vec<u32> {
    if env.id == "CartPole-v1" && index.is_multiple_of(2) {
        // Exactly on a limit is not beyond it.
        match draw.int(0, 511) {
            0 => return [2.4f32, 0.0, 0.0, 0.0].map(f32::to_bits).to_vec(),
            1 => return [0.0, 0.0, 0.209_439_51f32, 0.0].map(f32::to_bits).to_vec(),
            _ => {}
        }
        let reach = [1.3, 1.0][usize::from(draw.one_in(2))];
        let x = draw.float(-2.4, 2.4) * reach;
        let theta = draw.float(-0.2094, 0.2094) * reach;
        return [x, draw.float(-3.0, 3.0), theta, draw.float(-3.0, 3.0)].map(f32::to_bits).to_vec();
    }
    let mut words = vec![0; env.state_words as usize];
    let mut rng = Rng::new(draw.bits(), 0, 0, 0);
    (env.twin.reset)(&mut words, &mut rng);
    for _ in 0..draw.int(0, 12) {
        let before = words.clone();
        let action = draw.int(0, env.num_actions - 1);
        if (env.twin.step)(&mut words, action, &mut rng).1 {
            words = before;
            break;
        }
    }
    words
}

/// The two random numbers behind the action of an agent's first lane.
fn first_draws(seed: u32, stream: u32, step: u32) -> (f32, f32) {
    let mut rng = Rng::new(seed, stream + STREAM_ACTION, step, 0);
    (rng.uniform(), rng.uniform())
}

/// Two action values whose first probability at alpha = 1 is exactly `u`, if there are any near: the first action then is
/// not taken.
fn edge_of_choice(u: f32) -> Option<[f32; 2]> {
    let logit = (f64::from(u) / (1.0 - f64::from(u))).ln() as f32;
    (0..1 << 13)
        .map(|ulps| [f32::from_bits((logit.to_bits() + ulps).wrapping_sub(1 << 12)), 0.0])
        .find(|q| softmax_of(|a| q[a], 2, 1.0).probability(q[0], 1.0) == u)
}

/// `act_step`: softmax, argmax, epsilon and the uniform start; rings that wrap and none at all; episodes that end by
/// termination and by the time limit.
pub fn act_step(draw: &mut Draw, index: usize) -> Case {
    let num_lanes = num_lanes(draw, index, &[1021, 4099, 16_384]);
    let agents = agents(index);
    let env = env(index);
    let rows = draw.int(1, 4);
    let step = draw.int(0, 5000);
    let params = act_step::Params {
        num_lanes,
        stream: 8 * draw.int(0, 4),
        policy: u32::from(index % 4 == 3),
        explore: u32::from(index % 3 == 1),
        uniform_steps: match index % 5 {
            2 => 1_000_000,
            3 => step,
            _ => 0,
        },
        capacity: if index % 7 == 6 { 0 } else { rows * num_lanes },
        agents,
    };
    let mut case = Case::new(&act_step::KERNEL, Some(env), params, &format!("{:?} {}", draw.style, env.id));
    let mut records = draw.agents(agents);
    for record in &mut records {
        record.alpha = draw.alpha();
    }
    // Exactly epsilon is not below it.
    if index % 12 == 1 {
        let epsilon = first_draws(records[0].seed, params.stream, step).0;
        (records[0].epsilon, records[0].epsilon_decay_steps) = (epsilon, 0.0);
    }
    let edge = (index.is_multiple_of(6) && env.num_actions == 2)
        .then(|| edge_of_choice(first_draws(records[0].seed, params.stream, step).1))
        .flatten();
    if edge.is_some() {
        records[0].alpha = 1.0;
    }
    case.set("agents", &records);
    let count = agents * num_lanes;
    let mut states = Vec::new();
    let mut seen = Vec::new();
    let mut obs = vec![0.0; env.obs_size as usize];
    for _ in 0..count {
        let words = state(draw, env, index);
        (env.twin.observe)(&words, &mut obs);
        states.extend(words);
        seen.extend_from_slice(&obs);
    }
    case.set("state", &states);
    case.set("obs", &seen);
    let q: Vec<f32> = (0..count * env.num_actions)
        .map(|_| if draw.style == Style::Unit { 0.02 * draw.value() } else { draw.value() })
        .collect();
    case.set("q", &q);
    if let Some(edge) = edge {
        case.set("q", &edge);
    }
    let lanes: Vec<_> = (0..count).map(|_| draw.lane(step, env.max_episode_steps)).collect();
    case.set("lanes", &lanes);
    case
}

/// `env_probe`: single steps, some of them into the end of an episode.
pub fn env_probe(draw: &mut Draw, index: usize) -> Case {
    let rows = num_lanes(draw, index, &[1021, 4099, 65_536]);
    let env = env(index);
    let params = env_probe::Params { rows, seed: draw.bits() };
    let mut case = Case::new(&env_probe::KERNEL, Some(env), params, env.id);
    let states: Vec<u32> = (0..rows).flat_map(|_| state(draw, env, index)).collect();
    case.set("state", &states);
    let actions: Vec<u32> = (0..rows).map(|_| draw.int(0, env.num_actions - 1)).collect();
    case.set("actions", &actions);
    case
}

/// `replay_sample`: rings that are empty, partly filled, full, and long since overwritten.
pub fn replay_sample(draw: &mut Draw, index: usize) -> Case {
    const SHAPES: [(u32, u32, u32, u32); 14] = [
        (1, 1, 1, 1),
        (64, 4, 8, 1000),
        (63, 3, 1, 257),
        (65, 5, 7, 31),
        (257, 4, 64, 64),
        (127, 17, 3, 100),
        (1021, 2, 5, 5),
        (128, 1, 63, 127),
        (8191, 4, 2, 509),
        (2, 509, 3, 7),
        (5, 28, 13, 11),
        (129, 4, 65, 3),
        (256, 6, 257, 9),
        (32_768, 1, 1, 3),
    ];
    let (batch, obs_size, num_lanes, rows) = SHAPES
        .get(index)
        .copied()
        .unwrap_or_else(|| (draw.size(257), draw.size(31), draw.size(65), draw.int(1, 50)));
    let agents = agents(index);
    let capacity = num_lanes * rows;
    let stream = 8 * draw.int(0, 4);
    let params = replay_sample::Params { batch, obs_size, capacity, num_lanes, stream, agents };
    let steps = [0, 1, rows / 2, rows - 1, rows, rows + 1, 10 * rows];
    let step = |agent: u32| steps[(index + agent as usize) % steps.len()];
    let mut case = Case::new(&replay_sample::KERNEL, None, params, &format!("after {} steps", step(0)));
    case.set("agents", &draw.agents(agents));
    let lanes: Vec<_> = (0..agents * num_lanes).map(|lane| draw.lane(step(lane / num_lanes), 500)).collect();
    case.set("lanes", &lanes);
    let stride = (2 * obs_size + 3) as usize;
    let mut replay = draw.values((agents * capacity) as usize * stride);
    for transition in replay.chunks_exact_mut(stride) {
        transition[stride - 3] = draw.int(0, 1000) as f32;
        transition[stride - 1] = f32::from(u8::from(draw.one_in(4)));
    }
    case.set("replay", &replay);
    case
}
