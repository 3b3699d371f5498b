//! Lambda returns as the recursion of their equations, and minibatches as slices of a list that is shuffled as a whole.

use super::policy::{Policy, argmax};
use super::random::{Random, stream};
use super::replay::unpacked;
use super::{Expect, Expected, Num, unchanged};
use crate::kernels::{lambda_returns, rollout_batch, rollout_states};
use crate::shared::agent::{Agent, Lane};
use crate::shared::lambda_return::LambdaReturn;
use crate::shared::transition::{GOES_ON, TERMINATED, TransitionLayout};
use crate::verify::case::Case;
use crate::word_of;

/// `(V(s'), H(pi(s')), alpha H as part of a return)` of a row of action values.
fn value_of(p: &lambda_returns::Params, q: &[f32], alpha: f32) -> (Num, Num, Num) {
    if p.hard == 1 {
        return (Num::exact(q[argmax(q)]), Num::default(), Num::default());
    }
    let policy = Policy::new(q, alpha);
    if p.entropy == 0 {
        let expected = Num::sum(q.iter().enumerate().map(|(a, q)| policy.probability(a) * Num::exact(*q)));
        return (expected, policy.entropy, Num::default());
    }
    let alpha = Num::exact(alpha);
    let uniform = if p.kl == 1 { alpha * Num::exact(p.actions as f32).ln() } else { Num::default() };
    let bonus = if p.between == 1 { alpha * policy.entropy - uniform } else { Num::default() };
    (policy.value - uniform, policy.entropy, bonus)
}

/// `R[t] = r + gamma (1 - d) (lambda (R[t+1] + bonus) + (1 - lambda) V(s'))`, with `V(s')` alone after the last step and where
/// the time limit cut.
pub fn lambda_returns(case: &Case) -> Expected {
    let p: lambda_returns::Params = case.params();
    let (records, lanes) = (case.get::<Agent>("agents"), case.get::<Lane>("lanes"));
    let (replay, q) = (case.get::<u32>("replay"), case.get::<f32>("q"));
    let mut returns = unchanged(case, "returns");
    let layout = TransitionLayout { obs_size: p.obs_size, obs_bits: p.obs_bits, action_words: p.heads };
    for agent in 0..p.agents {
        let h = &records[agent as usize];
        let [gamma, lambda] = [h.gamma, h.q_lambda].map(Num::exact);
        // Steps of a lane are numbered from 0; step s lies in row s mod T, and the newest is the one before the lane's count.
        let end = u64::from(lanes[(agent * p.num_lanes) as usize].step) + u64::from(p.steps);
        for lane in 0..p.num_lanes {
            let mut after: Option<Num> = None;
            for step in (end - u64::from(p.steps)..end).rev() {
                let row = (agent * p.steps + (step % u64::from(p.steps)) as u32) * p.num_lanes + lane;
                let columns = &q[(row * p.q_stride + p.q_offset) as usize..][..p.actions as usize];
                let (value, entropy, bonus) = value_of(&p, columns, h.alpha);
                let transition = &replay[row as usize * layout.words()..][..layout.words()];
                let reward = Num::exact(f32::from_bits(transition[layout.reward_at()]));
                let ended = transition[layout.ended_at()];
                let ahead = match after {
                    Some(after) if ended == GOES_ON => {
                        // Mixed as V + lambda (R - V), which rounds with the size of R and V at every lambda.
                        value + lambda * (after + bonus - value)
                    }
                    _ => value,
                };
                let result = if ended == TERMINATED { reward } else { reward + gamma * ahead };
                let at = (row * p.heads + p.head) as usize;
                returns[word_of!(LambdaReturn, at, value)] = Expect::Float(result);
                returns[word_of!(LambdaReturn, at, entropy)] = Expect::Float(entropy);
                after = Some(result);
            }
        }
    }
    vec![("returns", returns)]
}

/// The second observation of every transition.
pub fn rollout_states(case: &Case) -> Expected {
    let p: rollout_states::Params = case.params();
    let replay = case.get::<u32>("replay");
    let mut next_obs = unchanged(case, "next_obs");
    let layout = TransitionLayout { obs_size: p.obs_size, obs_bits: p.obs_bits, action_words: p.heads };
    for row in 0..(p.agents * p.capacity) as usize {
        let obs = &replay[row * layout.words() + layout.next_obs_at()..];
        for k in 0..p.obs_size as usize {
            next_obs[row * p.obs_size as usize + k] = unpacked(obs, k, p.obs_bits);
        }
    }
    vec![("next_obs", next_obs)]
}

/// Kensler's permutation of `0..length` under `key`, from the listing of the paper in 64-bit arithmetic: all places at once.
fn shuffled(length: u32, key: u32) -> Vec<u32> {
    let mask = u64::from(length.next_power_of_two()) - 1;
    let key = u64::from(key);
    let times = |i: u64, factor: u64| i * factor % (1 << 32);
    let once = |i: u64| {
        let i = times(i ^ key, 0xe170_893d) ^ (key >> 16);
        let i = times(i ^ ((i & mask) >> 4) ^ (key >> 8), 0x0929_eb3f) ^ (key >> 23);
        let i = times(times(i ^ ((i & mask) >> 1), 1 | (key >> 27)), 0x6935_fa69);
        let i = times(i ^ ((i & mask) >> 11), 0x74dc_b303);
        let i = times(i ^ ((i & mask) >> 2), 0x9e50_1cc3);
        let i = times(i ^ ((i & mask) >> 2), 0xc860_a3df) & mask;
        i ^ (i >> 5)
    };
    let place = |start: u32| {
        let mut i = once(u64::from(start));
        while i >= u64::from(length) {
            i = once(i);
        }
        (((i + key) % (1 << 32)) % u64::from(length)) as u32
    };
    (0..length).map(place).collect()
}

/// A slice of the shuffled transitions, word by word.
pub fn rollout_batch(case: &Case) -> Expected {
    let p: rollout_batch::Params = case.params();
    let records = case.get::<Agent>("agents");
    let (replay, given) = (case.get::<u32>("replay"), case.get::<u32>("actions"));
    let returns = case.get::<LambdaReturn>("returns");
    let [mut batch_obs, mut actions, mut targets, mut entropies] =
        ["batch_obs", "actions", "targets", "entropies"].map(|name| unchanged(case, name));
    let layout = TransitionLayout { obs_size: p.obs_size, obs_bits: p.obs_bits, action_words: p.heads };
    let [batch, heads, obs_size] = [p.batch, p.heads, p.obs_size].map(|n| n as usize);
    for agent in 0..p.agents as usize {
        let record = &records[agent];
        let parts = p.capacity / p.batch;
        let key = Random::new(record.seed, p.stream + stream::REPLAY, record.updates / parts, 0).word();
        let order = shuffled(p.capacity, key);
        let part = &order[(record.updates % parts) as usize * batch..][..batch];
        for b in 0..batch {
            let row = agent * batch + b;
            let place = if p.given == 1 { given[row * heads].min(p.capacity - 1) } else { part[b] };
            let from = agent * p.capacity as usize + place as usize;
            let transition = &replay[from * layout.words()..][..layout.words()];
            let obs_at = (agent * p.inputs as usize * batch + b) * obs_size;
            for k in 0..obs_size {
                batch_obs[obs_at + k] = unpacked(transition, k, p.obs_bits);
            }
            for head in 0..heads {
                let at = row * heads + head;
                let result = &returns[from * heads + head];
                actions[at] = Expect::Bits(transition[layout.action_at() + head]);
                targets[at] = Expect::Bits(result.value.to_bits());
                entropies[at] = Expect::Bits(result.entropy.to_bits());
            }
        }
    }
    vec![("batch_obs", batch_obs), ("actions", actions), ("targets", targets), ("entropies", entropies)]
}
