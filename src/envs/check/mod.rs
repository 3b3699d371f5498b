//! The checker of environments, with the list of Gymnasium's `check_env`: `softq check-env`, and in short form before a
//! training on a user's file. Everything is seen from outside, through single steps on the device that will train.
//!
//! A check that fails means that training would be wrong or meaningless; a warning means that it may be slow or hard, and
//! says what to do. The sections it names are those of `docs/your-own-environment.md`.
//!
//! ```
//! use softq::engine::cpu::CpuExecutor;
//! use softq::envs::check::{Finding, Options, Verdict, check};
//!
//! let env = softq::envs::find("catch")?;
//! let options = Options { episodes: 100, steps: 200, ..Options::default() };
//! let mut told = 0;
//! let findings: Vec<Finding> = check(&mut CpuExecutor::new(), env, options, &mut |_| {
//!     told += 1;
//!     Ok(())
//! })?;
//! assert_eq!(told, findings.len());
//! assert!(findings.iter().all(|finding| finding.verdict != Verdict::Failed));
//! let actions = findings.iter().find(|finding| finding.check == "actions").expect("always checked");
//! assert!(actions.text.starts_with("Discrete(3): every choice has an effect"), "{}", actions.text);
//! # Ok::<(), softq::Error>(())
//! ```

mod actions;
mod advice;
mod episodes;
mod play;
pub(super) mod probe;
mod repeat;
mod sanitized;
mod twin;

use serde::Serialize;

use crate::engine::env::Env;
use crate::engine::executor::Executor;
use crate::engine::lexer::Tokens;
use crate::error::{Error, Result};
use probe::Probe;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Allowed, but worth a thought.
    Warning,
    /// Wrong.
    Failed,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Name of the check.
    pub check: &'static str,
    /// How it went.
    pub verdict: Verdict,
    /// What was seen, with numbers.
    pub text: String,
    /// What to do about it; empty where nothing is to be done.
    pub advice: String,
}

impl Finding {
    fn ok(check: &'static str, text: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Ok, text: text.into(), advice: String::new() }
    }

    fn warning(check: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Warning, text: text.into(), advice: advice.into() }
    }

    fn failed(check: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Failed, text: text.into(), advice: advice.into() }
    }
}

/// How much to play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Seed of resets, actions and steps.
    pub seed: u32,
    /// Random episodes.
    pub episodes: usize,
    /// Most steps of one row over all its episodes.
    pub steps: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options { seed: 0, episodes: 10_000, steps: 4_000 }
    }
}

/// Runs all checks on `executor`, handing each finding to `on_finding` as soon as it is there.
pub fn check(
    executor: &mut dyn Executor,
    env: &'static Env,
    options: Options,
    on_finding: &mut dyn FnMut(&Finding) -> Result<()>,
) -> Result<Vec<Finding>> {
    let Options { seed, episodes, steps } = options;
    let mut findings = Vec::new();
    let mut add = |found: Vec<Finding>| {
        for finding in found {
            on_finding(&finding)?;
            findings.push(finding);
        }
        Ok::<(), Error>(())
    };
    if env.user {
        add(advice::browsers(env))?;
        #[cfg(feature = "translate")]
        add(advice::drivers(env)?)?;
    }
    let rows = play::fitting_rows(env, episodes);
    let play = play::play(&mut Probe::new(executor, env, rows, seed, 0)?, episodes, steps)?;
    add(episodes::values(env, &play))?;
    if env.user {
        add(sanitized::faults(env, seed)?)?;
    }
    if play.overrun.is_none() {
        add(repeat::same_seed(executor, env, seed)?)?;
        add(repeat::resets(executor, env, seed)?)?;
        add(repeat::same_draws(executor, env, seed)?)?;
        add(actions::effects(executor, env, seed)?)?;
        add(episodes::ends(env, &play))?;
        add(twin::agreement(executor, env, seed)?)?;
        add(advice::drawing(executor, env, seed)?)?;
        add(advice::learning(env, &play))?;
    }
    Ok(findings)
}

/// The short form: some hundred rows, a hundred random steps each. An error where the world breaks at run time; else
/// warnings.
///
/// ```
/// use softq::engine::cpu::CpuExecutor;
/// use softq::envs::check::brief;
///
/// let source = "
/// const OBS_SIZE = 1u;
/// const NUM_ACTIONS = 2u;
/// struct State { x: f32 }
/// fn reset(rng: ptr<function, Rng>) -> State { return State(0.0); }
/// fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
///     (*state).x += f32(action);
///     return Outcome(1.0, (*state).x > 5.0);
/// }
/// fn observe(state: State) -> array<f32, OBS_SIZE> { return array(1.0 / state.x); }
/// ";
/// let env = softq::envs::from_source("walk.wgsl", source, &Default::default())?;
/// let error = brief(&mut CpuExecutor::new(), env, 0).expect_err("it starts with 1 / 0");
/// assert!(error.to_string().starts_with("walk.wgsl:10: element 0 of an observation is inf"), "{error}");
/// # Ok::<(), softq::Error>(())
/// ```
pub fn brief(executor: &mut dyn Executor, env: &'static Env, seed: u32) -> Result<Vec<String>> {
    let rows = play::fitting_rows(env, 256);
    let play = play::play(&mut Probe::new(executor, env, rows, seed, 0)?, usize::MAX, 100)?;
    if let Some((line, message)) = episodes::broken(env, &play) {
        return Err(Error::EnvFile { file: env.file.clone(), line, message });
    }
    let browsers = advice::browsers(env).into_iter().filter(|finding| finding.verdict == Verdict::Failed);
    Ok(episodes::beyond(env, &play).into_iter().chain(browsers.map(|finding| finding.text)).collect())
}

/// Line of the file on which this name is declared.
fn line_of(env: &Env, name: &str) -> Option<usize> {
    let tokens = Tokens::new(&env.source);
    crate::engine::items::named(&crate::engine::items::items(&tokens), name).map(|item| item.line)
}

/// States of random play, taken at several times, each before a step that can be taken: `[rows, state_words]`, and the
/// parameters of their lanes.
struct Sample {
    states: Vec<u32>,
    params: Vec<u32>,
}

fn sample_states(executor: &mut dyn Executor, env: &'static Env, seed: u32, wanted: usize) -> Result<Sample> {
    let rows = play::fitting_rows(env, wanted);
    let state_words = env.state_words as usize;
    let params = env.lane_params(seed, rows as u64);
    let mut probe = Probe::new(executor, env, rows, seed, 0)?;
    probe.reset(0)?;
    // Row i is taken after i mod 24 steps, or as it was last while its episode went on.
    let mut taken = probe.outcomes()?.states;
    let mut open = vec![true; rows];
    for step in 0..24 {
        probe.step(step, &play::random_actions(env, rows, seed, step))?;
        let next = probe.outcomes()?;
        for row in 0..rows {
            open[row] &= next.flags[row] == probe::Flag::Goes && row % 24 > step as usize;
            if open[row] {
                let at = row * state_words..(row + 1) * state_words;
                taken[at.clone()].copy_from_slice(&next.states[at]);
            }
        }
    }
    Ok(Sample { states: taken, params })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::CpuExecutor;

    #[test]
    fn every_built_in_passes() {
        let options = Options { episodes: 100, steps: 200, ..Options::default() };
        for env in crate::envs::registry() {
            let findings = check(&mut CpuExecutor::new(), env, options, &mut |_| Ok(())).expect("check");
            let failed: Vec<_> = findings.iter().filter(|f| f.verdict == Verdict::Failed).collect();
            assert!(failed.is_empty(), "{}: {failed:?}", env.id);
            assert!(brief(&mut CpuExecutor::new(), env, 0).expect("runs").is_empty(), "{}", env.id);
        }
    }
}
