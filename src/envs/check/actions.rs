//! Whether actions do anything.

use std::collections::BTreeMap;

use super::probe::{GIVEN, Probe};
use super::{Finding, play, sample_states};
use crate::engine::env::{ActionSpace, Env};
use crate::engine::executor::Executor;
use crate::error::Result;
use crate::shared::rng::pcg4d;

/// Every choice of every head from the same states with the same draws.
pub fn effects(executor: &mut dyn Executor, env: &'static Env, seed: u32) -> Result<Vec<Finding>> {
    let choices = choices(&env.actions);
    let total: usize = choices.iter().map(Vec::len).sum();
    let wanted = (play::fitting_rows(env, 32_768) / total).clamp(1, 256);
    let sample = sample_states(executor, env, seed, wanted)?;
    let [words, param_words, action_words] =
        [env.state_words as usize, env.param_words() as usize, env.actions.words()];
    let count = sample.states.len() / words;
    let base = play::random_actions(env, count, seed, 11);
    let draws: Vec<u32> = (0..count as u32 * GIVEN).map(|i| pcg4d([i, 3, seed, 0x51ed])[0]).collect();
    let mut probe = Probe::new(executor, env, count, seed, GIVEN)?;
    probe.params(&sample.params[..count * param_words])?;
    probe.give(&draws)?;

    if choices.iter().all(|values| values.len() == 1) {
        return Ok(vec![Finding::failed(
            "actions",
            format!("{}: there is nothing to choose", env.actions),
            "An agent needs two choices at least; see \"Actions\".",
        )]);
    }
    let mut found = Vec::new();
    let mut matters = 0;
    let mut idle = Vec::new();
    for (head, values) in choices.iter().enumerate() {
        let mut groups: BTreeMap<Vec<u32>, Vec<usize>> = BTreeMap::new();
        for (choice, value) in values.iter().enumerate() {
            let mut actions = base.clone();
            actions.iter_mut().skip(head).step_by(action_words).for_each(|word| *word = *value);
            probe.states(&sample.states)?;
            probe.step(0, &actions)?;
            let after = probe.outcomes()?;
            if after.states == sample.states && action_words == 1 {
                idle.push(choice);
            }
            let mut signature = after.states;
            signature.extend(after.rewards);
            signature.extend(after.flags.iter().map(|flag| u32::from(*flag != super::probe::Flag::Goes)));
            groups.entry(signature).or_default().push(choice);
        }
        if values.len() == 1 {
            found.push(Finding::warning(
                "actions",
                format!("head {head} of the action has one choice alone"),
                "Leave it out: its entropy is 0 at any temperature, so that algorithms which learn theirs refuse it; see \"Actions\".",
            ));
        } else if groups.len() > 1 {
            matters += 1;
        } else if choices.len() > 1 {
            found.push(Finding::warning(
                "actions",
                format!("head {head} of the action changed nothing in {count} states"),
                "Leave it out, or look for the index that step forgets; see \"Actions\".",
            ));
        }
        for same in groups.values().filter(|same| same.len() > 1 && groups.len() > 1) {
            found.push(Finding::warning(
                "actions",
                format!("choices {same:?} of head {head} did the same in {count} states"),
                "Each needless choice makes learning slower; check that step looks at all of them; see \"Actions\".",
            ));
        }
    }
    if matters == 0 {
        return Ok(vec![Finding::failed(
            "actions",
            format!("no action changed the outcome of a step in {count} states"),
            "There is nothing to learn: step must use its `action`; see \"Actions\".",
        )]);
    }
    if found.is_empty() {
        let idle = match idle[..] {
            [] => String::new(),
            _ => format!("; {idle:?} left every state as it was"),
        };
        found.push(Finding::ok(
            "actions",
            format!("{}: every choice has an effect of its own{idle}", env.actions),
        ));
    }
    Ok(found)
}

/// The words to try for each word of an action.
fn choices(space: &ActionSpace) -> Vec<Vec<u32>> {
    match space {
        ActionSpace::Box { low, high } => low
            .iter()
            .zip(high)
            .map(|(low, high)| [*low, 0.5 * (low + high), *high].map(f32::to_bits).to_vec())
            .collect(),
        discrete => discrete.heads().into_iter().map(|actions| (0..actions).collect()).collect(),
    }
}
