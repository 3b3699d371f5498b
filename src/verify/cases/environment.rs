//! Cases of the kernels around the environments: reset, step, and sampling from the ring.

use super::edges;
use crate::engine::env::{ActionSpace, Env, Number};
use crate::engine::kernel::Kernel;
use crate::envs;
use crate::kernels::{act_step, env_draw, env_probe, env_reset, env_rollout, replay_sample};
use crate::shared::agent::Lane;
use crate::shared::policy::softmax_of;
use crate::shared::rng::{Rng, STREAM_ACTION};
use crate::shared::transition::{GOES_ON, TERMINATED, TRUNCATED, TransitionLayout};
use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::{Draw, SIZES, Style};
use crate::verify::oracle;

fn agents(index: usize) -> u32 {
    if index % 2 == 1 { 3 } else { 1 }
}

/// Environments that have what a kernel needs take turns.
fn env(index: usize, kernel: &Kernel) -> &'static Env {
    let fits = |env: &&&Env| kernel.fits(env.actions.outputs() > 0, env.has_draw);
    let fitting: Vec<&&Env> = envs::registry().iter().filter(fits).collect();
    fitting[index % fitting.len()]
}

/// Lanes whose states and observations stay within a few MiB.
fn fitting_lanes(lanes: u32, env: &Env) -> u32 {
    lanes.min((4_000_000 / (env.obs_size + env.state_words)).max(1))
}

/// A uniformly random action.
fn action(draw: &mut Draw, env: &Env) -> Vec<u32> {
    let mut action = vec![0; env.actions.words()];
    env.actions.sample(&mut Rng::new(draw.bits(), 0, 0, 0), &mut action);
    action
}

/// Parameters of the lanes: the defaults, and in a third of the cases each number halved to doubled, a 0 made 0.1 to 1, and
/// each flag either way. By chance: a fixed turn would meet the same environments whenever their number is a multiple of it.
fn params(draw: &mut Draw, env: &Env, lanes: u32) -> Vec<u32> {
    let mut words = env.lane_params(draw.bits(), u64::from(lanes));
    if draw.one_in(3) {
        for lane in words.chunks_exact_mut(env.param_words() as usize) {
            for (word, param) in lane.iter_mut().zip(&env.params) {
                match param.number {
                    // What is off by default, such as noise, is on.
                    Number::F32 if param.default == 0.0 => *word = draw.float(0.1, 1.0).to_bits(),
                    Number::F32 => *word = param.number.word(param.default * f64::from(draw.float(0.5, 2.0))),
                    Number::U32 if param.default <= 1.0 => *word = draw.int(0, 1),
                    _ => {}
                }
            }
        }
    }
    words
}

pub(super) fn num_lanes(draw: &mut Draw, index: usize, larger: &[u32]) -> u32 {
    let listed = SIZES.iter().chain(larger).nth(index).copied();
    listed.unwrap_or_else(|| draw.int(1, 2000))
}

/// `env_reset`
pub fn env_reset(draw: &mut Draw, index: usize) -> Case {
    let num_lanes = num_lanes(draw, index, &[1021, 4099, 65_536]);
    let agents = agents(index);
    let env = env(index, &env_reset::KERNEL);
    let num_lanes = fitting_lanes(num_lanes, env);
    let params = env_reset::Params { num_lanes, stream: 8 * draw.int(0, 4), agents };
    let mut case = Case::new(&env_reset::KERNEL, Some(env), params, &env.id);
    case.set("agents", &draw.agents(agents));
    case.set("env_params", &self::params(draw, env, agents * num_lanes));
    case
}

/// States reached by random play, or anywhere around the limits of environments whose limits are known.
fn state(draw: &mut Draw, env: &Env, params: &[u32]) -> Vec<u32> {
    if draw.one_in(2)
        && let Some(words) = edges::state(draw, env)
    {
        return words;
    }
    let mut words = vec![0; env.state_words as usize];
    let mut rng = Rng::new(draw.bits(), 0, 0, 0);
    let world = env.twin();
    world.reset(params, &mut words, &mut rng);
    for _ in 0..draw.int(0, 12) {
        let before = words.clone();
        if world.step(params, &mut words, &action(draw, env), &mut rng).terminated {
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

/// The lanes of a case in the middle of their episodes.
struct Worlds {
    params: Vec<u32>,
    states: Vec<u32>,
    obs: Vec<f32>,
    lanes: Vec<Lane>,
}

impl Worlds {
    fn draw(draw: &mut Draw, env: &Env, count: u32, step: u32) -> Worlds {
        let (mut states, mut seen) = (Vec::new(), Vec::new());
        let mut obs = vec![0.0; env.obs_size as usize];
        let params = params(draw, env, count);
        for lane in params.chunks_exact(env.param_words() as usize) {
            let words = state(draw, env, lane);
            env.twin().observe(lane, &words, &mut obs);
            states.extend(words);
            seen.extend_from_slice(&obs);
        }
        let limit = env.max_episode_steps.unwrap_or(100_000);
        let lanes = (0..count).map(|_| draw.lane(step, limit)).collect();
        Worlds { params, states, obs: seen, lanes }
    }

    fn set(&self, case: &mut Case) {
        case.set("env_params", &self.params);
        case.set("state", &self.states);
        case.set("obs", &self.obs);
        case.set("lanes", &self.lanes);
    }
}

/// An environment that has what a kernel needs, and its lanes.
pub(super) struct LanesOf {
    /// The environment.
    pub env: &'static Env,
    /// Lanes per agent.
    pub num_lanes: u32,
    /// Agents.
    pub agents: u32,
    worlds: Worlds,
}

impl LanesOf {
    /// Writes them into a case.
    pub fn set(&self, case: &mut Case) {
        self.worlds.set(case);
    }
}

/// Lanes in the middle of their episodes, after `step` steps.
pub(super) fn lanes_of(
    draw: &mut Draw,
    index: usize,
    kernel: &Kernel,
    (num_lanes, step): (u32, u32),
) -> LanesOf {
    let (env, agents) = (env(index, kernel), agents(index));
    let num_lanes = fitting_lanes(num_lanes, env);
    LanesOf { env, num_lanes, agents, worlds: Worlds::draw(draw, env, agents * num_lanes, step) }
}

/// `act_step`: softmax at a given, at the state's own and at no temperature, argmax, epsilon and the uniform start; rings that wrap and none at all; episodes that end by
/// termination and by the time limit.
pub fn act_step(draw: &mut Draw, index: usize) -> Case {
    let num_lanes = num_lanes(draw, index, &[1021, 4099, 16_384]);
    let agents = agents(index);
    let env = env(index, &act_step::KERNEL);
    let num_lanes = fitting_lanes(num_lanes, env);
    let rows = draw.int(1, 4);
    let step = draw.int(0, 5000);
    let params = act_step::Params {
        num_lanes,
        stream: 8 * draw.int(0, 4),
        policy: [0, 3, 2, 1][index % 4],
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
    let smallest = env.actions.heads().into_iter().min().unwrap_or(1);
    for record in &mut records {
        record.alpha = draw.alpha();
        record.target_entropy = draw.float(0.1, 0.9) * (smallest as f32).ln();
    }
    // Exactly epsilon is not below it.
    if index % 12 == 1 {
        let epsilon = first_draws(records[0].seed, params.stream, step).0;
        (records[0].epsilon, records[0].epsilon_decay_steps) = (epsilon, 0.0);
    }
    let edge = (index.is_multiple_of(6) && env.actions == ActionSpace::Discrete(2))
        .then(|| edge_of_choice(first_draws(records[0].seed, params.stream, step).1))
        .flatten();
    if edge.is_some() {
        records[0].alpha = 1.0;
    }
    case.set("agents", &records);
    let count = agents * num_lanes;
    let worlds = Worlds::draw(draw, env, count, step);
    worlds.set(&mut case);
    let q: Vec<f32> = (0..count * env.actions.outputs())
        .map(|_| if draw.style == Style::Unit { 0.02 * draw.value() } else { draw.value() })
        .collect();
    case.set("q", &q);
    if let Some(edge) = edge {
        case.set("q", &edge);
    }
    case
}

/// `env_probe`: single steps, some of them into the end of an episode.
pub fn env_probe(draw: &mut Draw, index: usize) -> Case {
    let rows = num_lanes(draw, index, &[1021, 4099, 65_536]);
    let env = env(index, &env_probe::KERNEL);
    let rows = fitting_lanes(rows, env);
    let params = env_probe::Params {
        rows,
        seed: draw.bits(),
        step: draw.int(0, 9),
        draws: draw.int(0, 3),
        reset: [0, 0, 0, 0, 1, 0, 0, 2, 0, 1][index % 10],
    };
    let mut case = Case::new(&env_probe::KERNEL, Some(env), params, &env.id);
    let all_params = self::params(draw, env, rows);
    let lanes = all_params.chunks_exact(env.param_words() as usize);
    let states: Vec<u32> = lanes.flat_map(|lane| state(draw, env, lane)).collect();
    case.set("env_params", &all_params);
    case.set("state", &states);
    let actions: Vec<u32> = (0..rows).flat_map(|_| action(draw, env)).collect();
    case.set("actions", &actions);
    let draws: Vec<u32> = (0..rows * params.draws).map(|_| draw.bits()).collect();
    case.set("draws", &draws);
    case
}

/// `env_rollout`: single steps, which the model predicts, and longer ones that cross the end of episodes.
pub fn env_rollout(draw: &mut Draw, index: usize) -> Case {
    let lanes = num_lanes(draw, index, &[1021, 4099]).min(5000);
    let env = env(index, &env_rollout::KERNEL);
    let num_lanes = fitting_lanes(lanes, env);
    let steps = if index.is_multiple_of(2) { 1 } else { draw.int(2, 40) };
    let params = env_rollout::Params { num_lanes, steps, seed: draw.bits(), stream: 8 * draw.int(0, 4) };
    let mut case = Case::new(&env_rollout::KERNEL, Some(env), params, &env.id);
    let all_params = self::params(draw, env, num_lanes);
    let lanes = all_params.chunks_exact(env.param_words() as usize);
    let states: Vec<u32> = lanes.flat_map(|lane| state(draw, env, lane)).collect();
    case.set("env_params", &all_params);
    case.set("state", &states);
    let step = draw.int(0, 5000);
    let limit = env.max_episode_steps.unwrap_or(100_000);
    let lanes: Vec<_> = (0..num_lanes).map(|_| draw.lane(step, limit)).collect();
    case.set("lanes", &lanes);
    case
}

/// `env_draw`: small pictures of a few states.
pub fn env_draw(draw: &mut Draw, index: usize) -> Case {
    let env = env(index, &env_draw::KERNEL);
    let width = num_lanes(draw, index, &[1021, 4099]).min(4100);
    let (frames, height) = (draw.int(1, 3), if width > 300 { 1 } else { draw.int(1, 20) });
    let params = env_draw::Params { frames, width, height, samples: draw.int(1, 3) };
    let mut case = Case::new(&env_draw::KERNEL, Some(env), params, &env.id);
    let all_params = self::params(draw, env, frames);
    let lanes = all_params.chunks_exact(env.param_words() as usize);
    let states: Vec<u32> = lanes.flat_map(|lane| state(draw, env, lane)).collect();
    case.set("env_params", &all_params);
    case.set("state", &states);
    case
}

/// `replay_sample`: rings that are empty, partly filled, full, and long since overwritten; one and more steps, with and without
/// the states between, drawn and given starts, episodes that end by termination and by the time limit.
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
    let heads = [1, 1, 2, 3][index % 4];
    let n_step = if index.is_multiple_of(3) { 1 } else { draw.int(1, rows.min(12)) };
    let params = replay_sample::Params {
        batch,
        obs_size,
        obs_bits: [32, 32, 1, 32, 8][index % 5],
        heads,
        capacity,
        num_lanes,
        n_step,
        inputs: if n_step < 8 && draw.one_in(2) { n_step + 1 } else { 2 },
        given_starts: u32::from(draw.one_in(4)),
        stream: 8 * draw.int(0, 4),
        agents,
    };
    let steps = [0, 1, rows / 2, rows - 1, rows, rows + 1, 10 * rows, rows + n_step / 2];
    let step = |agent: u32| steps[(index + agent as usize) % steps.len()];
    let mut case = Case::new(&replay_sample::KERNEL, None, params, &format!("after {} steps", step(0)));
    case.set("agents", &draw.agents(agents));
    let lanes: Vec<_> = (0..agents * num_lanes).map(|lane| draw.lane(step(lane / num_lanes), 500)).collect();
    case.set("lanes", &lanes);
    let layout = TransitionLayout { obs_size, obs_bits: params.obs_bits, action_words: heads };
    let mut replay = vec![0; (agents * capacity) as usize * layout.words()];
    for transition in replay.chunks_exact_mut(layout.words()) {
        for word in &mut transition[..layout.action_at()] {
            *word = if params.obs_bits == 32 { draw.value().to_bits() } else { draw.bits() };
        }
        for word in &mut transition[layout.action_at()..layout.reward_at()] {
            *word = draw.int(0, 1000);
        }
        transition[layout.reward_at()] = draw.value().to_bits();
        transition[layout.ended_at()] =
            [GOES_ON, GOES_ON, GOES_ON, GOES_ON, TERMINATED, TRUNCATED][draw.int(0, 5) as usize];
    }
    case.set("replay", &replay);
    if params.given_starts == 1 {
        for row in 0..agents * batch {
            // Rows that hold a transition, or one beyond the ring, which is taken for the last of a full one.
            let filled = step(row / batch).min(rows).max(1) * num_lanes;
            let most = if filled == capacity { capacity } else { filled - 1 };
            case.set_at("actions", (row * heads) as usize, &[draw.int(0, most)]);
        }
    }
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&env_reset::KERNEL, env_reset, oracle::environment::env_reset),
    Check::new(&act_step::KERNEL, act_step, oracle::environment::act_step)
        .within("2 x running error, choice margin 1e-4"),
    Check::new(&env_rollout::KERNEL, env_rollout, oracle::environment::env_rollout)
        .within("2 x running error of a single step"),
    Check::new(&env_draw::KERNEL, env_draw, oracle::environment::env_draw)
        .within("the twin alone")
        .by("shaders/env_draw.wgsl"),
    Check::new(&env_probe::KERNEL, env_probe, oracle::environment::env_probe),
    Check::new(&replay_sample::KERNEL, replay_sample, oracle::replay::replay_sample)
        .within("copies; 2 x running error of sums"),
];
