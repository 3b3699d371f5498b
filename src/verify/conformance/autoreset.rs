//! `vector_autoreset`: batched runs with Gymnasium's autoreset and episode statistics.
//!
//! The engine resets in the same step (`SameStep`). `NextStep` is the same sequence with one more call per end of an
//! episode, which ignores its action and returns the reset observation with reward 0 and both flags 0; those calls are
//! checked for exactly that, all others are steps of the engine. Each step starts from the recorded observation, so the
//! state must follow from it. What a reset drew is not recorded; its observation must be one that a reset here can have.

use serde_json::Value;

use crate::engine::env::{Env, Number};
use crate::verify::conformance::bounds::{Bounds, Input};
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::env_device::{self, Start};
use crate::verify::conformance::log::{Line, Log, whole};
use crate::verify::conformance::report::{Outcome, Problem, malformed, unsupported};
use crate::verify::conformance::toy_text::{self, Fickle};
use crate::verify::conformance::transition::{self, Seen, Transition, Within, Word};
use crate::verify::conformance::variant::{Construction, Opened};

/// The header's `env` of these logs.
pub const ENV: &str = "vector autoreset";

/// Resets tried, with draws from the lowest to the highest.
const RESETS: u32 = 1024;
/// What rounding may add to the range of initial states.
const RESET_MARGIN: f64 = 1e-6;

/// Replays the runs that the engine has a counterpart of, and names the others.
pub fn replay(
    log: &Log,
    tolerances: Option<&Value>,
    device: &mut Device<'_>,
    comparison: &mut Comparison,
) -> Outcome<()> {
    for line in &log.lines {
        match replay_line(line, tolerances, device, comparison) {
            Ok(()) => {}
            Err(Problem::Unsupported(reason)) => {
                comparison.notes.push(format!("line {}: {reason}", line.number));
            }
            Err(problem) => return Err(problem),
        }
    }
    if comparison.cases == 0 {
        return unsupported(std::mem::take(&mut comparison.notes).join("; "));
    }
    Ok(())
}

fn replay_line(
    line: &Line,
    tolerances: Option<&Value>,
    device: &mut Device<'_>,
    comparison: &mut Comparison,
) -> Outcome<()> {
    if line.kind() != "vector" {
        return unsupported(format!("kind '{}' is unknown", line.kind()));
    }
    let next_step = match line.text("autoreset_mode") {
        Some("SameStep") => false,
        Some("NextStep") => true,
        other => return unsupported(format!("autoreset mode {other:?}")),
    };
    let id = line.text("env").unwrap_or_default();
    let construction = Construction {
        id,
        arguments: line.get("kwargs"),
        map: line.get("desc"),
        limit: line.get("max_episode_steps"),
    };
    let opened = construction.open()?;
    let env = opened.env;
    let recovery = Recovery::of(env, id, tolerances)?;
    let run = Run::read(line, opened, &recovery, next_step, comparison)?;
    run.compare_resets(line, device, comparison)?;
    transition::compare(env, &run.transitions, device, comparison)?;
    if env.actions.outputs() == 0 {
        let reason =
            "episode statistics are sums of the steps, since the training kernel takes discrete actions";
        comparison.notes.push(format!("line {}: {reason}", line.number));
    }
    Ok(())
}

/// How the state follows from an observation.
enum Recovery<'a> {
    /// The observation is the state.
    State(Bounds<'a>),
    /// It begins with cosine and sine of angles, which begin the state.
    Angles(Bounds<'a>),
    /// It is the first word.
    Index,
}

impl<'a> Recovery<'a> {
    fn of(env: &'a Env, id: &str, tolerances: Option<&Value>) -> Outcome<Recovery<'a>> {
        match env.file.as_str() {
            "cartpole.wgsl" | "mountain_car.wgsl" | "mountain_car_continuous.wgsl" => {
                Ok(Recovery::State(Bounds::new(env, id, tolerances)?))
            }
            "acrobot.wgsl" | "pendulum.wgsl" => Ok(Recovery::Angles(Bounds::new(env, id, tolerances)?)),
            "frozen_lake.wgsl" | "cliff_walking.wgsl" | "taxi.wgsl" => Ok(Recovery::Index),
            _ => unsupported(format!("an observation of '{}' does not tell its state", env.id)),
        }
    }

    fn input(&self, env: &Env, obs: &[f64]) -> Outcome<Input> {
        // Observations are rounded to float32.
        let half_ulp = f64::from(f32::EPSILON) / 2.0;
        match self {
            Recovery::Index => {
                let index = obs.first().copied().filter(|index| index.fract() == 0.0 && *index >= 0.0);
                let words = toy_text::state(env, index.map_or(u32::MAX, |index| index as u32))?;
                Ok(Input { spread: vec![0.0; words.len()], words })
            }
            Recovery::State(_) => {
                let spread = obs.iter().map(|value| half_ulp * value.abs()).collect();
                Ok(Input { spread, ..Input::rounded(obs) })
            }
            Recovery::Angles(_) => {
                let (circles, others) = obs.split_at(2 * (obs.len() - env.state_words as usize));
                let angles = circles.chunks_exact(2).map(|circle| circle[1].atan2(circle[0]));
                let state: Vec<f64> = angles.chain(others.iter().copied()).collect();
                let mut input = Input::rounded(&state);
                for (field, spread) in input.spread.iter_mut().enumerate() {
                    // Both coordinates are off by up to half an ulp of a number below 1.
                    let angle = std::f64::consts::SQRT_2 * half_ulp / 2.0;
                    *spread += if field < circles.len() / 2 { angle } else { half_ulp * state[field].abs() };
                }
                Ok(input)
            }
        }
    }

    fn width(&self, env: &Env) -> usize {
        match self {
            Recovery::Index => 1,
            _ => env.obs_size as usize,
        }
    }
}

/// One line: the steps, and the states after resets.
struct Run {
    env: &'static Env,
    transitions: Vec<Transition>,
    resets: Vec<(Input, String)>,
}

/// Columns of a line, by step and environment.
struct Columns<'a> {
    line: &'a Line,
    count: usize,
    width: usize,
}

impl Columns<'_> {
    fn cell(&self, key: &str, t: usize, i: usize) -> Outcome<&Value> {
        let row = self.line.list(key)?.get(t).and_then(Value::as_array);
        match row.filter(|row| row.len() == self.count).and_then(|row| row.get(i)) {
            Some(value) => Ok(value),
            None => {
                let (number, count) = (self.line.number, self.count);
                malformed(format!("line {number}: '{key}' has no {count} entries at step {t}"))
            }
        }
    }

    fn number(&self, key: &str, t: usize, i: usize) -> Outcome<f64> {
        self.line.number(key, self.cell(key, t, i)?)
    }

    fn flag(&self, key: &str, t: usize, i: usize) -> Outcome<bool> {
        self.line.flag(key, self.cell(key, t, i)?)
    }

    fn obs(&self, key: &str, t: usize, i: usize) -> Outcome<Vec<f64>> {
        let obs = self.line.one_or_more(key, self.cell(key, t, i)?)?;
        self.line.expect_len(key, obs.len(), self.width)?;
        Ok(obs)
    }
}

impl Run {
    fn read(
        line: &Line,
        opened: Opened,
        recovery: &Recovery<'_>,
        next_step: bool,
        comparison: &mut Comparison,
    ) -> Outcome<Run> {
        let env = opened.env;
        let count = line.get("num_envs").and_then(whole).unwrap_or(0) as usize;
        let columns = Columns { line, count, width: recovery.width(env) };
        let length = line.list("a")?.len();
        if length == 0 || count == 0 {
            return malformed(format!("line {}: the run is empty", line.number));
        }
        line.expect_len("o", line.list("o")?.len(), length + 1)?;
        // Where the reset is a call of its own, the observation before it is the last one as it is.
        let finals = line.has("final_obs") || !next_step;
        for key in ["r", "te", "tr", "ep_r", "ep_l"].into_iter().chain(finals.then_some("final_obs")) {
            line.expect_len(key, line.list(key)?.len(), length)?;
        }
        let mut run = Run { env, transitions: Vec::new(), resets: Vec::new() };
        for i in 0..count {
            let mut episode = Episode::new(opened);
            let mut reset_due = true;
            for t in 0..length {
                let place = format!("line {}, step {t}, env {i}", line.number);
                if reset_due {
                    run.resets.push((recovery.input(env, &columns.obs("o", t, i)?)?, place.clone()));
                    episode = Episode::new(opened);
                    reset_due = false;
                }
                let terminated = columns.flag("te", t, i)?;
                let ended = terminated || columns.flag("tr", t, i)?;
                let flag = |flag: bool| f64::from(u8::from(flag));
                for key in ["ep_r", "ep_l"] {
                    let reported = flag(!columns.cell(key, t, i)?.is_null());
                    comparison.value("reported", reported, flag(ended), 0.0, || format!("{place}: {key}"));
                }
                let last = finals && !columns.cell("final_obs", t, i)?.is_null();
                if finals && !next_step {
                    comparison
                        .value("reported", flag(last), flag(ended), 0.0, || format!("{place}: final_obs"));
                }
                if last && next_step {
                    // Reported all the same, it is the observation that the call returns.
                    comparison.value("reported", 1.0, flag(ended), 0.0, || format!("{place}: final_obs"));
                    let [last, own] = [columns.obs("final_obs", t, i)?, columns.obs("o", t + 1, i)?];
                    for (last, own) in last.into_iter().zip(own) {
                        comparison.value("final_obs", last, own, 0.0, || format!("{place}: final_obs"));
                    }
                }
                if episode.over {
                    // Only in NextStep: this call resets.
                    let mut zero = |quantity: &str, value: f64| {
                        comparison.value(quantity, value, 0.0, 0.0, || format!("{place}: {quantity}"));
                    };
                    zero("reset_reward", columns.number("r", t, i)?);
                    zero("reset_flags", flag(ended));
                    reset_due = true;
                    comparison.cases += 1;
                    continue;
                }
                let transition =
                    episode.step(&columns, recovery, [t, i], terminated, ended, next_step, place)?;
                run.transitions.push(transition);
                if ended && next_step {
                    episode.over = true;
                } else {
                    reset_due = ended;
                }
            }
            if reset_due {
                let place = format!("line {}, step {length}, env {i}", line.number);
                run.resets.push((recovery.input(env, &columns.obs("o", length, i)?)?, place));
            }
        }
        Ok(run)
    }

    /// Every state after a reset is one that the engine's reset reaches: within its range, or one of its indices.
    fn compare_resets(
        &self,
        line: &Line,
        device: &mut Device<'_>,
        comparison: &mut Comparison,
    ) -> Outcome<()> {
        let words = self.env.state_words as usize;
        let given = (0..RESETS).map(|k| {
            let share = f64::from(k) / f64::from(RESETS - 1);
            vec![(share * f64::from(u32::MAX)) as u32; words]
        });
        let reset = env_device::reset(device, self.env, &given.collect::<Vec<_>>())?;
        let value = |field: usize, word: u32| self.env.state[field].number.value(word);
        for (input, place) in &self.resets {
            let reachable = |field: usize| {
                let of = |state: &[u32]| value(field, state[field]);
                let wanted = value(field, input.words[field]);
                let values = reset.state.chunks_exact(words).map(of);
                if self.env.state[field].number == Number::F32 {
                    let (low, high) =
                        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
                    let margin = input.spread[field] + RESET_MARGIN;
                    return low - margin <= wanted && wanted <= high + margin;
                }
                // Of indexed states only the index is recorded.
                field > 0 || values.into_iter().any(|value| value == wanted)
            };
            let all = (0..words).all(reachable);
            let label = || format!("{place}: no reset leads to {:?} (line {})", input.words, line.number);
            comparison.value("reset_obs", f64::from(u8::from(all)), 1.0, 0.0, label);
        }
        Ok(())
    }
}

/// Bookkeeping of one environment between two resets.
struct Episode {
    opened: Opened,
    taken: u32,
    sum: f64,
    /// Sum of the magnitudes, for the bound on their float32 sum.
    magnitude: f64,
    fickle: Fickle,
    over: bool,
}

impl Episode {
    fn new(opened: Opened) -> Episode {
        Episode { opened, taken: 0, sum: 0.0, magnitude: 0.0, fickle: Fickle::new(opened.env), over: false }
    }

    fn step(
        &mut self,
        columns: &Columns<'_>,
        recovery: &Recovery<'_>,
        [t, i]: [usize; 2],
        terminated: bool,
        ended: bool,
        next_step: bool,
        label: String,
    ) -> Outcome<Transition> {
        let (env, line) = (self.opened.env, columns.line);
        let obs = columns.obs("o", t, i)?;
        let last =
            if ended && !next_step { columns.obs("final_obs", t, i)? } else { columns.obs("o", t + 1, i)? };
        let value = columns.number("r", t, i)?;
        let input = recovery.input(env, &obs)?;
        let mut start = Start {
            state: input.words.clone(),
            action: line.action_words("a", columns.cell("a", t, i)?, &env.actions)?,
            episode_step: self.opened.episode_step(self.taken)?,
            episode_return: self.sum as f32,
            ..Start::default()
        };
        self.taken += 1;
        self.sum += value;
        self.magnitude += value.abs();
        let mut reward = Within::exactly(value);
        let mut clear = true;
        let mut next = Vec::new();
        let seen = match recovery {
            Recovery::Index => {
                // The draw is not recorded: any that leads to the next state will do.
                start.draws = vec![0];
                self.fickle.infer(line, obs[0] as u32, last[0] as u32, &mut start)?;
                next.push(Word::exactly(0, last[0]));
                Seen::OneHot(Some(last[0] as usize))
            }
            Recovery::State(bounds) | Recovery::Angles(bounds) => {
                let allowed = bounds.step_from(&input, &start.action)?;
                clear = !allowed.ambiguous;
                reward.bound = allowed.reward;
                Seen::Numbers(bounds.observation(&allowed.next, &allowed.fields, &last))
            }
        };
        let total = Within {
            value: 0.0,
            bound: f64::from(f32::EPSILON) * self.magnitude * f64::from(self.taken) + reward.bound,
        };
        let mut transition = Transition {
            start,
            next,
            seen,
            reward: clear.then_some(reward),
            trained_reward: true,
            terminated: clear.then_some(terminated),
            ended: Some(ended),
            truncated: Some(columns.flag("tr", t, i)?),
            episode: None,
            trained: true,
            label,
        };
        if ended {
            let episode_return = Within { value: columns.number("ep_r", t, i)?, ..total };
            let length = columns.number("ep_l", t, i)? + f64::from(self.opened.head_start);
            transition.episode = Some([episode_return, Within::same(length)]);
        }
        if matches!(recovery, Recovery::Index) {
            transition.find_draw(env);
        }
        Ok(transition)
    }
}
