//! Catch and DeepSea of bsuite: exact states, boards, rewards and ends, with the recorded draws.
//!
//! Each line says which size it is about. DeepSea's `mapping` lines give the action that means right in each cell, and hold
//! for the episodes that name the same size, seed and kind.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::engine::env::Env;
use crate::envs::Values;
use crate::shared::normal::normal;
use crate::shared::rng::Rng;
use crate::verify::conformance::classic::columns;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::env_device::{self, Start};
use crate::verify::conformance::log::{Line, Log};
use crate::verify::conformance::report::{Outcome, Problem, malformed, unsupported};
use crate::verify::conformance::toy_text::word;
use crate::verify::conformance::transition::{self, Seen, Transition, Within, Word};
use crate::verify::conformance::variant;

/// Fields of a line that are parameters of the same name.
const PARAMETERS: &[&str] =
    &["rows", "columns", "size", "mapping_seed", "deterministic", "unscaled_move_cost", "randomize_actions"];
/// Draws of a number: what is left between neighbouring words, and the error of the function that they go through.
const NORMAL_BOUND: f64 = 1e-6;
/// Words of observations that are asked for at once.
const MOST_WORDS: u32 = 1 << 20;

/// Replays one log.
pub fn replay(log: &Log, id: &str, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let mut mappings: BTreeMap<String, String> = BTreeMap::new();
    let mut runs: BTreeMap<String, (&'static Env, Vec<Transition>)> = BTreeMap::new();
    let mut read = |line: &Line, comparison: &mut Comparison| -> Outcome<()> {
        let (key, values) = parameters(&log.header, line)?;
        match line.kind() {
            "mapping" => {
                mappings.insert(key, variant::joined("action_mapping", line.list("action_mapping")?)?);
            }
            "episode" => {
                let run = match runs.entry(key) {
                    std::collections::btree_map::Entry::Occupied(run) => run.into_mut(),
                    std::collections::btree_map::Entry::Vacant(place) => {
                        let env = open(id, values, mappings.get(place.key()))?;
                        place.insert((env, Vec::new()))
                    }
                };
                let transitions = episode(line, &log.header, run.0)?;
                first_state(line, run.0, &transitions, device, comparison)?;
                run.1.extend(transitions);
            }
            other => comparison.notes.push(format!("line {} of kind '{other}'", line.number)),
        }
        Ok(())
    };
    let refused = each_line(&log.lines, comparison, &mut read)?;
    for (env, transitions) in runs.values() {
        transition::compare(env, transitions, device, comparison)?;
    }
    refused_in_all(refused)
}

/// Takes line after line; what is beyond the engine in one line leaves the others. What was refused, by line.
pub fn each_line(
    lines: &[Line],
    comparison: &mut Comparison,
    read: &mut dyn FnMut(&Line, &mut Comparison) -> Outcome<()>,
) -> Outcome<Vec<String>> {
    let mut refused = Vec::new();
    for line in lines {
        match read(line, comparison) {
            Err(Problem::Unsupported(reason)) => refused.push(format!("line {}: {reason}", line.number)),
            other => other?,
        }
    }
    Ok(refused)
}

/// A log of which some lines were refused is not replayed as a whole, whatever became of the others.
pub fn refused_in_all(refused: Vec<String>) -> Outcome<()> {
    match refused.is_empty() {
        true => Ok(()),
        false => {
            unsupported(format!("{} (the other lines agree unless it says otherwise)", refused.join("; ")))
        }
    }
}

/// Parameters of a line, from its own fields, else from the header; and their text, to find lines of the same kind.
fn parameters(header: &Line, line: &Line) -> Outcome<(String, Values)> {
    let mut values = Values::new();
    for name in PARAMETERS {
        let arguments = header.get("kwargs").and_then(|arguments| arguments.get(name));
        if let Some(value) = line.get(name).or_else(|| header.get(name)).or(arguments)
            // Catch's header lists its actions, Catch's episodes their rows and columns.
            && !value.is_array()
            && !value.is_null()
        {
            values.insert((*name).into(), variant::text(name, value)?);
        }
    }
    Ok((format!("{values:?}"), values))
}

fn open(id: &str, mut values: Values, mapping: Option<&String>) -> Outcome<&'static Env> {
    let plain = variant::open(id, &Values::new())?;
    if plain.const_params.iter().any(|param| param.name == "mapping") {
        let Some(mapping) = mapping else {
            return unsupported(format!("no line gives the mapping of {values:?}; its seed is NumPy's"));
        };
        values.insert("mapping".into(), mapping.clone());
    }
    variant::open(id, &values)
}

fn episode(line: &Line, header: &Line, env: &'static Env) -> Outcome<Vec<Transition>> {
    let columns = columns(header, env)?;
    let states = line.rows("s", columns.len())?;
    let actions = line.actions("a", &env.actions)?;
    let rewards = line.numbers("r")?;
    let terminated = line.flags("te")?;
    let count = actions.len();
    let boards = if line.has("o") { Some(line.list("o")?) } else { None };
    let draws = if line.has("d") { Some(line.list("d")?) } else { None };
    let lengths = [
        ("s", states.len(), count + 1),
        ("r", rewards.len(), count),
        ("te", terminated.len(), count),
        ("o", boards.map_or(count + 1, Vec::len), count + 1),
        ("d", draws.map_or(count, Vec::len), count),
    ];
    for (key, len, expected) in lengths {
        line.expect_len(key, len, expected)?;
    }
    let mut transitions = Vec::new();
    for t in 0..count {
        let mut start = Start {
            state: vec![0; env.state_words as usize],
            action: actions[t].clone(),
            episode_step: t as u32,
            ..Start::default()
        };
        for (column, value) in columns.iter().zip(&states[t]) {
            start.state[*column] = env.state[*column].number.word(*value);
        }
        let mut reward = Within::exactly(rewards[t]);
        let normal = match draws {
            Some(draws) => given(line, &draws[t], &mut start, &mut reward)?,
            None => false,
        };
        let word = |(column, value): (&usize, &f64)| Word::exactly(*column, *value);
        transitions.push(Transition {
            start,
            next: columns.iter().zip(&states[t + 1]).map(word).collect(),
            seen: match boards {
                Some(boards) => Seen::Numbers(board(line, &boards[t + 1], env.obs_size as usize)?),
                None => one_hot(env, &columns, &states[t + 1])?,
            },
            reward: Some(reward),
            trained_reward: !normal,
            terminated: Some(terminated[t]),
            ended: Some(terminated[t]),
            truncated: None,
            episode: None,
            trained: true,
            label: format!("line {}, step {t}", line.number),
        });
    }
    Ok(transitions)
}

/// Resets with every column of the ball, or every draw there is, must lead to the first state and its board.
fn first_state(
    line: &Line,
    env: &'static Env,
    transitions: &[Transition],
    device: &mut Device<'_>,
    comparison: &mut Comparison,
) -> Outcome<()> {
    let Some(first) = transitions.first() else { return Ok(()) };
    let share = |k: u32| word((f64::from(k) + 0.5) / f64::from(env.obs_size));
    let mut places = 0..env.obs_size;
    let (mut reset, mut found) = (env_device::reset(device, env, &[vec![share(0)]])?, None);
    // A few at a time: large boards have as many places as an observation has elements.
    while found.is_none() && !places.is_empty() {
        let most = (MOST_WORDS / env.obs_size.max(1)).max(1) as usize;
        let given: Vec<Vec<u32>> = places.by_ref().take(most).map(|k| vec![share(k)]).collect();
        reset = env_device::reset(device, env, &given)?;
        let states = reset.state.chunks_exact(env.state_words as usize);
        found = states.into_iter().position(|state| state == first.start.state);
    }
    let label = || format!("line {}: no reset leads to the first state", line.number);
    comparison.value("start", f64::from(u8::from(found.is_some())), 1.0, 0.0, label);
    if let (Some(row), true) = (found, line.has("o")) {
        let size = env.obs_size as usize;
        let want = board(line, &line.list("o")?[0], size)?;
        for (got, want) in reset.obs[row * size..][..size].iter().zip(want) {
            let label = || format!("line {}: the first board", line.number);
            comparison.value("start_obs", f64::from(*got), want.value, 0.0, label);
        }
    }
    Ok(())
}

/// The words of the recorded draws; whether one of them is a normal number, which is part of the reward.
fn given(line: &Line, draws: &Value, start: &mut Start, reward: &mut Within) -> Outcome<bool> {
    let mut any_normal = false;
    for draw in draws.as_array().map_or(&[][..], Vec::as_slice) {
        let (name, value) = match draw.as_array().map(Vec::as_slice) {
            Some([Value::String(name), value]) => (&name[..], line.number("d", value)?),
            _ => return malformed(format!("line {}: 'd' holds {draw}, no draw", line.number)),
        };
        match name {
            "rand" => start.draws.push(word(value)),
            "randn" => {
                any_normal = true;
                start.draws.push(normal_word(value));
                // One word is 2^-32 of probability.
                let density = (-0.5 * value * value).exp() / std::f64::consts::TAU.sqrt();
                reward.bound += NORMAL_BOUND * value.abs().max(1.0) + 1.0 / 4_294_967_296.0 / density;
            }
            other => return unsupported(format!("line {}: draws of '{other}'", line.number)),
        }
    }
    Ok(any_normal)
}

/// The word that the engine turns into this normal number.
fn normal_word(value: f64) -> u32 {
    let number = |word: u32| f64::from(normal(&mut Rng { given: &[word], ..Rng::new(0, 0, 0, 0) }));
    let (mut low, mut high) = (0u32, u32::MAX);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if number(middle) < value { low = middle } else { high = middle }
    }
    high
}

/// A board in hexadecimal digits, row by row, the highest bit first.
pub fn board(line: &Line, board: &Value, cells: usize) -> Outcome<Vec<Within>> {
    let digits: Option<Vec<u32>> =
        board.as_str().and_then(|text| text.chars().map(|digit| digit.to_digit(16)).collect());
    match digits {
        Some(digits) if digits.len() == cells.div_ceil(8) * 2 => {
            let bit = |cell: usize| digits[cell / 4] >> (3 - cell % 4) & 1;
            Ok((0..cells).map(|cell| Within::same(f64::from(bit(cell)))).collect())
        }
        _ => malformed(format!("line {}: 'o' holds {board}, no board of {cells} cells", line.number)),
    }
}

/// DeepSea shows its cell; zeros below the last row.
fn one_hot(env: &Env, columns: &[usize], state: &[f64]) -> Outcome<Seen> {
    let place = |name: &str| {
        let word = columns.iter().position(|column| env.state[*column].name == name);
        word.map(|word| state[word] as usize)
    };
    let (Some(row), Some(column)) = (place("row"), place("column")) else {
        return unsupported(format!("the log holds no observations of '{}'", env.id));
    };
    let size = f64::from(env.obs_size).sqrt() as usize;
    Ok(Seen::OneHot((row < size).then_some(row * size + column)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_are_found_again() {
        for value in [0.0, 1e-3, -1.2714, 2.1319865861176734, -4.2, 5.0] {
            let word = normal_word(value);
            let got = f64::from(normal(&mut Rng { given: &[word], ..Rng::new(0, 0, 0, 0) }));
            let density = (-0.5 * value * value).exp() / 2.5;
            assert!((got - value).abs() <= 1e-6 * value.abs().max(1.0) + 2.4e-10 / density, "{value}: {got}");
        }
    }

    #[test]
    fn boards_are_read_from_the_highest_bit() {
        let header = br#"{"kind":"header","schema":"sqn-conformance/1"}"#;
        let line = Log::parse(header).expect("a log").header;
        let cells = board(&line, &"a1c0".into(), 10).expect("a board");
        let cells: Vec<f64> = cells.iter().map(|cell| cell.value).collect();
        assert_eq!(cells, [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        for wrong in ["a1", "a1c000", "xyzw"] {
            assert!(board(&line, &wrong.into(), 10).is_err(), "{wrong}");
        }
    }
}
