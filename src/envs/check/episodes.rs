//! Checks of values and flags over random episodes.

use super::play::{End, Place, Play, Range};
use super::{Finding, line_of};
use crate::engine::env::Env;

const LOOPS: &str =
    "A loop whose end depends on data needs a bound, or raise MAX_LOOP_ITERATIONS; see \"Loops\".";
const FINITE_OBS: &str = "Look for a division by 0, a logarithm or root of a negative number, or a value that grows without end; \
                          see \"Numbers\".";
const STORED_OBS: &str = "1 bit holds 0 or 1, 8 bits hold f32(k) / 255.0; leave OBS_BITS out for other numbers; see \"Observations\".";
const FINITE_REWARD: &str = "Clamp what it is computed from; see \"Numbers\".";

/// What makes a world unusable at run time: line and message.
pub fn broken(env: &Env, play: &Play) -> Option<(Option<usize>, String)> {
    if let Some(line) = play.overrun {
        return Some((Some(line), format!("{}. {LOOPS}", overrun(env))));
    }
    if let Some(place) = play.bad_obs {
        return Some((
            line_of(env, "observe").or(line_of(env, "observe_at")),
            format!("{}. {FINITE_OBS}", bad_obs(place)),
        ));
    }
    if let Some(place) = play.unfit {
        return Some((line_of(env, "OBS_BITS"), format!("{}. {STORED_OBS}", unfit(env, place))));
    }
    let place = play.bad_reward?;
    Some((line_of(env, "step"), format!("{}. {FINITE_REWARD}", bad_reward(place))))
}

/// A warning about the first observation outside its bounds.
pub fn beyond(env: &Env, play: &Play) -> Option<String> {
    let Place { element, value, step } = play.beyond?;
    let (low, high) = (env.obs_low[element], env.obs_high[element]);
    Some(format!(
        "element {element} of an observation is {value} at step {step} of an episode; declared are {low} to {high}"
    ))
}

fn overrun(env: &Env) -> String {
    format!("the loop used up the {} iterations of MAX_LOOP_ITERATIONS", env.max_loop_iterations)
}

fn bad_obs(place: Place) -> String {
    format!(
        "element {} of an observation is {} at step {} of an episode",
        place.element, place.value, place.step
    )
}

fn unfit(env: &Env, place: Place) -> String {
    let Place { element, value, step } = place;
    format!(
        "OBS_BITS = {} cannot hold element {element} of an observation: it is {value} at step {step} of an episode",
        env.obs_bits
    )
}

fn bad_reward(place: Place) -> String {
    format!("the reward is {} at step {} of an episode", place.value, place.step)
}

fn at(env: &Env, line: Option<usize>, message: &str) -> String {
    line.map_or(message.to_owned(), |line| format!("{}:{line}: {message}", env.file))
}

/// Loops, observations and rewards.
pub fn values(env: &Env, play: &Play) -> Vec<Finding> {
    let loops = match play.overrun {
        Some(line) => Finding::failed("loops", at(env, Some(line), &overrun(env)), LOOPS),
        None if env.max_loop_iterations == 0 => Finding::ok("loops", "there are none"),
        None => Finding::ok("loops", format!("all end within {} iterations", env.max_loop_iterations)),
    };
    let finite = match play.bad_obs {
        Some(place) => Finding::failed(
            "observations",
            at(env, line_of(env, "observe").or(line_of(env, "observe_at")), &bad_obs(place)),
            FINITE_OBS,
        ),
        None => Finding::ok("observations", format!("finite in {} steps", play.steps)),
    };
    let stored = match play.unfit {
        Some(place) => {
            let line = line_of(env, "OBS_BITS");
            Some(Finding::failed("storage", at(env, line, &unfit(env, place)), STORED_OBS))
        }
        None if env.obs_bits < 32 => {
            Some(Finding::ok("storage", format!("every element fits its OBS_BITS = {}", env.obs_bits)))
        }
        None => None,
    };
    let declared = |bound: &f32| bound.is_finite();
    let bounds = match beyond(env, play) {
        Some(text) => Finding::failed(
            "bounds",
            at(env, line_of(env, "OBS_HIGH").or(line_of(env, "OBS_LOW")), &text),
            "Correct the bounds or the observation; see \"Observations\".",
        ),
        None if env.obs_low.iter().chain(&env.obs_high).any(declared) => {
            Finding::ok("bounds", "observations are within OBS_LOW and OBS_HIGH")
        }
        None => Finding::warning(
            "bounds",
            "no OBS_LOW and OBS_HIGH are declared",
            format!(
                "Seen were {} to {}; declare them and this check finds observations gone astray; see \"Observations\".",
                play.obs.iter().map(|range| range.min).fold(f32::INFINITY, f32::min),
                play.obs.iter().map(|range| range.max).fold(f32::NEG_INFINITY, f32::max)
            ),
        ),
    };
    let rewards = match play.bad_reward {
        Some(place) => {
            Finding::failed("rewards", at(env, line_of(env, "step"), &bad_reward(place)), FINITE_REWARD)
        }
        None => Finding::ok("rewards", format!("finite, {} to {}", play.rewards.min, play.rewards.max)),
    };
    [loops, finite].into_iter().chain(stored).chain([bounds, rewards]).collect()
}

/// How episodes end, and their statistics.
pub fn ends(env: &Env, play: &Play) -> Vec<Finding> {
    let all = play.episodes.len();
    let share = |end: End| 100.0 * play.ended(end) as f64 / all.max(1) as f64;
    let at_once = play.episodes.iter().filter(|e| e.length == 1 && e.end == End::Terminated).count();
    let longest = play.episodes.iter().map(|episode| episode.length).max().unwrap_or(0);
    let ends = if all > 0 && at_once == all {
        Finding::warning(
            "ends",
            "every episode terminates at its first step",
            "Right for a bandit; otherwise the condition in step, or the state that reset makes, is wrong; see \"Ends\".",
        )
    } else if play.ended(End::Unfinished) > 0 && env.max_episode_steps.is_none() {
        Finding::warning(
            "ends",
            format!(
                "{} of {all} random episodes did not end within {longest} steps, and there is no time limit",
                play.ended(End::Unfinished)
            ),
            "Add `const MAX_EPISODE_STEPS = 500u;`: an agent that gets stuck otherwise never sees a reset; see \"Ends\".",
        )
    } else if play.ended(End::Unfinished) > 0 {
        Finding::ok(
            "ends",
            format!(
                "by termination or the time limit; {} episodes are longer than the {longest} steps played",
                play.ended(End::Unfinished)
            ),
        )
    } else {
        Finding::ok(
            "ends",
            format!(
                "every episode ends: {:.1}% by termination, {:.1}% by the time limit",
                share(End::Terminated),
                share(End::Truncated)
            ),
        )
    };
    let mut returns = Range::default();
    let mut lengths = Range::default();
    for episode in &play.episodes {
        returns.add(episode.total as f32);
        lengths.add(episode.length as f32);
    }
    let statistics = Finding::ok(
        "random play",
        format!(
            "{all} episodes: return {:.4} +- {:.4} ({} to {}), length {:.1} ({} to {}), {:.1}% terminated, {:.1}% truncated, \
             {:.1}% unfinished",
            returns.mean(),
            returns.std(),
            returns.min,
            returns.max,
            lengths.mean(),
            lengths.min,
            lengths.max,
            share(End::Terminated),
            share(End::Truncated),
            share(End::Unfinished)
        ),
    );
    vec![ends, statistics]
}
