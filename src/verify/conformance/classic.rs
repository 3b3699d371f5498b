//! Classic control: snapped steps and probes strictly, free episodes step by step from the rounded state.
//!
//! Free episodes run on in float64 inside the reference. Their steps start from the recorded state, never from the step
//! before, since balancing amplifies rounding without limit.

use serde_json::Value;

use crate::engine::env::Env;
use crate::verify::conformance::bounds::{Bounds, Input};
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::env_device::Start;
use crate::verify::conformance::log::{Line, Log};
use crate::verify::conformance::report::{Outcome, malformed, unsupported};
use crate::verify::conformance::transition::{self, Seen, Transition, Within, Word};
use crate::verify::conformance::variant::Opened;

/// Between the answers of a reference in float32 and in float64, of one step.
const OWN_BOUND: f64 = 1e-5;

/// A log of transitions between states of real numbers.
struct Reader<'a> {
    opened: Opened,
    env: &'static Env,
    bounds: Bounds<'a>,
    /// The word of each recorded field.
    columns: Vec<usize>,
    /// Whether the reference keeps its state in float32.
    float32: bool,
    transitions: Vec<Transition>,
    /// First states of episodes with their observations.
    starts: Vec<(usize, Vec<f64>, Vec<f64>)>,
}

/// Recorded columns of one line.
struct Rows {
    states: Vec<Vec<f64>>,
    next: Vec<Vec<f64>>,
    obs: Vec<Vec<f64>>,
    actions: Vec<Vec<u32>>,
    rewards: Vec<f64>,
    terminated: Vec<bool>,
    truncated: Option<Vec<bool>>,
    ambiguous: Vec<bool>,
    /// Whether the next states are float32 numbers.
    next_is_float32: bool,
    taken: u32,
    name: &'static str,
}

/// Replays one log.
pub fn replay(
    log: &Log,
    opened: Opened,
    tolerances: Option<&Value>,
    device: &mut Device<'_>,
    comparison: &mut Comparison,
) -> Outcome<()> {
    let env = opened.env;
    let header = &log.header;
    let columns = columns(header, env)?;
    let id = header.text("env").unwrap_or_default();
    let bounds = Bounds::new(env, id, tolerances)?;
    let float32 = header.text("state_dtype") == Some("f32");
    let mut reader =
        Reader { opened, env, bounds, columns, float32, transitions: Vec::new(), starts: Vec::new() };
    for line in &log.lines {
        match line.kind() {
            "episode" => reader.episode(line)?,
            "probes" => reader.probes(line)?,
            other => comparison.notes.push(format!("line {} of kind '{other}'", line.number)),
        }
    }
    reader.compare_starts(comparison);
    transition::compare(env, &reader.transitions, device, comparison)
}

/// The state word of each field that the header names.
pub fn columns(header: &Line, env: &Env) -> Outcome<Vec<usize>> {
    let fields = header.list("state_fields")?;
    let place = |field: &Value| env.state.iter().position(|word| Some(&word.name[..]) == field.as_str());
    match fields.iter().map(place).collect::<Option<Vec<_>>>() {
        Some(columns) if !columns.is_empty() => Ok(columns),
        _ => unsupported(format!(
            "the log's state is {fields:?}, that of '{}' {:?}",
            env.id,
            env.state.iter().map(|word| &word.name).collect::<Vec<_>>()
        )),
    }
}

impl Reader<'_> {
    fn episode(&mut self, line: &Line) -> Outcome<()> {
        let width = self.columns.len();
        let mut states = line.rows("s", width)?;
        // Snapped episodes record the float64 successor of each float32 state; free ones run on.
        let next = match line.text("mode") {
            Some("snap") => self.next_states(line)?,
            None | Some("free") => {
                let next = states.get(1..).unwrap_or_default().to_vec();
                states.truncate(next.len());
                (next, self.float32)
            }
            Some(other) => return unsupported(format!("line {}: mode '{other}' is unknown", line.number)),
        };
        let mut obs = line.rows("o", self.env.obs_size as usize)?;
        line.expect_len("o", obs.len(), states.len() + 1)?;
        let first = obs.remove(0);
        if let Some(state) = states.first() {
            self.starts.push((line.number, state.clone(), first));
        }
        let taken = line.get("t0").map_or(Ok(0), |taken| line.index("t0", taken))?;
        let truncated = Some(line.flags("tr")?);
        self.rows(line, Rows::read(line, self.env, states, next, obs, truncated, taken, "step")?)
    }

    /// The observations of first states, which no step leads to, by the twin.
    fn compare_starts(&self, comparison: &mut Comparison) {
        let Some(twin) = &self.env.twin else { return };
        let params = self.env.lane_params(0, 1);
        for (line, recorded, want) in &self.starts {
            let mut state = vec![0.0; self.env.state_words as usize];
            for (column, value) in self.columns.iter().zip(recorded) {
                state[*column] = *value;
            }
            let input = Input::rounded(&state);
            let mut seen = vec![0.0; want.len()];
            twin.observe(&params, &input.words, &mut seen);
            let allowed = self.bounds.observation(&state, &input.spread, want);
            for (got, want) in seen.iter().zip(allowed) {
                let label = || format!("line {line}: the first observation");
                comparison.value("start_obs", f64::from(*got), want.value, want.bound, label);
            }
        }
    }

    fn probes(&mut self, line: &Line) -> Outcome<()> {
        let states = line.rows("s", self.columns.len())?;
        let next = self.next_states(line)?;
        let obs = line.rows("o2", self.env.obs_size as usize)?;
        self.rows(line, Rows::read(line, self.env, states, next, obs, None, 0, "probe")?)
    }

    /// The answers, in float64 where the file has them.
    fn next_states(&self, line: &Line) -> Outcome<(Vec<Vec<f64>>, bool)> {
        let width = self.columns.len();
        if !line.has("s2_64") {
            return Ok((line.rows("s2", width)?, self.float32));
        }
        let exact = line.rows("s2_64", width)?;
        if line.has("s2") {
            // The reference's own answers are these with the rounding of its states.
            let own = line.rows("s2", width)?;
            line.expect_len("s2", own.len(), exact.len())?;
            let differ = |(own, exact): (&f64, &f64)| (own - exact).abs() > OWN_BOUND * exact.abs().max(1.0);
            let pairs = own.iter().flatten().zip(exact.iter().flatten());
            if let Some(at) = pairs.into_iter().position(differ) {
                let (line, row) = (line.number, at / width);
                return malformed(format!("line {line}: 's2' and 's2_64' differ in step {row}"));
            }
        }
        Ok((exact, false))
    }

    fn rows(&mut self, line: &Line, rows: Rows) -> Outcome<()> {
        for t in 0..rows.states.len() {
            let mut state = vec![0.0; self.env.state_words as usize];
            for (column, value) in self.columns.iter().zip(&rows.states[t]) {
                state[*column] = *value;
            }
            let input = Input::rounded(&state);
            let action = rows.actions[t].clone();
            let allowed = self.bounds.step_from(&input, &action)?;
            let mut fields = allowed.fields;
            let mut after = allowed.next;
            let mut next = Vec::new();
            for (column, value) in self.columns.iter().zip(&rows.next[t]) {
                if rows.next_is_float32 {
                    fields[*column] += f64::from(f32::EPSILON) / 2.0 * value.abs();
                }
                let want = Within { value: *value, bound: fields[*column] };
                after[*column] = *value;
                next.push(Word { index: *column, want, angle: self.bounds.is_angle(*column) });
            }
            let terminated = rows.terminated[t];
            let clear = !rows.ambiguous[t] && !allowed.ambiguous;
            let episode_step = self.opened.episode_step(rows.taken.saturating_add(t as u32))?;
            self.transitions.push(Transition {
                start: Start { state: input.words, action, episode_step, ..Start::default() },
                next,
                seen: Seen::Numbers(self.bounds.observation(&after, &fields, &rows.obs[t])),
                reward: clear.then_some(Within { value: rows.rewards[t], bound: allowed.reward }),
                trained_reward: true,
                terminated: clear.then_some(terminated),
                ended: rows.truncated.as_ref().map(|truncated| terminated || truncated[t]),
                truncated: rows.truncated.as_ref().map(|truncated| truncated[t]),
                episode: None,
                trained: true,
                label: format!("line {}, {} {t}", line.number, rows.name),
            });
        }
        Ok(())
    }
}

impl Rows {
    fn read(
        line: &Line,
        env: &Env,
        states: Vec<Vec<f64>>,
        (next, next_is_float32): (Vec<Vec<f64>>, bool),
        obs: Vec<Vec<f64>>,
        truncated: Option<Vec<bool>>,
        taken: u32,
        name: &'static str,
    ) -> Outcome<Rows> {
        let count = states.len();
        let actions = line.actions("a", &env.actions)?;
        let rewards = line.numbers("r")?;
        let terminated = line.flags("te")?;
        let ambiguous = if line.has("amb") { line.flags("amb")? } else { vec![false; count] };
        let lengths = [
            ("a", actions.len()),
            ("s2", next.len()),
            ("o", obs.len()),
            ("r", rewards.len()),
            ("te", terminated.len()),
            ("tr", truncated.as_ref().map_or(count, Vec::len)),
            ("amb", ambiguous.len()),
        ];
        for (key, len) in lengths {
            line.expect_len(key, len, count)?;
        }
        Ok(Rows {
            states,
            next,
            obs,
            actions,
            rewards,
            terminated,
            truncated,
            ambiguous,
            next_is_float32,
            taken,
            name,
        })
    }
}
