//! One recorded transition of an environment, and how the engine's own is compared with it.
//!
//! Each runs alone (`env_probe`: next state, observation, reward, termination) with the recorded draws in place of the
//! engine's, and, where the actions are discrete, through the training kernel (`act_step`: what replay stores, whether the
//! episode ended by termination or time limit, and its statistics). The training kernel draws its own numbers: the counter
//! of its lane is set to a step whose numbers lead to the same outcome.

use crate::engine::env::Env;
use crate::shared::rng::{Rng, STREAM_STEP};
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::env_device::{self, Acted, Probed, Start};
use crate::verify::conformance::report::Outcome;

/// Words of observations in one run on the device; longer logs run in parts.
const OBS_WORDS: usize = 1 << 20;
/// Draws tried until one leads where the record went; outcomes of less than 0.1% may be missed.
const TRIES: u32 = 1 << 13;

/// A number with its bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Within {
    /// What the reference says.
    pub value: f64,
    /// Largest error.
    pub bound: f64,
}

impl Within {
    /// A flag, an index or a count.
    pub fn same(value: f64) -> Within {
        Within { value, bound: 0.0 }
    }

    /// A number that must be met up to its rounding to float32.
    pub fn exactly(value: f64) -> Within {
        Within { value, bound: value.abs() * f64::from(f32::EPSILON) }
    }
}

/// A word of the next state.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// Index of the word.
    pub index: usize,
    /// Its value.
    pub want: Within,
    /// Whether whole turns make no difference.
    pub angle: bool,
}

impl Word {
    /// A word that must be met exactly.
    pub fn exactly(index: usize, value: f64) -> Word {
        Word { index, want: Within::same(value), angle: false }
    }

    /// The value nearest to the recorded one that the word stands for.
    fn value(&self, env: &Env, word: u32) -> f64 {
        let value = env.state[self.index].number.value(word);
        if !self.angle {
            return value;
        }
        let turns = ((value - self.want.value) / std::f64::consts::TAU).round();
        value - turns * std::f64::consts::TAU
    }
}

/// An expected observation.
#[derive(Clone, Debug)]
pub enum Seen {
    /// Number by number.
    Numbers(Vec<Within>),
    /// A one at this index and zeros; zeros alone without an index.
    OneHot(Option<usize>),
}

/// What the reference did in one step.
#[derive(Clone, Debug)]
pub struct Transition {
    /// From where, with what.
    pub start: Start,
    /// Recorded words of the next state.
    pub next: Vec<Word>,
    /// Observation of the next state, before any reset.
    pub seen: Seen,
    /// Reward, where rounding does not decide it.
    pub reward: Option<Within>,
    /// Whether the training kernel, which cannot be given draws, must find the same reward.
    pub trained_reward: bool,
    /// Terminated, where rounding does not decide it.
    pub terminated: Option<bool>,
    /// Terminated or truncated, where known.
    pub ended: Option<bool>,
    /// Truncated, beside a termination too, where known.
    pub truncated: Option<bool>,
    /// Return and length of the episode that ended with this step.
    pub episode: Option<[Within; 2]>,
    /// Whether the training kernel takes the step, too.
    pub trained: bool,
    /// Where the record stands in the file.
    pub label: String,
}

/// Runs all transitions and compares them.
pub fn compare(
    env: &'static Env,
    transitions: &[Transition],
    device: &mut Device<'_>,
    comparison: &mut Comparison,
) -> Outcome<()> {
    let rows = (OBS_WORDS / env.obs_size as usize).max(1);
    let discrete = env.actions.outputs() > 0;
    for part in transitions.chunks(rows) {
        let starts: Vec<Start> = part.iter().map(|transition| transition.start.clone()).collect();
        let probed = env_device::probe(device, env, &starts)?;
        for (row, transition) in part.iter().enumerate() {
            compare_probed(env, transition, &probed, row, comparison);
            comparison.cases += 1;
        }
        let trained: Vec<&Transition> = part.iter().filter(|t| discrete && t.trained).collect();
        if trained.is_empty() {
            continue;
        }
        let step = |(row, transition): (usize, &&Transition)| Start {
            lane_step: lane_step(env, transition, row as u32),
            ..transition.start.clone()
        };
        let starts: Vec<Start> = trained.iter().enumerate().map(step).collect();
        let acted = env_device::act(device, env, &starts)?;
        for (row, transition) in trained.iter().enumerate() {
            compare_acted(env, transition, &acted, row, comparison);
        }
    }
    Ok(())
}

fn flag(flag: bool) -> f64 {
    f64::from(u8::from(flag))
}

fn compare_probed(
    env: &Env,
    transition: &Transition,
    probed: &Probed,
    row: usize,
    comparison: &mut Comparison,
) {
    let words = env.state_words as usize;
    for word in &transition.next {
        let got = word.value(env, probed.state[row * words + word.index]);
        let name = &env.state[word.index].name;
        comparison
            .value(name, got, word.want.value, word.want.bound, || format!("{}: {name}", transition.label));
    }
    let mut value = |quantity: &str, got: f64, want: Within| {
        let label = || format!("{}: {quantity}", transition.label);
        comparison.value(quantity, got, want.value, want.bound, label);
    };
    let obs_size = env.obs_size as usize;
    compare_seen("obs", &probed.obs[row * obs_size..][..obs_size], &transition.seen, &mut value);
    if let Some(want) = transition.reward {
        value("reward", f64::from(probed.rewards[row]), want);
    }
    // The limit of the environment must explain the truncation.
    let steps = transition.start.episode_step.saturating_add(1);
    let truncated = steps >= env.step_limit();
    if let Some(want) = transition.truncated {
        value("truncated", flag(truncated), Within::same(flag(want)));
    }
    // The training kernel has no actions of a box, and keeps no statistics of theirs.
    if let (Some([episode_return, length]), 0) = (transition.episode, env.actions.outputs()) {
        let sum = f64::from(transition.start.episode_return) + f64::from(probed.rewards[row]);
        value("episode_return", sum, episode_return);
        value("episode_length", f64::from(steps), length);
    }
    let Some(terminated) = transition.terminated else { return };
    value("terminated", f64::from(probed.terminated[row]), Within::same(flag(terminated)));
    if let (Some(ended), 0) = (transition.ended, env.actions.outputs()) {
        value("ended", flag(probed.terminated[row] == 1.0 || truncated), Within::same(flag(ended)));
    }
}

fn compare_acted(env: &Env, transition: &Transition, acted: &Acted, row: usize, comparison: &mut Comparison) {
    let mut value = |quantity: &str, got: f64, want: Within| {
        let label = || format!("{}: {quantity}", transition.label);
        comparison.value(quantity, got, want.value, want.bound, label);
    };
    let obs_size = env.obs_size as usize;
    let obs = &acted.next_obs[row * obs_size..][..obs_size];
    compare_seen("replay_obs", obs, &transition.seen, &mut value);
    if let (Some(want), true) = (transition.reward, transition.trained_reward) {
        value("replay_reward", f64::from(acted.rewards[row]), want);
    }
    let Some(terminated) = transition.terminated else { return };
    value("replay_terminated", f64::from(acted.terminated[row]), Within::same(flag(terminated)));
    let lane = &acted.lanes[row];
    if let Some(ended) = transition.ended {
        value("ended", f64::from(lane.episodes), Within::same(flag(ended)));
    }
    if let Some([episode_return, length]) = transition.episode {
        value("episode_return", f64::from(lane.window_return), episode_return);
        value("episode_length", f64::from(lane.window_length), length);
        // The next episode starts from nothing in the same step.
        let begun = f64::from(lane.episode_step) + f64::from(lane.episode_return);
        value("restarted", begun, Within::same(0.0));
    }
}

fn compare_seen(quantity: &str, obs: &[f32], seen: &Seen, value: &mut impl FnMut(&str, f64, Within)) {
    match seen {
        Seen::Numbers(numbers) => {
            for (got, want) in obs.iter().zip(numbers) {
                value(quantity, f64::from(*got), *want);
            }
        }
        Seen::OneHot(index) => {
            let want = index.map_or(-1.0, |index| index as f64);
            value(quantity, hot(obs), Within::same(want));
        }
    }
}

/// Index of the one among zeros, -1 where all are zeros, NaN for anything else.
pub fn hot(obs: &[f32]) -> f64 {
    let others = obs.iter().filter(|value| **value != 0.0 && **value != 1.0).count();
    let mut ones = obs.iter().enumerate().filter(|(_, value)| **value == 1.0);
    match (others, ones.next(), ones.next()) {
        (0, None, _) => -1.0,
        (0, Some((index, _)), None) => index as f64,
        _ => f64::NAN,
    }
}

impl Transition {
    /// Whether the twin goes where the record went with these random numbers.
    fn follows(&self, env: &Env, rng: &mut Rng<'_>) -> bool {
        let mut state = self.start.state.clone();
        let outcome = env.twin().step(&env.lane_params(0, 1), &mut state, &self.start.action, rng);
        let close = |got: f64, want: Within| (got - want.value).abs() <= want.bound;
        let reward = self.reward.filter(|_| self.trained_reward);
        self.next.iter().all(|word| close(word.value(env, state[word.index]), word.want))
            && self.terminated.is_none_or(|flag| flag == outcome.terminated)
            && reward.is_none_or(|want| close(f64::from(outcome.reward), want))
    }

    /// Sets the first draw to one that leads where the record went, where the record does not hold it.
    pub fn find_draw(&mut self, env: &Env) {
        let mut draws = self.start.draws.clone();
        for share in 0..TRIES {
            draws[0] = share * (u32::MAX / TRIES) + u32::MAX / TRIES / 2;
            if self.follows(env, &mut Rng { given: &draws, ..Rng::new(0, STREAM_STEP, 0, 0) }) {
                self.start.draws = draws;
                return;
            }
        }
    }
}

/// A step counter at which the draws of this lane lead where the record went. Only a guess is made here, with
/// the twin: what the kernel then does is compared like everything else, so without such a step the comparison fails.
fn lane_step(env: &Env, transition: &Transition, lane: u32) -> u32 {
    if transition.start.draws.is_empty() {
        return 0;
    }
    let reached = |step: &u32| transition.follows(env, &mut Rng::new(0, STREAM_STEP, *step, lane));
    (0..TRIES).find(reached).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_one_is_one_hot() {
        assert_eq!(hot(&[0.0, 0.0, 1.0]), 2.0);
        assert_eq!(hot(&[0.0, 0.0]), -1.0);
        for obs in [[1.0, 1.0], [0.5, 1.0], [f32::NAN, 1.0], [-1.0, 0.0]] {
            assert!(hot(&obs).is_nan(), "{obs:?}");
        }
    }
}
