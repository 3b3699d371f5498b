//! Sampling from the ring: windows of n steps, unpacked from the bits that they are kept in.

use super::random::{Random, stream};
use super::{Expect, Expected, Num, unchanged};
use crate::kernels::replay_sample;
use crate::shared::agent::{Agent, Lane};
use crate::shared::transition::{GOES_ON, TERMINATED, TransitionLayout};
use crate::verify::case::Case;

/// Element `k` of an observation as it is kept.
pub(super) fn unpacked(obs: &[u32], k: usize, bits: u32) -> Expect {
    let per_word = 32 / bits as usize;
    let word = obs[k / per_word];
    if bits == 32 {
        return Expect::Bits(word);
    }
    let most = (1u32 << bits) - 1;
    let level = (word >> (k % per_word * bits as usize)) & most;
    Expect::Float(Num::exact(level as f32) / Num::exact(most as f32))
}

/// An n-step window: reward sum, discount, the states it passed through, copied word by word.
///
/// Steps of a lane are numbered from 0 here; step `s` lies in row `s mod rows` of the ring, and `steps - 1` is the newest.
pub fn replay_sample(case: &Case) -> Expected {
    let p: replay_sample::Params = case.params();
    let [mut batch_obs, mut actions, mut rewards, mut discounts] =
        ["batch_obs", "actions", "rewards", "discounts"].map(|name| unchanged(case, name));
    let (lanes, replay) = (case.get::<Lane>("lanes"), case.get::<u32>("replay"));
    let given = case.get::<u32>("actions");
    let [obs_size, heads, capacity] = [p.obs_size, p.heads, p.capacity].map(|n| n as usize);
    let layout = TransitionLayout { obs_size: p.obs_size, obs_bits: p.obs_bits, action_words: p.heads };
    let words = layout.words();
    let [num_lanes, n_step, rows] = [p.num_lanes, p.n_step, p.capacity / p.num_lanes].map(u64::from);
    for (agent, record) in case.get::<Agent>("agents").iter().enumerate().take(p.agents as usize) {
        // An empty ring has no right answer; the kernel promises to stay within the first step of it.
        let steps = u64::from(lanes[agent * p.num_lanes as usize].step);
        let (oldest, end) = (steps.saturating_sub(rows), steps.max(1));
        let last_start = end.saturating_sub(n_step).max(oldest);
        for b in 0..p.batch {
            let row = agent * p.batch as usize + b as usize;
            let word = Random::new(record.seed, p.stream + stream::REPLAY, record.updates, b).word();
            let (start, lane) = if p.given_starts == 1 {
                // The step that lies in the given row now.
                let at = u64::from(given[row * heads]).min(u64::from(p.capacity) - 1);
                let turn = at / num_lanes;
                let held = (oldest..oldest + rows).find(|step| step % rows == turn);
                (held.unwrap_or_default(), at % num_lanes)
            } else {
                let index = u64::from(word) % ((last_start - oldest + 1) * num_lanes);
                // Single steps are taken in the order of the ring's rows, longer windows in the order of time.
                let first = if n_step == 1 { 0 } else { oldest };
                (first + index / num_lanes, index % num_lanes)
            };
            let held = |step: u64| {
                let index = agent * capacity + ((step % rows) * num_lanes + lane) as usize;
                &replay[index * words..(index + 1) * words]
            };
            // With one step the number found above is a row; as a step of a full ring it may be any that lies there.
            let room = if n_step == 1 { 1 } else { n_step.min(end.saturating_sub(start)).max(1) };
            let ended = |step: &u64| held(*step)[layout.ended_at()] != GOES_ON;
            let last = (start..start + room).find(ended).unwrap_or(start + room - 1);
            let gamma = Num::exact(record.gamma);
            let power = |n: u64| (0..n).fold(Num::exact(1.0), |product, _| product * gamma);
            let reward = |step: u64| held(step)[layout.reward_at()];
            let gained =
                (start..=last).map(|step| power(step - start) * Num::exact(f32::from_bits(reward(step))));
            let single = start == last;
            rewards[row] = match single {
                true => Expect::Bits(reward(start)),
                false => Expect::Float(Num::sum(gained)),
            };
            let place = agent * (p.inputs as usize - 1) * p.batch as usize + b as usize;
            discounts[place] = match held(last)[layout.ended_at()] == TERMINATED {
                true => Expect::Bits(0),
                false => Expect::Float(power(last - start + 1)),
            };
            for input in 0..p.inputs as usize {
                let between = start + input as u64 - 1.min(input as u64);
                let obs = match input {
                    0 => held(start),
                    1 => &held(last)[layout.next_obs_at()..],
                    _ if between <= last => held(between),
                    _ => &held(last)[layout.next_obs_at()..],
                };
                let at = ((agent * p.inputs as usize + input) * p.batch as usize + b as usize) * obs_size;
                for k in 0..obs_size {
                    batch_obs[at + k] = unpacked(obs, k, p.obs_bits);
                }
                if input > 1 {
                    let at = place + (input - 1) * p.batch as usize;
                    let factor = power(between - start);
                    discounts[at] = if between <= last { Expect::Float(factor) } else { Expect::Bits(0) };
                }
            }
            for head in 0..heads {
                actions[row * heads + head] = Expect::Bits(held(start)[layout.action_at() + head]);
            }
        }
    }
    vec![("batch_obs", batch_obs), ("actions", actions), ("rewards", rewards), ("discounts", discounts)]
}
