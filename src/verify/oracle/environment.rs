//! The kernels around an environment: the bookkeeping of `act_step`, `env_reset`, `env_rollout` and `env_probe` under
//! Gymnasium's rules. What the environment itself does is in `models`, sampling from the ring in `replay`.

use super::continuous::log_std;
use super::dynamics;
use super::models::dynamics;
use super::policy::{Policy, argmax, at_own_temperature, schedule};
use super::random::{Random, stream};
use super::{Expect, Expected, Num, unchanged};
use crate::engine::env::{ActionSpace, Env};
use crate::kernels::{act_box, act_step, env_draw, env_probe, env_reset, env_rollout};
use crate::shared::agent::{Agent, Lane};
use crate::shared::transition::{GOES_ON, TERMINATED, TRUNCATED};
use crate::verify::case::Case;
use crate::word_of;

const LANE_WORDS: usize = std::mem::size_of::<Lane>() / 4;

/// Writes expectations from word `at` on.
fn put(out: &mut [Expect], at: usize, values: &[Expect]) {
    out[at..at + values.len()].copy_from_slice(values);
}

/// The sizes of an environment in words: state, observation, parameters.
fn sizes(env: &Env) -> (usize, usize, usize) {
    (env.state_words as usize, env.obs_size as usize, env.param_words() as usize)
}

fn params_of<'a>(case: &'a Case, env: &Env, lane: usize) -> &'a [u32] {
    let words = env.param_words() as usize;
    &case.get::<u32>("env_params")[lane * words..(lane + 1) * words]
}

/// Initial state and observation of one lane; `Any` without a model.
fn start(case: &Case, env: &Env, lane: usize, random: &mut Random) -> (Vec<Expect>, Vec<Expect>) {
    let (state_words, obs_size, _) = sizes(env);
    let Some(dynamics) = dynamics(env) else {
        return (vec![Expect::Any; state_words], vec![Expect::Any; obs_size]);
    };
    let lane = dynamics::Lane { env, params: params_of(case, env, lane) };
    let state = (dynamics.reset)(lane, random);
    let obs = (dynamics.observe)(lane, &state);
    (state, obs)
}

/// Initial states and observations, cleared bookkeeping.
pub fn env_reset(case: &Case) -> Expected {
    let p: env_reset::Params = case.params();
    let [mut state, mut lanes, mut obs] = ["state", "lanes", "obs"].map(|name| unchanged(case, name));
    let Some(env) = case.env else { return Vec::new() };
    let (state_words, obs_size, _) = sizes(env);
    for (agent, record) in case.get::<Agent>("agents").iter().enumerate().take(p.agents as usize) {
        for i in 0..p.num_lanes {
            let lane = agent * p.num_lanes as usize + i as usize;
            lanes[lane * LANE_WORDS..(lane + 1) * LANE_WORDS].fill(Expect::Bits(0));
            let mut random = Random::new(record.seed, p.stream + stream::RESET, u32::MAX, i);
            let (fresh, seen) = start(case, env, lane, &mut random);
            put(&mut state, lane * state_words, &fresh);
            put(&mut obs, lane * obs_size, &seen);
        }
    }
    vec![("state", state), ("lanes", lanes), ("obs", obs)]
}

/// Position of `u` among `actions` equal shares, or `None` where rounding may decide it.
fn share(u: f64, actions: u32) -> Option<u32> {
    let place = u * f64::from(actions);
    let clear = (place - place.round()).abs() > 1e-6 * f64::from(actions);
    // Halving, quartering, ... is exact.
    (clear || actions.is_power_of_two()).then_some((place as u32).min(actions - 1))
}

/// A uniformly random action.
fn random_action(actions: &ActionSpace, random: &mut Random) -> Option<Vec<u32>> {
    match actions {
        ActionSpace::Box { .. } => None,
        _ => actions.heads().into_iter().map(|head| share(random.uniform(), head)).collect(),
    }
}

/// The action of one lane, or `None` where rounding may decide it.
fn choose(
    p: &act_step::Params,
    env: &Env,
    h: &Agent,
    l: &Lane,
    q: &[f32],
    random: &mut Random,
) -> Option<Vec<u32>> {
    if uniformly((p.explore, p.num_lanes, p.uniform_steps), h, l, random)? {
        return random_action(&env.actions, random);
    }
    let mut column = 0;
    let mut action = Vec::new();
    for head in env.actions.heads() {
        let u = random.uniform();
        let q = &q[column..column + head as usize];
        column += head as usize;
        action.push(match p.policy {
            1 => argmax(q) as u32,
            2 => {
                let [middle, low, high] =
                    at_own_temperature(q, h.target_entropy).map(|policy| policy.sample(u));
                middle.filter(|_| middle == low && middle == high)? as u32
            }
            3 => Policy::new(q, 1.0).sample(u)? as u32,
            _ => Policy::new(q, h.alpha).sample(u)? as u32,
        });
    }
    Some(action)
}

/// What one step did to a lane.
struct Step {
    next: Vec<Expect>,
    final_obs: Vec<Expect>,
    reward: Num,
    terminated: bool,
}

fn step(
    case: &Case,
    env: &Env,
    lane: usize,
    state: &[u32],
    action: &[u32],
    random: &mut Random,
) -> Option<Step> {
    let dynamics = dynamics(env)?;
    let place = dynamics::Lane { env, params: params_of(case, env, lane) };
    let outcome = (dynamics.step)(place, state, action, random)?;
    let final_obs = (dynamics.observe)(place, &outcome.next);
    Some(Step { final_obs, next: outcome.next, reward: outcome.reward, terminated: outcome.terminated? })
}

/// The bookkeeping of one lane after a step; tells whether the episode ended.
fn count(lanes: &mut [Expect], lane: usize, l: &Lane, env: &Env, reward: Num, terminated: bool) -> bool {
    let total = Num::exact(l.episode_return) + reward;
    let length = l.episode_step + 1;
    lanes[word_of!(Lane, lane, step)] = Expect::Bits(l.step + 1);
    if !terminated && length < env.step_limit() {
        lanes[word_of!(Lane, lane, episode_step)] = Expect::Bits(length);
        lanes[word_of!(Lane, lane, episode_return)] = Expect::Float(total);
        return false;
    }
    if l.episodes == 0 {
        lanes[word_of!(Lane, lane, first_return)] = Expect::Float(total);
    }
    lanes[word_of!(Lane, lane, episodes)] = Expect::Bits(l.episodes + 1);
    lanes[word_of!(Lane, lane, window_episodes)] = Expect::Bits(l.window_episodes + 1);
    lanes[word_of!(Lane, lane, window_return)] = Expect::Float(Num::exact(l.window_return) + total);
    let lengths = Num::exact(l.window_length) + Num::exact(length as f32);
    lanes[word_of!(Lane, lane, window_length)] = Expect::Float(lengths);
    lanes[word_of!(Lane, lane, episode_step)] = Expect::Bits(0);
    lanes[word_of!(Lane, lane, episode_return)] = Expect::Bits(0);
    true
}

/// An observation as it is kept: elements of `bits` bits side by side, lowest first.
fn packed(obs: &[Expect], bits: u32) -> Vec<Expect> {
    if bits == 32 {
        return obs.to_vec();
    }
    let most = f64::from((1u32 << bits) - 1);
    let element = |expect: &Expect| match expect {
        Expect::Bits(word) => Some((f64::from(f32::from_bits(*word)) * most).round() as u32),
        Expect::Float(num) => Some((num.value * most).round() as u32),
        Expect::Any => None,
    };
    let word = |elements: &[Expect]| {
        let places = elements.iter().enumerate();
        let word =
            places.map(|(i, e)| Some(element(e)? << (i as u32 * bits))).try_fold(0, |all, e| Some(all | e?));
        word.map_or(Expect::Any, Expect::Bits)
    };
    obs.chunks(32 / bits as usize).map(word).collect()
}

/// What is known of the action of a lane.
enum Action {
    /// Its words.
    Known(Vec<u32>),
    /// Numbers, of which the step is not predicted: their errors would grow in it.
    Near(Vec<Num>),
    /// Nothing: rounding may decide it.
    Open,
}

/// One step of every lane: choice by the values, dynamics, bookkeeping, the transition, the next episode.
pub fn act_step(case: &Case) -> Expected {
    let p: act_step::Params = case.params();
    let Some(env) = case.env else { return Vec::new() };
    let (outputs, q) = (env.actions.outputs() as usize, case.get::<f32>("q"));
    acted(case, env, (p.num_lanes, p.stream, p.capacity, p.agents), |h, l, lane, random| {
        let q = &q[lane * outputs..(lane + 1) * outputs];
        choose(&p, env, h, l, q, random).map_or(Action::Open, Action::Known)
    })
}

/// The same with real-valued actions.
pub fn act_box(case: &Case) -> Expected {
    let p: act_box::Params = case.params();
    let Some(env) = case.env else { return Vec::new() };
    let policy = case.get::<f32>("policy");
    acted(case, env, (p.num_lanes, p.stream, p.capacity, p.agents), |h, l, lane, _| {
        let held = l.step / p.hold;
        let random = &mut Random::new(h.seed, p.stream + stream::ACTION, held, lane as u32 % p.num_lanes);
        let outputs = p.outputs as usize;
        draw(&p, env, h, l, &policy[lane * outputs..(lane + 1) * outputs], random)
    })
}

/// The action of one lane.
fn draw(p: &act_box::Params, env: &Env, h: &Agent, l: &Lane, policy: &[f32], random: &mut Random) -> Action {
    let ActionSpace::Box { low, high } = &env.actions else { return Action::Open };
    let bounds = || low.iter().zip(high).map(|(low, high)| (f64::from(*low), f64::from(*high)));
    match uniformly((p.explore, p.num_lanes, p.uniform_steps), h, l, random) {
        None => return Action::Open,
        Some(true) => return Action::Near(bounds().map(|(low, high)| random.range(low, high)).collect()),
        Some(false) => {}
    }
    let (means, raw) = policy.split_at(low.len());
    let range = [p.log_std_min, p.log_std_max].map(Num::exact);
    let squeezed = |(i, (low, high)): (usize, (f64, f64))| {
        let mut u = Num::exact(means[i]);
        if p.greedy == 0 {
            u = u + log_std(Num::exact(raw[i]), range, p.squashed == 1).exp() * random.normal();
        }
        let [scale, bias] = [0.5 * (high - low), 0.5 * (high + low)].map(Num::constant);
        (u.tanh() * scale + bias).clamp(Num::constant(low), Num::constant(high))
    };
    let action: Vec<Num> = bounds().enumerate().map(squeezed).collect();
    // Where tanh is 1 to the last bit and the bounds are symmetric, the action is a bound.
    let ends: Option<Vec<u32>> = (0..low.len())
        .map(|i| {
            let saturated = p.greedy == 1 && means[i].abs() > 25.0 && low[i] == -high[i];
            saturated.then(|| (if means[i] > 0.0 { high[i] } else { low[i] }).to_bits())
        })
        .collect();
    ends.map_or(Action::Near(action), Action::Known)
}

/// Whether an action is uniform, by the start of a run or the coin; `None` where rounding may decide it.
fn uniformly(
    (explore, num_lanes, uniform_steps): (u32, u32, u32),
    h: &Agent,
    l: &Lane,
    random: &mut Random,
) -> Option<bool> {
    let env_steps = l.step.wrapping_mul(num_lanes);
    let coin = random.uniform();
    let epsilon = match explore {
        1 => schedule(h.epsilon, h.epsilon_final, h.epsilon_decay_steps, Num::exact(env_steps as f32)),
        _ => Num::default(),
    };
    let forced = l.step < uniform_steps;
    if !forced && (coin - epsilon.value).abs() <= 2.0 * epsilon.bound {
        return None;
    }
    Some(forced || coin < epsilon.value)
}

fn acted(
    case: &Case,
    env: &Env,
    shape: (u32, u32, u32, u32),
    choose: impl Fn(&Agent, &Lane, usize, &mut Random) -> Action,
) -> Expected {
    let (num_lanes, stream, capacity, agents) = shape;
    let [mut state, mut lanes, mut obs, mut replay] =
        ["state", "lanes", "obs", "replay"].map(|name| unchanged(case, name));
    let (state_words, obs_size, _) = sizes(env);
    let layout = env.transition();
    let words = layout.words();
    let all_lanes = case.get::<Lane>("lanes");
    let (states, seen) = (case.get::<u32>("state"), case.get::<u32>("obs"));
    for (agent, h) in case.get::<Agent>("agents").iter().enumerate().take(agents as usize) {
        for i in 0..num_lanes {
            let lane = agent * num_lanes as usize + i as usize;
            let l = &all_lanes[lane];
            let random = |purpose| Random::new(h.seed, stream + purpose, l.step, i);
            let row = (capacity > 0).then(|| {
                let turn = l.step % (capacity / num_lanes);
                agent * capacity as usize + (turn * num_lanes + i) as usize
            });
            let before = &states[lane * state_words..(lane + 1) * state_words];
            let action = choose(h, l, lane, &mut random(self::stream::ACTION));
            let done = match &action {
                Action::Known(action) => {
                    let done = step(case, env, lane, before, action, &mut random(self::stream::STEP));
                    done.map(|done| (action.clone(), done))
                }
                _ => None,
            };
            let Some((action, done)) = done else {
                lanes[lane * LANE_WORDS..(lane + 1) * LANE_WORDS].fill(Expect::Any);
                state[lane * state_words..(lane + 1) * state_words].fill(Expect::Any);
                obs[lane * obs_size..(lane + 1) * obs_size].fill(Expect::Any);
                if let Some(row) = row {
                    let transition = &mut replay[row * words..(row + 1) * words];
                    transition.fill(Expect::Any);
                    if let Action::Near(numbers) = action {
                        let numbers: Vec<Expect> = numbers.into_iter().map(Expect::Float).collect();
                        put(transition, layout.action_at(), &numbers);
                    }
                }
                continue;
            };
            if let Some(row) = row {
                let transition = &mut replay[row * words..(row + 1) * words];
                let before: Vec<Expect> = seen[lane * obs_size..(lane + 1) * obs_size]
                    .iter()
                    .map(|word| Expect::Bits(*word))
                    .collect();
                put(transition, 0, &packed(&before, layout.obs_bits));
                put(transition, layout.next_obs_at(), &packed(&done.final_obs, layout.obs_bits));
                let action: Vec<Expect> = action.iter().map(|word| Expect::Bits(*word)).collect();
                put(transition, layout.action_at(), &action);
                transition[layout.reward_at()] = Expect::Float(done.reward * Num::exact(h.reward_scale));
                let limit = l.episode_step + 1 >= env.step_limit();
                let ended = if done.terminated { TERMINATED } else { TRUNCATED };
                transition[layout.ended_at()] =
                    Expect::Bits(if done.terminated || limit { ended } else { GOES_ON });
            }
            let ended = count(&mut lanes, lane, l, env, done.reward, done.terminated);
            let (next, seen) = match ended {
                true => start(case, env, lane, &mut random(self::stream::RESET)),
                false => (done.next, done.final_obs),
            };
            put(&mut state, lane * state_words, &next);
            put(&mut obs, lane * obs_size, &seen);
        }
    }
    vec![("state", state), ("lanes", lanes), ("obs", obs), ("replay", replay)]
}

/// Random play. One step is predicted in full; of more, which rounding may lead elsewhere, only the count of steps.
pub fn env_rollout(case: &Case) -> Expected {
    let p: env_rollout::Params = case.params();
    let [mut state, mut lanes] = ["state", "lanes"].map(|name| unchanged(case, name));
    let Some(env) = case.env else { return Vec::new() };
    let (state_words, _, _) = sizes(env);
    let states = case.get::<u32>("state");
    for (lane, l) in case.get::<Lane>("lanes").iter().enumerate().take(p.num_lanes as usize) {
        if p.steps == 0 {
            continue;
        }
        let random = |purpose| Random::new(p.seed, p.stream + purpose, l.step, lane as u32);
        let before = &states[lane * state_words..(lane + 1) * state_words];
        let done = (p.steps == 1)
            .then(|| random_action(&env.actions, &mut random(stream::ACTION)))
            .flatten()
            .and_then(|action| step(case, env, lane, before, &action, &mut random(stream::STEP)));
        let next = match done {
            Some(done) => match count(&mut lanes, lane, l, env, done.reward, done.terminated) {
                true => start(case, env, lane, &mut random(stream::RESET)).0,
                false => done.next,
            },
            None => {
                lanes[lane * LANE_WORDS..(lane + 1) * LANE_WORDS].fill(Expect::Any);
                lanes[word_of!(Lane, lane, step)] = Expect::Bits(l.step + p.steps);
                vec![Expect::Any; state_words]
            }
        };
        put(&mut state, lane * state_words, &next);
    }
    vec![("state", state), ("lanes", lanes)]
}

/// One step or one reset per row, without bookkeeping.
pub fn env_probe(case: &Case) -> Expected {
    let p: env_probe::Params = case.params();
    let [mut state, mut obs, mut rewards, mut terminated] =
        ["state", "obs", "rewards", "terminated"].map(|name| unchanged(case, name));
    let Some(env) = case.env else { return Vec::new() };
    let (actions, states) = (case.get::<u32>("actions"), case.get::<u32>("state"));
    let draws = case.get::<u32>("draws");
    let (state_words, obs_size, _) = sizes(env);
    let action_words = env.actions.words();
    for row in 0..p.rows as usize {
        let before = &states[row * state_words..(row + 1) * state_words];
        let action = &actions[row * action_words..(row + 1) * action_words];
        let given = &draws[row * p.draws as usize..(row + 1) * p.draws as usize];
        let random = |purpose| Random::with_given(given, p.seed, purpose, p.step, row as u32);
        let (next, seen) = if p.reset == 1 {
            [rewards[row], terminated[row]] = [Expect::Bits(0); 2];
            start(case, env, row, &mut random(stream::RESET))
        } else if p.reset == 2 {
            [rewards[row], terminated[row]] = [Expect::Bits(0); 2];
            let state: Vec<Expect> = before.iter().map(|word| Expect::Bits(*word)).collect();
            let lane = dynamics::Lane { env, params: params_of(case, env, row) };
            let seen = match dynamics(env) {
                Some(dynamics) => (dynamics.observe)(lane, &state),
                None => vec![Expect::Any; obs_size],
            };
            (state, seen)
        } else {
            match step(case, env, row, before, action, &mut random(stream::STEP)) {
                Some(done) => {
                    rewards[row] = Expect::Float(done.reward);
                    let flag: f32 = if done.terminated { 1.0 } else { 0.0 };
                    terminated[row] = Expect::Bits(flag.to_bits());
                    (done.next, done.final_obs)
                }
                None => {
                    [rewards[row], terminated[row]] = [Expect::Any; 2];
                    (vec![Expect::Any; state_words], vec![Expect::Any; obs_size])
                }
            }
        };
        put(&mut state, row * state_words, &next);
        put(&mut obs, row * obs_size, &seen);
    }
    vec![("state", state), ("obs", obs), ("rewards", rewards), ("terminated", terminated)]
}

/// Pictures have no equation; that every pixel is one is all there is to say, and twin and shader are compared.
pub fn env_draw(case: &Case) -> Expected {
    let p: env_draw::Params = case.params();
    let mut pixels = unchanged(case, "pixels");
    let count = (p.frames * p.width * p.height) as usize;
    pixels[..count].fill(Expect::Any);
    vec![("pixels", pixels)]
}
