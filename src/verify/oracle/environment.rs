//! Environments: Gymnasium's formulas in f64, the bookkeeping of `act_step` and `env_reset`, sampling from the ring.

use super::policy::{Policy, argmax, schedule};
use super::random::{Random, stream};
use super::{Expect, Expected, Num, unchanged};
use crate::engine::env::Env;
use crate::kernels::{act_step, env_probe, env_reset, replay_sample};
use crate::shared::agent::{Agent, Lane};
use crate::verify::cases::Case;
use crate::word_of;

/// `(next state, reward, terminated)`; `terminated` is `None` where rounding may decide it.
pub type Outcome = (Vec<Num>, Num, Option<bool>);

/// An environment in f64.
pub struct Dynamics {
    /// Initial state.
    pub reset: fn(&mut Random) -> Vec<Num>,
    /// One step from a state with an action.
    pub step: fn(&[f32], u32, &mut Random) -> Outcome,
    /// Observation.
    pub observe: fn(&[Num]) -> Vec<Num>,
}

/// The f64 model of an environment, if there is one; without it, only twin and shader are compared.
pub fn dynamics(env: &Env) -> Option<Dynamics> {
    match env.id {
        "CartPole-v1" => Some(Dynamics {
            reset: |random| (0..4).map(|_| random.range(-0.05, 0.05)).collect(),
            step: cartpole,
            observe: <[Num]>::to_vec,
        }),
        _ => None,
    }
}

/// Gymnasium's `CartPoleEnv.step`, explicit Euler with tau = 0.02.
fn cartpole(state: &[f32], action: u32, _: &mut Random) -> Outcome {
    let number = Num::constant;
    let [x, x_dot, theta, theta_dot] = [0, 1, 2, 3].map(|i| Num::exact(state[i]));
    let (gravity, masspole, total_mass, length, tau) =
        (number(9.8), number(0.1), number(1.1), number(0.5), number(0.02));
    let polemass_length = number(0.05);
    let force = number(if action == 1 { 10.0 } else { -10.0 });
    let (sintheta, costheta) = theta.sin_cos();
    let temp = (force + polemass_length * (theta_dot * theta_dot) * sintheta) / total_mass;
    let thetaacc = (gravity * sintheta - costheta * temp)
        / (length * (number(4.0 / 3.0) - masspole * (costheta * costheta) / total_mass));
    let xacc = temp - polemass_length * thetaacc * costheta / total_mass;
    let next = vec![x + tau * x_dot, x_dot + tau * xacc, theta + tau * theta_dot, theta_dot + tau * thetaacc];
    let beyond = |value: Num, limit: f64| {
        let distance = value.value.abs() - limit;
        (distance.abs() > 2.0 * value.bound + 1e-7 * limit).then_some(distance > 0.0)
    };
    let limit = 12.0 * 2.0 * std::f64::consts::PI / 360.0;
    let terminated = match (beyond(next[0], 2.4), beyond(next[2], limit)) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    };
    (next, Num::exact(1.0), terminated)
}

fn floats(out: &mut [Expect], at: usize, values: &[Num]) {
    for (word, value) in out[at..].iter_mut().zip(values) {
        *word = Expect::Float(*value);
    }
}

/// Initial states and observations, cleared bookkeeping.
pub fn env_reset(case: &Case) -> Expected {
    let p: env_reset::Params = case.params();
    let [mut state, mut lanes, mut obs] = ["state", "lanes", "obs"].map(|name| unchanged(case, name));
    let lane_words = std::mem::size_of::<Lane>() / 4;
    for (agent, record) in case.get::<Agent>("agents").iter().enumerate().take(p.agents as usize) {
        for i in 0..p.num_lanes {
            let lane = agent * p.num_lanes as usize + i as usize;
            lanes[lane * lane_words..(lane + 1) * lane_words].fill(Expect::Bits(0));
            start(case, &mut state, &mut obs, lane, (record.seed, p.stream, u32::MAX, i));
        }
    }
    vec![("state", state), ("lanes", lanes), ("obs", obs)]
}

/// A fresh episode in one lane: `place` is seed, stream, step and lane of its random numbers.
fn start(
    case: &Case,
    state: &mut [Expect],
    obs: &mut [Expect],
    lane: usize,
    place: (u32, u32, u32, u32),
) -> Option<()> {
    let env = case.env?;
    let (state_words, obs_size) = (env.state_words as usize, env.obs_size as usize);
    let Some(dynamics) = dynamics(env) else {
        state[lane * state_words..(lane + 1) * state_words].fill(Expect::Any);
        obs[lane * obs_size..(lane + 1) * obs_size].fill(Expect::Any);
        return None;
    };
    let (seed, stream, step, index) = place;
    let fresh = (dynamics.reset)(&mut Random::new(seed, stream + stream::RESET, step, index));
    floats(state, lane * state_words, &fresh);
    floats(obs, lane * obs_size, &(dynamics.observe)(&fresh));
    Some(())
}

/// The action of one lane, or `None` where rounding may decide it.
fn choose(p: &act_step::Params, h: &Agent, l: &Lane, q: &[f32], random: &mut Random) -> Option<u32> {
    let env_steps = l.step.wrapping_mul(p.num_lanes);
    let (coin, u) = (random.uniform(), random.uniform());
    let epsilon = match p.explore {
        1 => schedule(h.epsilon, h.epsilon_final, h.epsilon_decay_steps, Num::exact(env_steps as f32)),
        _ => Num::default(),
    };
    let forced = l.step < p.uniform_steps;
    if !forced && (coin - epsilon.value).abs() <= 2.0 * epsilon.bound {
        return None;
    }
    if forced || coin < epsilon.value {
        let place = u * q.len() as f64;
        let clear = (place - place.round()).abs() > 1e-6 * q.len() as f64;
        // Halving, quartering, ... is exact.
        return (clear || q.len().is_power_of_two()).then_some((place as u32).min(q.len() as u32 - 1));
    }
    if p.policy == 1 {
        return Some(argmax(q) as u32);
    }
    Policy::new(q, h.alpha).sample(u).map(|action| action as u32)
}

/// One step of every environment under Gymnasium's rules: the stored next observation is the final one, termination is
/// stored and truncation is not, an ended episode starts again at once.
pub fn act_step(case: &Case) -> Expected {
    let p: act_step::Params = case.params();
    let [mut state, mut lanes, mut obs, mut replay] =
        ["state", "lanes", "obs", "replay"].map(|name| unchanged(case, name));
    let Some(env) = case.env else { return Vec::new() };
    let [obs_size, state_words, actions] =
        [env.obs_size, env.state_words, env.num_actions].map(|n| n as usize);
    let (all_lanes, q) = (case.get::<Lane>("lanes"), case.get::<f32>("q"));
    let (states, seen) = (case.get::<f32>("state"), case.get::<u32>("obs"));
    let lane_words = std::mem::size_of::<Lane>() / 4;
    for (agent, h) in case.get::<Agent>("agents").iter().enumerate().take(p.agents as usize) {
        for i in 0..p.num_lanes {
            let lane = agent * p.num_lanes as usize + i as usize;
            let l = &all_lanes[lane];
            let random = |purpose| Random::new(h.seed, p.stream + purpose, l.step, i);
            let row = (p.capacity > 0).then(|| {
                let turn = l.step % (p.capacity / p.num_lanes);
                agent * p.capacity as usize + (turn * p.num_lanes + i) as usize
            });
            let stride = 2 * obs_size + 3;
            let q = &q[lane * actions..(lane + 1) * actions];
            let outcome = choose(&p, h, l, q, &mut random(stream::ACTION)).and_then(|action| {
                let dynamics = dynamics(env)?;
                let before = &states[lane * state_words..(lane + 1) * state_words];
                let (next, reward, terminated) = (dynamics.step)(before, action, &mut random(stream::STEP));
                Some((action, (dynamics.observe)(&next), next, reward, terminated?))
            });
            let Some((action, final_obs, next, reward, terminated)) = outcome else {
                lanes[lane * lane_words..(lane + 1) * lane_words].fill(Expect::Any);
                state[lane * state_words..(lane + 1) * state_words].fill(Expect::Any);
                obs[lane * obs_size..(lane + 1) * obs_size].fill(Expect::Any);
                if let Some(row) = row {
                    replay[row * stride..(row + 1) * stride].fill(Expect::Any);
                }
                continue;
            };
            if let Some(row) = row {
                let transition = &mut replay[row * stride..(row + 1) * stride];
                for k in 0..obs_size {
                    transition[k] = Expect::Bits(seen[lane * obs_size + k]);
                }
                floats(transition, obs_size, &final_obs);
                transition[2 * obs_size] = Expect::Bits((action as f32).to_bits());
                transition[2 * obs_size + 1] = Expect::Float(reward * Num::exact(h.reward_scale));
                let flag: f32 = if terminated { 1.0 } else { 0.0 };
                transition[2 * obs_size + 2] = Expect::Bits(flag.to_bits());
            }
            let total = Num::exact(l.episode_return) + reward;
            let length = l.episode_step + 1;
            lanes[word_of!(Lane, lane, step)] = Expect::Bits(l.step + 1);
            if !terminated && length < env.max_episode_steps {
                lanes[word_of!(Lane, lane, episode_step)] = Expect::Bits(length);
                lanes[word_of!(Lane, lane, episode_return)] = Expect::Float(total);
                floats(&mut state, lane * state_words, &next);
                floats(&mut obs, lane * obs_size, &final_obs);
                continue;
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
            start(case, &mut state, &mut obs, lane, (h.seed, p.stream, l.step, i));
        }
    }
    vec![("state", state), ("lanes", lanes), ("obs", obs), ("replay", replay)]
}

/// One step per row, without bookkeeping.
pub fn env_probe(case: &Case) -> Expected {
    let p: env_probe::Params = case.params();
    let [mut state, mut obs, mut rewards, mut terminated] =
        ["state", "obs", "rewards", "terminated"].map(|name| unchanged(case, name));
    let (actions, states) = (case.get::<u32>("actions"), case.get::<f32>("state"));
    let Some(env) = case.env else { return Vec::new() };
    let [obs_size, state_words] = [env.obs_size, env.state_words].map(|n| n as usize);
    for row in 0..p.rows as usize {
        let Some(dynamics) = dynamics(env) else {
            state[row * state_words..(row + 1) * state_words].fill(Expect::Any);
            obs[row * obs_size..(row + 1) * obs_size].fill(Expect::Any);
            [rewards[row], terminated[row]] = [Expect::Any; 2];
            continue;
        };
        let before = &states[row * state_words..(row + 1) * state_words];
        let mut random = Random::new(p.seed, stream::STEP, 0, row as u32);
        let (next, reward, ended) = (dynamics.step)(before, actions[row], &mut random);
        floats(&mut state, row * state_words, &next);
        floats(&mut obs, row * obs_size, &(dynamics.observe)(&next));
        rewards[row] = Expect::Float(reward);
        terminated[row] = match ended {
            Some(ended) => Expect::Bits(f32::from(u8::from(ended)).to_bits()),
            None => Expect::Any,
        };
    }
    vec![("state", state), ("obs", obs), ("rewards", rewards), ("terminated", terminated)]
}

/// Row `hash mod size` of the ring, copied word by word.
pub fn replay_sample(case: &Case) -> Expected {
    let p: replay_sample::Params = case.params();
    let [mut batch_obs, mut actions, mut rewards, mut terminated] =
        ["batch_obs", "actions", "rewards", "terminated"].map(|name| unchanged(case, name));
    let (lanes, replay) = (case.get::<Lane>("lanes"), case.get::<f32>("replay"));
    let obs_size = p.obs_size as usize;
    for (agent, record) in case.get::<Agent>("agents").iter().enumerate().take(p.agents as usize) {
        let steps = lanes[agent * p.num_lanes as usize].step;
        let filled = u64::from(steps) * u64::from(p.num_lanes);
        // An empty ring has no right answer; the kernel promises to stay within the first row of it.
        let size = filled.min(u64::from(p.capacity)).max(u64::from(p.num_lanes));
        for b in 0..p.batch {
            let word = Random::new(record.seed, p.stream + stream::REPLAY, record.updates, b).word();
            let index = agent * p.capacity as usize + (u64::from(word) % size) as usize;
            let transition = &replay[index * (2 * obs_size + 3)..(index + 1) * (2 * obs_size + 3)];
            for (which, half) in transition[..2 * obs_size].chunks_exact(obs_size).enumerate() {
                let at = ((agent * 2 + which) * p.batch as usize + b as usize) * obs_size;
                for (k, value) in half.iter().enumerate() {
                    batch_obs[at + k] = Expect::Bits(value.to_bits());
                }
            }
            let row = agent * p.batch as usize + b as usize;
            actions[row] = Expect::Bits(transition[2 * obs_size] as u32);
            rewards[row] = Expect::Bits(transition[2 * obs_size + 1].to_bits());
            terminated[row] = Expect::Bits(transition[2 * obs_size + 2].to_bits());
        }
    }
    vec![("batch_obs", batch_obs), ("actions", actions), ("rewards", rewards), ("terminated", terminated)]
}
