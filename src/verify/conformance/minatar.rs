//! MinAtar's games: exact states, observations, rewards and ends, with the recorded draws.
//!
//! A line says how its episode was played: `sticky`, the probability of repeated actions, and `ramping`, whether the game grows
//! harder. The state of a line holds the package's variables; `minatar_states` makes the words of ours from them. The package
//! keeps the last action over resets: the first state of an episode gets it from the line.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::engine::env::Env;
use crate::envs::Values;
use crate::verify::conformance::bsuite::{board, each_line, refused_in_all};
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::env_device::{self, Start};
use crate::verify::conformance::log::{Line, Log};
use crate::verify::conformance::minatar_states::{GAMES, Game, Recorded};
use crate::verify::conformance::report::{Outcome, malformed, unsupported};
use crate::verify::conformance::toy_text::word;
use crate::verify::conformance::transition::{self, Seen, Transition, Within, Word};
use crate::verify::conformance::variant;

/// Steps with more draws than this have outcomes so rare that the training kernel's own numbers hardly ever lead there.
const TRAINED_DRAWS: usize = 4;

/// The recorded draws of one step or reset by one function: its name and all its numbers.
pub struct Drawn {
    /// `rand` or `randint`.
    pub name: String,
    /// What it returned.
    pub values: Vec<f64>,
}

/// Replays one log.
pub fn replay(log: &Log, id: &str, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let Some(game) = GAMES.iter().find(|game| id == format!("MinAtar/{}", game.name)) else {
        return unsupported(format!("'{id}' is not built in"));
    };
    let fields = log.header.list("state_fields")?;
    let fields: Vec<&str> = fields.iter().filter_map(Value::as_str).collect();
    let mut runs: BTreeMap<String, (&'static Env, Vec<Transition>)> = BTreeMap::new();
    let mut read = |line: &Line, comparison: &mut Comparison| -> Outcome<()> {
        if line.kind() != "episode" {
            comparison.notes.push(format!("line {} of kind '{}'", line.number, line.kind()));
            return Ok(());
        }
        let values = parameters(game, line)?;
        let env = variant::open(game.id, &values)?;
        let transitions = episode(line, game, &fields, env)?;
        first_state(line, game, env, &transitions, device, comparison)?;
        runs.entry(format!("{values:?}")).or_insert((env, Vec::new())).1.extend(transitions);
        Ok(())
    };
    let refused = each_line(&log.lines, comparison, &mut read)?;
    for (env, transitions) in runs.values() {
        transition::compare(env, transitions, device, comparison)?;
    }
    refused_in_all(refused)
}

/// The parameters of an episode; `ramping` means nothing to games that have no such parameter.
fn parameters(game: &Game, line: &Line) -> Outcome<Values> {
    let plain = variant::open(game.id, &Values::new())?;
    let mut values = Values::new();
    for (field, name) in [("sticky", "sticky_action_prob"), ("ramping", "difficulty_ramping")] {
        match line.get(field) {
            Some(value) if plain.params.iter().any(|param| param.name == name) => {
                values.insert(name.into(), variant::text(field, value)?);
            }
            Some(_) => {}
            None => return malformed(format!("line {}: '{field}' is missing", line.number)),
        }
    }
    Ok(values)
}

/// The words of a recorded state with the action before it.
fn words(game: &Game, env: &Env, recorded: &Recorded<'_>, last_action: u32) -> Outcome<Vec<u32>> {
    let mut state = vec![0; env.state_words as usize];
    let mut known = (game.words)(recorded)?;
    known.push(("last_action".into(), last_action));
    for (name, value) in known {
        match env.state.iter().position(|word| word.name == name) {
            Some(place) => state[place] = value,
            None => return unsupported(format!("'{}' has no state word {name}", env.id)),
        }
    }
    Ok(state)
}

/// The recorded draws of a step or a reset.
fn drawn(line: &Line, key: &str, draws: &Value) -> Outcome<Vec<Drawn>> {
    let one = |draw: &Value| match draw.as_array().map(Vec::as_slice) {
        Some([Value::String(name), value]) => {
            Ok(Drawn { name: name.clone(), values: line.one_or_more(key, value)? })
        }
        _ => malformed(format!("line {}: '{key}' holds {draw}, no draw", line.number)),
    };
    match draws.as_array() {
        Some(draws) => draws.iter().map(one).collect(),
        None => malformed(format!("line {}: '{key}' holds {draws}, no list of draws", line.number)),
    }
}

fn episode(line: &Line, game: &Game, fields: &[&str], env: &'static Env) -> Outcome<Vec<Transition>> {
    let states = line.list("s")?;
    let actions = line.actions("a", &env.actions)?;
    let executed = line.actions("ae", &env.actions)?;
    let boards = line.list("o")?;
    let draws = line.list("d")?;
    let rewards = line.numbers("r")?;
    let terminated = line.flags("te")?;
    let count = actions.len();
    let lengths = [
        ("s", states.len(), count + 1),
        ("ae", executed.len(), count),
        ("o", boards.len(), count + 1),
        ("d", draws.len(), count),
        ("r", rewards.len(), count),
        ("te", terminated.len(), count),
    ];
    for (key, len, expected) in lengths {
        line.expect_len(key, len, expected)?;
    }
    let mut last_action = match line.get("last_action0") {
        Some(value) => line.index("last_action0", value)?,
        None => return malformed(format!("line {}: 'last_action0' is missing", line.number)),
    };
    let mut transitions = Vec::new();
    for t in 0..count {
        let before = Recorded::new(line, fields, &states[t])?;
        let after = Recorded::new(line, fields, &states[t + 1])?;
        let mut drawn = drawn(line, "d", &draws[t])?.into_iter();
        let sticky = match drawn.next() {
            Some(Drawn { name, values }) if name == "rand" && values.len() == 1 => values[0],
            _ => return malformed(format!("line {}: no draw decides action {t}", line.number)),
        };
        let rest: Vec<Drawn> = drawn.collect();
        let mut uniforms = vec![sticky];
        uniforms.extend((game.draws)(&before, &rest)?);
        let start = Start {
            state: words(game, env, &before, last_action)?,
            action: actions[t].clone(),
            draws: uniforms.iter().map(|u| word(*u)).collect(),
            episode_step: t as u32,
            ..Start::default()
        };
        last_action = executed[t][0];
        let next = words(game, env, &after, last_action)?;
        let next = next.iter().enumerate();
        transitions.push(Transition {
            start,
            next: next
                .map(|(place, word)| Word::exactly(place, env.state[place].number.value(*word)))
                .collect(),
            seen: Seen::Numbers(board(line, &boards[t + 1], env.obs_size as usize)?),
            reward: Some(Within::exactly(rewards[t])),
            trained_reward: true,
            terminated: Some(terminated[t]),
            ended: Some(terminated[t]),
            truncated: None,
            episode: None,
            trained: uniforms.len() <= TRAINED_DRAWS,
            label: format!("line {}, step {t}", line.number),
        });
    }
    Ok(transitions)
}

/// A reset with the recorded draws must lead to the first state and its observation. Crafted episodes start elsewhere, and the
/// action before is none after our resets.
fn first_state(
    line: &Line,
    game: &Game,
    env: &'static Env,
    transitions: &[Transition],
    device: &mut Device<'_>,
    comparison: &mut Comparison,
) -> Outcome<()> {
    let Some(first) = transitions.first() else { return Ok(()) };
    let want = board(line, &line.list("o")?[0], env.obs_size as usize)?;
    if line.text("policy") == Some("crafted") {
        let Some(twin) = &env.twin else { return Ok(()) };
        let mut seen = vec![0.0; env.obs_size as usize];
        twin.observe(&env.lane_params(0, 1), &first.start.state, &mut seen);
        for (got, want) in seen.iter().zip(want) {
            let label = || format!("line {}: the first observation", line.number);
            comparison.value("start_obs", f64::from(*got), want.value, 0.0, label);
        }
        return Ok(());
    }
    let drawn = match line.get("reset_draws") {
        Some(draws) => drawn(line, "reset_draws", draws)?,
        None => return malformed(format!("line {}: 'reset_draws' is missing", line.number)),
    };
    let given: Vec<u32> = (game.reset_draws)(line, &drawn)?.iter().map(|u| word(*u)).collect();
    let reset = env_device::reset(device, env, &[given])?;
    for ((about, got), want) in env.state.iter().zip(&reset.state).zip(&first.start.state) {
        let want = if about.name == "last_action" { 0 } else { *want };
        let label = || format!("line {}: {} of the first state", line.number, about.name);
        comparison.value("start", about.number.value(*got), about.number.value(want), 0.0, label);
    }
    for (got, want) in reset.obs.iter().zip(want) {
        let label = || format!("line {}: the first observation", line.number);
        comparison.value("start_obs", f64::from(*got), want.value, 0.0, label);
    }
    Ok(())
}
