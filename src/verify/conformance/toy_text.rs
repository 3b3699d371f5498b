//! Toy text: the whole table of transitions with the draws that select each entry, shares of starts, and recorded episodes.
//!
//! Gymnasium takes the first outcome whose cumulative probability is above the draw `u`. Each outcome is asked for with
//! draws from the middle of its interval and from just inside both ends, which pins order and probabilities. States are
//! Gymnasium's indices, the first word of a state here; observations there are the index, here one-hot.

use crate::engine::env::Env;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::env_device::{self, Start};
use crate::verify::conformance::log::{Line, Log};
use crate::verify::conformance::report::{Outcome, malformed, unsupported};
use crate::verify::conformance::transition::{self, Seen, Transition, Within, Word, hot};
use crate::verify::conformance::variant::Opened;

/// Distance of a draw from the end of its interval: a few steps of a uniform float32 and of a rounded probability.
const EDGE: f64 = 1.0 / 2_097_152.0;
/// Words of observations among the resets that are counted.
const RESET_WORDS: usize = 1 << 22;
/// Probabilities must sum to 1 this closely.
const SUM_BOUND: f64 = 1e-9;

/// Replays one log.
pub fn replay(
    log: &Log,
    opened: Opened,
    device: &mut Device<'_>,
    comparison: &mut Comparison,
) -> Outcome<()> {
    let env = opened.env;
    is_indexed(env)?;
    for line in &log.lines {
        match line.kind() {
            "table" => {
                transition::compare(env, &table(line, env)?, device, comparison)?;
                starts(line, env, device, comparison)?;
            }
            "episode" => transition::compare(env, &episode(line, opened)?, device, comparison)?,
            other => comparison.notes.push(format!("line {} of kind '{other}'", line.number)),
        }
    }
    Ok(())
}

/// Fails unless the states of the environment are Gymnasium's indices.
pub fn is_indexed(env: &Env) -> Outcome<()> {
    match env.state.first() {
        Some(word) if word.name == "cell" || word.name == "index" => Ok(()),
        _ => unsupported(format!("the state of '{}' is no index", env.id)),
    }
}

/// The words of a draw.
pub fn word(u: f64) -> u32 {
    (u * 4_294_967_296.0) as u32
}

/// The state with this index.
pub fn state(env: &Env, index: u32) -> Outcome<Vec<u32>> {
    if index >= env.obs_size {
        return malformed(format!("state {index} of {}", env.obs_size));
    }
    let mut words = vec![0; env.state_words as usize];
    words[0] = index;
    Ok(words)
}

/// Draws that select the interval from `low` to `high`.
fn draws(low: f64, high: f64) -> Vec<f64> {
    let mut draws = vec![(low + high) / 2.0];
    if high - low > 4.0 * EDGE {
        draws.extend([low + EDGE, high - EDGE]);
    }
    draws
}

/// The intervals of some probabilities; those without width cannot be drawn.
fn intervals(line: &Line, probabilities: &[f64]) -> Outcome<Vec<Vec<f64>>> {
    let mut low = 0.0;
    let mut found = Vec::new();
    for probability in probabilities {
        let high = low + probability;
        found.push(if *probability > 0.0 { draws(low, high.min(1.0)) } else { Vec::new() });
        low = high;
    }
    if (low - 1.0).abs() <= SUM_BOUND && probabilities.iter().all(|p| *p >= 0.0) {
        return Ok(found);
    }
    malformed(format!("line {}: {probabilities:?} are no probabilities", line.number))
}

fn table(line: &Line, env: &Env) -> Outcome<Vec<Transition>> {
    let states = line.list("P")?;
    line.expect_len("P", states.len(), env.obs_size as usize)?;
    let mut transitions = Vec::new();
    for (from, actions) in (0..env.obs_size).zip(states) {
        let actions = actions.as_array().map_or(&[][..], Vec::as_slice);
        line.expect_len("P", actions.len(), env.actions.outputs() as usize)?;
        for (action, outcomes) in (0..env.actions.outputs()).zip(actions) {
            let rows = outcomes.as_array().map_or(&[][..], Vec::as_slice);
            let rows = rows.iter().map(|row| line.row("P", row, 4)).collect::<Outcome<Vec<_>>>()?;
            let probabilities: Vec<f64> = rows.iter().map(|row| row[0]).collect();
            for (k, draws) in intervals(line, &probabilities)?.into_iter().enumerate() {
                let (next, reward, done) = (rows[k][1], rows[k][2], rows[k][3] != 0.0);
                for u in draws {
                    let start = Start {
                        state: state(env, from)?,
                        action: vec![action],
                        draws: vec![word(u)],
                        ..Start::default()
                    };
                    transitions.push(Transition {
                        start,
                        next: vec![Word::exactly(0, next)],
                        seen: Seen::OneHot(Some(next as usize)),
                        reward: Some(Within::exactly(reward)),
                        trained_reward: true,
                        terminated: Some(done),
                        ended: None,
                        truncated: None,
                        episode: None,
                        // The training kernel cannot be given draws; the episodes go through it.
                        trained: false,
                        label: format!("line {}, P[{from}][{action}][{k}] with u = {u}", line.number),
                    });
                }
            }
        }
    }
    Ok(transitions)
}

/// Initial states by the engine's own draws, which it may use as it likes: shares within six standard errors, one-hot.
fn starts(
    line: &Line,
    env: &'static Env,
    device: &mut Device<'_>,
    comparison: &mut Comparison,
) -> Outcome<()> {
    let rows = line.rows("isd", 2)?;
    intervals(line, &rows.iter().map(|row| row[1]).collect::<Vec<_>>())?;
    let (words, obs_size) = (env.state_words as usize, env.obs_size as usize);
    let count = (RESET_WORDS / obs_size).clamp(1024, 8192);
    let reset = env_device::reset(device, env, &vec![Vec::new(); count])?;
    let mut counts = vec![0u32; obs_size];
    for (state, obs) in reset.state.chunks_exact(words).zip(reset.obs.chunks_exact(obs_size)) {
        let label = || format!("line {}, isd: the observation of state {}", line.number, state[0]);
        comparison.value("start_obs", hot(obs), f64::from(state[0]), 0.0, label);
        if let Some(count) = counts.get_mut(state[0] as usize) {
            *count += 1;
        }
    }
    for (state, got) in counts.iter().enumerate() {
        let p = rows.iter().filter(|row| row[0] == state as f64).map(|row| row[1]).sum::<f64>();
        let expected = count as f64 * p;
        let bound = if p > 0.0 { (6.0 * (expected * (1.0 - p)).sqrt()).min(expected - 0.5) } else { 0.0 };
        comparison.value("starts", f64::from(*got), expected, bound, || {
            format!("line {}, isd: state {state} among {count} resets", line.number)
        });
    }
    comparison.cases += 1;
    Ok(())
}

fn episode(line: &Line, opened: Opened) -> Outcome<Vec<Transition>> {
    let env = opened.env;
    let states = line.indices("s")?;
    let actions = line.actions("a", &env.actions)?;
    let draws = line.numbers("u")?;
    let rewards = line.numbers("r")?;
    let (terminated, truncated) = (line.flags("te")?, line.flags("tr")?);
    line.expect_len("s", states.len(), actions.len() + 1)?;
    let taken = line.get("t0").map_or(Ok(0), |taken| line.index("t0", taken))?;
    let lengths =
        [("u", draws.len()), ("r", rewards.len()), ("te", terminated.len()), ("tr", truncated.len())];
    for (key, len) in lengths {
        line.expect_len(key, len, actions.len())?;
    }
    let mut transitions = Vec::new();
    let mut fickle = Fickle::new(env);
    for t in 0..actions.len() {
        let (from, to) = (states[t], states[t + 1]);
        let mut start = Start {
            state: state(env, from)?,
            action: actions[t].clone(),
            draws: vec![word(draws[t])],
            episode_step: opened.episode_step(taken.saturating_add(t as u32))?,
            ..Start::default()
        };
        fickle.infer(line, from, to, &mut start)?;
        transitions.push(Transition {
            start,
            next: vec![Word::exactly(0, f64::from(to))],
            seen: Seen::OneHot(Some(to as usize)),
            reward: Some(Within::exactly(rewards[t])),
            trained_reward: true,
            terminated: Some(terminated[t]),
            ended: Some(terminated[t] || truncated[t]),
            truncated: Some(truncated[t]),
            episode: None,
            trained: true,
            label: format!("line {}, step {t}", line.number),
        });
    }
    Ok(transitions)
}

/// Taxi's passengers who change their mind: that they will is no part of the index, and where to is drawn by a number that
/// the logs do not hold. Both follow from the destinations on the way.
pub struct Fickle {
    /// The word of the state, where passengers may be fickle at all.
    word: Option<usize>,
    /// Whether one has changed the destination in this episode, which happens once.
    changed: bool,
}

impl Fickle {
    /// For one episode.
    pub fn new(env: &Env) -> Fickle {
        let allowed = env
            .params
            .iter()
            .zip(env.lane_params(0, 1))
            .any(|(param, word)| param.name == "fickle_passenger" && word != 0);
        let word = env.state.iter().position(|word| word.name == "fickle");
        Fickle { word: word.filter(|_| allowed), changed: false }
    }

    /// Marks the start of a step whose passenger changes the destination, and draws the new one.
    pub fn infer(&mut self, line: &Line, from: u32, to: u32, start: &mut Start) -> Outcome<()> {
        let (old, new) = (from % 4, to % 4);
        let Some(word) = self.word.filter(|_| old != new) else { return Ok(()) };
        if self.changed {
            return malformed(format!("line {}: a passenger changes the destination twice", line.number));
        }
        self.changed = true;
        start.state[word] = 1;
        let other = new - u32::from(new > old);
        start.draws.push(self::word((f64::from(other) + 0.5) / 3.0));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn line(value: &Value) -> Line {
        let header = r#"{"kind":"header","schema":"sqn-conformance/1"}"#;
        let mut log = Log::parse(format!("{header}\n{value}").as_bytes()).expect("a log");
        log.lines.remove(0)
    }

    #[test]
    fn draws_lie_in_their_intervals_and_close_to_the_ends() {
        let line = line(&json!({"kind": "table"}));
        let found = intervals(&line, &[0.25, 0.0, 0.75]).expect("probabilities");
        assert_eq!(found, [vec![0.125, EDGE, 0.25 - EDGE], vec![], vec![0.625, 0.25 + EDGE, 1.0 - EDGE]]);
        assert_eq!(word(0.5), 0x8000_0000);
        for wrong in [&[0.5, 0.4][..], &[-0.5, 1.5], &[f64::NAN]] {
            assert!(intervals(&line, wrong).is_err(), "{wrong:?}");
        }
    }
}
