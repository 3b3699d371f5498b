//! Random episodes: what they return, how they end, and the first thing that goes wrong in them.

use super::probe::{Flag, Probe};
use crate::engine::env::Env;
use crate::error::Result;
use crate::shared::rng::{Rng, STREAM_ACTION};
use crate::shared::transition::{GOES_ON, Transition, TransitionLayout};

/// Everything seen in random episodes.
#[derive(Clone, Debug, Default)]
pub struct Play {
    /// Episodes that ended, and those cut off by the budget of steps.
    pub episodes: Vec<Episode>,
    /// Steps of all rows together.
    pub steps: u64,
    /// Each element of the observation.
    pub obs: Vec<Range>,
    /// Rewards.
    pub rewards: Range,
    /// Rewards of steps after which the episode went on.
    pub passing: Range,
    /// Steps whose reward was not 0.
    pub rewarded: u64,
    /// First loop that used up the iterations of the file: its line.
    pub overrun: Option<usize>,
    /// First observation that was not finite.
    pub bad_obs: Option<Place>,
    /// First observation beyond the declared bounds.
    pub beyond: Option<Place>,
    /// First observation that `OBS_BITS` cannot hold.
    pub unfit: Option<Place>,
    /// First reward that was not finite.
    pub bad_reward: Option<Place>,
}

/// One episode of random play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Episode {
    /// Sum of rewards.
    pub total: f64,
    /// Steps.
    pub length: u32,
    /// How it ended.
    pub end: End,
}

/// How an episode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The world said so.
    Terminated,
    /// At `MAX_EPISODE_STEPS`.
    Truncated,
    /// Not at all, within the budget.
    Unfinished,
}

/// A value in an episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Element of the observation; 0 for a reward.
    pub element: usize,
    /// The value.
    pub value: f32,
    /// Step of its episode; 0 is the observation after the reset.
    pub step: u32,
}

/// Smallest and largest value with mean and variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Smallest.
    pub min: f32,
    /// Largest.
    pub max: f32,
    count: f64,
    mean: f64,
    squares: f64,
}

impl Default for Range {
    fn default() -> Self {
        Range { min: f32::INFINITY, max: f32::NEG_INFINITY, count: 0.0, mean: 0.0, squares: 0.0 }
    }
}

impl Range {
    /// Takes a value in.
    pub fn add(&mut self, value: f32) {
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.count += 1.0;
        let before = f64::from(value) - self.mean;
        self.mean += before / self.count;
        self.squares += before * (f64::from(value) - self.mean);
    }

    /// Mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Standard deviation.
    pub fn std(&self) -> f64 {
        if self.count > 0.0 { (self.squares / self.count).sqrt() } else { 0.0 }
    }
}

/// The first finite element that elements of so many bits cannot hold.
fn unfit(obs: &[f32], bits: u32) -> Option<usize> {
    if bits == 32 {
        return None;
    }
    let layout = TransitionLayout { obs_size: obs.len() as u32, obs_bits: bits, action_words: 0 };
    let mut row = vec![0; layout.words()];
    let mut stored = vec![0.0; obs.len()];
    layout.store(&mut row, Transition { obs, next_obs: obs, action: &[], reward: 0.0, ended: GOES_ON });
    layout.load_obs(&row, &mut stored);
    obs.iter().zip(stored).position(|(value, stored)| value.is_finite() && stored != *value)
}

/// Numbers of an observation from which play is cut short after [`MOST_NUMBERS`] of them.
const LONG_OBS: u32 = 1024;
const MOST_NUMBERS: u64 = 100_000_000;

/// Rows that keep states and observations within a few MiB.
pub fn fitting_rows(env: &Env, wanted: usize) -> usize {
    let per_row = (env.obs_size + env.state_words) as usize;
    wanted.min(2_000_000 / per_row).max(1)
}

/// The random action of every row in a step: the numbers that `env_rollout` draws.
pub fn random_actions(env: &Env, rows: usize, seed: u32, step: u32) -> Vec<u32> {
    let mut actions = vec![0; rows * env.actions.words()];
    for (row, action) in actions.chunks_exact_mut(env.actions.words()).enumerate() {
        env.actions.sample(&mut Rng::new(seed, STREAM_ACTION, step, row as u32), action);
    }
    actions
}

/// Plays rounds of one random episode per row, until there are `episodes` of them or `steps` steps have been taken.
/// Rows whose episode has ended idle until the round is over, so every episode counts, long or short.
pub fn play(probe: &mut Probe<'_>, episodes: usize, steps: u32) -> Result<Play> {
    let env = probe.env;
    let mut play = Play { obs: vec![Range::default(); env.obs_size as usize], ..Play::default() };
    let mut clock = 0;
    // One round of long observations says what many would, and takes minutes where no device computes them.
    let most = if env.obs_size > LONG_OBS { MOST_NUMBERS / u64::from(env.obs_size) } else { u64::MAX };
    while clock < steps && play.episodes.len() < episodes && play.overrun.is_none() && play.steps < most {
        let mut open = vec![Some((0.0f64, 0u32)); probe.rows];
        probe.reset(clock)?;
        play.look(probe, &mut open, true)?;
        while clock < steps && open.iter().any(Option::is_some) {
            let actions = random_actions(env, probe.rows, probe.seed, clock);
            probe.step(clock, &actions)?;
            clock += 1;
            play.look(probe, &mut open, false)?;
        }
        play.episodes.extend(open.into_iter().flatten().map(|(total, length)| Episode {
            total,
            length,
            end: End::Unfinished,
        }));
    }
    Ok(play)
}

impl Play {
    /// Takes in what the rows with an open episode gave.
    fn look(&mut self, probe: &mut Probe<'_>, open: &mut [Option<(f64, u32)>], reset: bool) -> Result<()> {
        let env = probe.env;
        let seen = probe.seen()?;
        let rows = open.iter_mut().zip(seen.obs.chunks_exact(env.obs_size as usize)).enumerate();
        for (row, (slot, obs)) in rows {
            let Some((total, length)) = slot else { continue };
            let reward = f32::from_bits(seen.rewards[row]);
            if !reset {
                self.steps += 1;
                *length += 1;
                *total += f64::from(reward);
                if reward.is_finite() {
                    self.rewards.add(reward);
                    self.rewarded += u64::from(reward != 0.0);
                    if seen.flags[row] == Flag::Goes {
                        self.passing.add(reward);
                    }
                } else {
                    self.bad_reward.get_or_insert(Place { element: 0, value: reward, step: *length });
                }
            }
            let obs: &[f32] = bytemuck::cast_slice(obs);
            if self.unfit.is_none() {
                self.unfit = unfit(obs, env.obs_bits).map(|element| Place {
                    element,
                    value: obs[element],
                    step: *length,
                });
            }
            for (element, value) in obs.iter().copied().enumerate() {
                let place = Place { element, value, step: *length };
                if !value.is_finite() {
                    self.bad_obs.get_or_insert(place);
                    continue;
                }
                if value < env.obs_low[element] || value > env.obs_high[element] {
                    self.beyond.get_or_insert(place);
                }
                self.obs[element].add(value);
            }
            let end = match seen.flags[row] {
                Flag::Overrun(line) => {
                    self.overrun.get_or_insert(line);
                    End::Unfinished
                }
                Flag::Terminated => End::Terminated,
                Flag::Goes if !reset && *length >= env.step_limit() => End::Truncated,
                Flag::Goes => continue,
            };
            self.episodes.push(Episode { total: *total, length: *length, end });
            *slot = None;
        }
        Ok(())
    }

    /// Episodes with this end.
    pub fn ended(&self, end: End) -> usize {
        self.episodes.iter().filter(|episode| episode.end == end).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::CpuExecutor;

    #[test]
    fn a_range_knows_its_mean_and_spread() {
        let mut range = Range::default();
        [1.0, 2.0, 3.0, 4.0].into_iter().for_each(|value| range.add(value));
        assert_eq!((range.min, range.max, range.mean()), (1.0, 4.0, 2.5));
        assert!((range.std() - 1.25f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn random_cartpoles_last_about_22_steps_and_fall() {
        let env = crate::envs::find("cartpole").expect("built in");
        let mut executor = CpuExecutor::new();
        let mut probe = Probe::new(&mut executor, env, 1000, 3, 0).expect("probe");
        let play = play(&mut probe, 2000, 10_000).expect("play");
        assert_eq!((play.episodes.len(), play.ended(End::Terminated)), (2000, 2000));
        let mean = play.episodes.iter().map(|episode| episode.total).sum::<f64>() / 2000.0;
        assert!((21.0..24.0).contains(&mean), "{mean}");
        let steps: u64 = play.episodes.iter().map(|episode| u64::from(episode.length)).sum();
        assert_eq!((play.steps, play.rewarded), (steps, steps));
        assert!(play.bad_obs.is_none() && play.bad_reward.is_none() && play.overrun.is_none());
    }
}
