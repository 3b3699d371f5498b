//! `coax_nstep*`: what coax's `NStep` tracer returns for recorded episodes, against windows of the replay ring.
//!
//! The episodes lie in a ring of one environment, and the sampler gets every place as a start. Only the `terminal.*` tensors are
//! meant to be matched: coax knows no truncation, and the others show what becomes of one that is hidden from it.

use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::replay_sample;
use crate::shared::agent::{Agent, Lane};
use crate::shared::transition::{GOES_ON, TERMINATED, Transition, TransitionLayout};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::report::{Outcome, malformed, unsupported};

/// Allowed of returns and factors, relative to the larger of 1 and the value.
const BOUND: f64 = 1e-6;

/// All steps of all episodes.
struct Steps {
    states: Vec<f32>,
    width: usize,
    actions: Vec<u32>,
    rewards: Vec<f32>,
    /// Whether a step is the last of its episode.
    last: Vec<bool>,
}

impl Steps {
    fn read(case: &Case) -> Outcome<Steps> {
        let [count, width] = case.matrix("steps.s")?;
        let mut last = vec![false; count];
        let mut end = 0;
        for length in case.indices("steps.episode_length", count + 1)? {
            end += length as usize;
            match last.get_mut(end.wrapping_sub(1)) {
                Some(last) if length > 0 => *last = true,
                _ => return malformed("'steps.episode_length' does not cut the steps"),
            }
        }
        if end != count {
            return malformed(format!("'steps.episode_length' sums to {end}, there are {count} steps"));
        }
        Ok(Steps {
            states: case.f32("steps.s")?.to_vec(),
            width,
            actions: case.indices("steps.a", 1 << 24)?,
            rewards: case.f32_of("steps.r", &[count])?.to_vec(),
            last,
        })
    }

    fn count(&self) -> usize {
        self.last.len()
    }

    /// The steps of a window of `n` from `start` on.
    fn window(&self, start: usize, n: u32) -> std::ops::Range<usize> {
        let end = start.saturating_add(n as usize).min(self.count());
        let last = (start..end).find(|step| self.last[*step]);
        start..last.map_or(end, |last| last + 1)
    }

    /// Whether the episode ends in that window, so that nothing is bootstrapped.
    fn ends_within(&self, start: usize, n: u32) -> bool {
        self.window(start, n).any(|step| self.last[step])
    }

    /// Sum of the magnitudes of that window's discounted rewards.
    fn magnitude(&self, start: usize, n: u32, gamma: f32) -> f64 {
        let terms = self.window(start, n).zip(0..);
        terms.map(|(step, k)| f64::from(gamma).powi(k) * f64::from(self.rewards[step].abs())).sum()
    }

    fn layout(&self) -> TransitionLayout {
        TransitionLayout { obs_size: self.width as u32, obs_bits: 32, action_words: 1 }
    }

    /// The ring. The observation after an end is not recorded, and not used: zeros.
    fn ring(&self) -> Vec<u32> {
        let state = |t: usize| &self.states[t * self.width..][..self.width];
        let zeros = vec![0.0; self.width];
        let layout = self.layout();
        let mut ring = vec![0; self.count() * layout.words()];
        for (t, row) in ring.chunks_exact_mut(layout.words()).enumerate() {
            let (next_obs, ended) =
                if self.last[t] { (&zeros[..], TERMINATED) } else { (state(t + 1), GOES_ON) };
            let (action, reward) = (&self.actions[t..=t], self.rewards[t]);
            layout.store(row, Transition { obs: state(t), next_obs, action, reward, ended });
        }
        ring
    }
}

/// Windows from every place, as the sampler gives them.
struct Windows {
    next: Vec<f32>,
    actions: Vec<u32>,
    rewards: Vec<f32>,
    discounts: Vec<f32>,
}

/// Replays every `n` and discount.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    case.ignore("truncated_");
    let steps = Steps::read(case)?;
    if steps.actions.len() != steps.count() {
        return malformed("'steps.a' and 'steps.s' differ in length");
    }
    let names = case.names().filter_map(|name| name.strip_prefix("terminal.")?.strip_suffix(".Rn64"));
    let variants: Vec<String> = names.map(str::to_owned).collect();
    if variants.is_empty() {
        return malformed("no tensor 'terminal.*.Rn64'");
    }
    for variant in variants {
        let parsed = variant.strip_prefix('n').and_then(|rest| {
            let (n, gamma) = rest.split_once(".gamma")?;
            Some((n.parse::<u32>().ok()?, gamma.parse::<f32>().ok()?))
        });
        let Some((n, gamma)) = parsed.filter(|(n, gamma)| *n > 0 && gamma.is_finite()) else {
            return unsupported(format!("'terminal.{variant}' is not n and gamma"));
        };
        compare(case, &steps, &variant, (n, gamma), device, comparison)?;
    }
    Ok(())
}

fn compare(
    case: &Case,
    steps: &Steps,
    variant: &str,
    (n, gamma): (u32, f32),
    device: &mut Device<'_>,
    comparison: &mut Comparison,
) -> Outcome<()> {
    let count = steps.count();
    let name = |part: &str| format!("terminal.{variant}.{part}");
    let starts = case.indices(&name("s_index"), count)?;
    let sampler = Sampler::new(device, steps, n, gamma)?;
    let all = sampler.run(device, steps, count as u32)?;
    let pick = |values: &[f32]| -> Vec<f32> { starts.iter().map(|start| values[*start as usize]).collect() };
    let want = case.f64(&name("Rn64"))?;
    // A sum rounds by what is summed, which may cancel.
    let magnitudes: Vec<f64> =
        starts.iter().map(|start| steps.magnitude(*start as usize, n, gamma)).collect();
    comparison.tensor_by("Rn", &name("Rn64"), &pick(&all.rewards), want, |index, _| {
        BOUND * magnitudes[index].max(1.0)
    })?;
    let want = case.f64(&name("In64"))?;
    comparison
        .tensor_by("In", &name("In64"), &pick(&all.discounts), want, |_, want| BOUND * want.abs().max(1.0))?;
    let mut exactly = |part: &str, got: &[u32]| -> Outcome<()> {
        let want = case.indices(&name(part), 1 << 24)?;
        let [got, want] = [got, &want].map(|list| list.iter().map(|x| *x as f32).collect::<Vec<f32>>());
        comparison.tensor(part, &name(part), &got, &want, 0.0)
    };
    // The window's first column is the running number of its last state. Where nothing is bootstrapped coax reports S itself.
    let next = |start: &u32| {
        let at = *start as usize;
        if steps.ends_within(at, n) { *start } else { all.next[at * steps.width] as u32 }
    };
    let next: Vec<u32> = starts.iter().map(next).collect();
    exactly("s_next_index", &next)?;
    exactly("a", &starts.iter().map(|start| all.actions[*start as usize]).collect::<Vec<_>>())?;
    let action = |state: &u32| steps.actions.get(*state as usize).copied().unwrap_or(u32::MAX);
    exactly("a_next", &next.iter().map(action).collect::<Vec<_>>())?;

    // When a window is complete: the first fill of the ring at which it is what it will be. coax learns the state behind a
    // window only with the next step; the ring stores it with the last one.
    let mut complete = vec![None; count];
    for filled in 1..=count {
        let now = sampler.run(device, steps, filled as u32)?;
        for start in 0..filled {
            let same = |values: fn(&Windows) -> &Vec<f32>| values(&now)[start] == values(&all)[start];
            // Values may be what they will be before all steps are there: with a discount of 0 after the first.
            let whole = filled >= steps.window(start, n).end;
            if complete[start].is_none() && whole && same(|w| &w.rewards) && same(|w| &w.discounts) {
                let waits = !steps.ends_within(start, n);
                complete[start] =
                    Some((filled + usize::from(waits)) as u32).filter(|adds| *adds <= count as u32);
            }
        }
    }
    let after: Vec<u32> = starts.iter().map(|start| complete[*start as usize].unwrap_or(u32::MAX)).collect();
    exactly("after_add", &after)?;
    exactly("left_in_cache", &[complete.iter().filter(|adds| adds.is_none()).count() as u32])
}

struct Sampler {
    program: crate::engine::executor::Program,
    lanes: Buffer<Lane>,
    batch_obs: Buffer<f32>,
    actions: Buffer<u32>,
    rewards: Buffer<f32>,
    discounts: Buffer<f32>,
}

impl Sampler {
    /// One environment whose ring holds the steps.
    fn new(device: &mut Device<'_>, steps: &Steps, n_step: u32, gamma: f32) -> Outcome<Sampler> {
        let ring = steps.ring();
        let (Ok(count), Ok(obs_size)) = (u32::try_from(steps.count()), u32::try_from(steps.width)) else {
            return malformed("sizes beyond 32 bits");
        };
        let rows = u64::from(count);
        let mut buffers = Buffers::default();
        let agents: Buffer<Agent> = buffers.add("agents", 1, "");
        let replay: Buffer<u32> = buffers.add("replay", ring.len() as u64, "");
        let lanes = buffers.add("lanes", 1, "");
        let batch_obs = buffers.add("batch_obs", 2 * rows * u64::from(obs_size), "");
        let actions = buffers.add("actions", rows, "");
        let rewards = buffers.add("rewards", rows, "");
        let discounts = buffers.add("discounts", rows, "");
        let params = replay_sample::Params {
            batch: count,
            obs_size,
            obs_bits: 32,
            heads: 1,
            capacity: count,
            num_lanes: 1,
            n_step,
            inputs: 2,
            given_starts: 1,
            stream: 0,
            agents: 1,
        };
        let mut recording = Recording::default();
        replay_sample::record(
            &mut recording,
            params,
            agents,
            lanes,
            replay,
            batch_obs,
            actions,
            rewards,
            discounts,
        )?;
        let program = device.prepare(&buffers, &recording)?;
        device.write(agents, &[Agent { gamma, ..Agent::default() }])?;
        device.write(replay, &ring)?;
        Ok(Sampler { program, lanes, batch_obs, actions, rewards, discounts })
    }

    /// The windows from every place once `filled` steps are in the ring.
    fn run(&self, device: &mut Device<'_>, steps: &Steps, filled: u32) -> Outcome<Windows> {
        device.write(self.lanes, &[Lane { step: filled, ..Lane::default() }])?;
        device.write(self.actions, &(0..steps.count() as u32).collect::<Vec<_>>())?;
        device.run(self.program)?;
        let obs = device.read(self.batch_obs)?;
        Ok(Windows {
            next: obs[steps.count() * steps.width..].to_vec(),
            actions: device.read(self.actions)?,
            rewards: device.read(self.rewards)?,
            discounts: device.read(self.discounts)?,
        })
    }
}
