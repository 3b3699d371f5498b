//! Advice: what is allowed but makes learning slower, or the world harder to work with.

use super::play::{End, Play};
use super::{Finding, sample_states};
#[cfg(feature = "translate")]
use crate::engine::compose::compose;
use crate::engine::env::Env;
use crate::engine::executor::Executor;
use crate::engine::lexer::Tokens;
use crate::engine::recording::{Buffer, Buffers, Recording};
#[cfg(feature = "translate")]
use crate::engine::translate::{Language, translate};
#[cfg(feature = "translate")]
use crate::envs::kernels_with;
use crate::envs::operators;
use crate::error::Result;
use crate::kernels::env_draw;
use crate::shared::shape::Shape;

/// Whether the world can be looked at, and whether its picture shows the state.
pub fn drawing(executor: &mut dyn Executor, env: &'static Env, seed: u32) -> Result<Vec<Finding>> {
    const SIDE: u32 = 48;
    if !env.has_draw {
        return Ok(vec![Finding::warning(
            "drawing",
            "there is no `draw`",
            "Ten lines of it make agent.gif, `softq watch` and `softq record` work, and a picture finds mistakes that numbers \
             hide; see \"Drawing\".",
        )]);
    }
    let sample = sample_states(executor, env, seed, 24)?;
    let frames = (sample.states.len() / env.state_words as usize) as u32;
    let mut buffers = Buffers::default();
    let env_params: Buffer<u32> = buffers.add("env_params", sample.params.len() as u64, "");
    let state: Buffer<u32> = buffers.add("state", sample.states.len() as u64, "");
    let pixels: Buffer<u32> = buffers.add("pixels", u64::from(frames * SIDE * SIDE), "");
    let params = env_draw::Params { frames, width: SIDE, height: SIDE, samples: 1 };
    let mut recording = Recording::default();
    env_draw::record(&mut recording, env, params, env_params, state, pixels)?;
    executor.allocate(&buffers)?;
    executor.write(env_params.id, &sample.params)?;
    executor.write(state.id, &sample.states)?;
    let program = executor.prepare(&recording)?;
    executor.submit(&[(program, 1)], None)?;
    let pixels = executor.read(pixels.id)?;
    let pictures: Vec<&[u32]> = pixels.chunks_exact((SIDE * SIDE) as usize).collect();
    let text = if pixels.iter().all(|pixel| *pixel == pixels[0]) {
        "the picture has one colour"
    } else if frames > 1 && pictures.iter().all(|picture| *picture == pictures[0]) {
        "the picture is the same for every state"
    } else {
        return Ok(vec![Finding::ok(
            "drawing",
            format!("{frames} pictures of {SIDE} x {SIDE} pixels show their states"),
        )]);
    };
    Ok(vec![Finding::warning(
        "drawing",
        text,
        "uv runs from (0, 0) at the top left to (1, 1), colours from 0 to 1; see \"Drawing\".",
    )])
}

/// What browsers refuse although the native compiler lets it pass.
pub fn browsers(env: &Env) -> Vec<Finding> {
    let mixed = operators::mixed(&Tokens::new(&env.source));
    let found = mixed.iter().map(|place| {
        Finding::failed(
            "browsers",
            format!("{}:{}: {}", env.file, place.line, place.message),
            "See \"Numbers\".",
        )
    });
    let found: Vec<Finding> = found.collect();
    match found.is_empty() {
        true => vec![Finding::ok("browsers", "operators stand as WGSL's grammar allows")],
        false => found,
    }
}

/// Whether every kernel of the world can be written in the language of every driver, not just of the one at hand.
#[cfg(feature = "translate")]
pub fn drivers(env: &Env) -> Result<Vec<Finding>> {
    const DRIVERS: [(Language, &str); 4] = [
        (Language::Spirv, "Vulkan"),
        (Language::Msl, "Metal"),
        (Language::Hlsl, "Direct3D 12"),
        (Language::Glsl, "OpenGL"),
    ];
    let mut found = Vec::new();
    let mut kernels = 0;
    for kernel in kernels_with(env) {
        let text = compose(kernel, Some(env), None)?.text;
        kernels += 1;
        for (language, driver) in DRIVERS {
            if let Err(error) = translate(kernel.name, &text, language) {
                found.push(Finding::failed(
                    "drivers",
                    format!("{}: with {driver} this world does not run: {error}", env.file),
                    "Simplify what was changed last, and please report it.",
                ));
            }
        }
    }
    if found.is_empty() {
        found.push(Finding::ok(
            "drivers",
            format!("{kernels} kernels can be written for Vulkan, Metal, Direct3D 12 and OpenGL"),
        ));
    }
    Ok(found)
}

/// Scales, sizes and thresholds.
pub fn learning(env: &Env, play: &Play) -> Vec<Finding> {
    let mut found = observations(env, play);
    found.extend(rewards(env, play));
    found.push(match env.reward_threshold {
        Some(threshold) => Finding::ok("threshold", format!("solved at a mean return of {threshold}")),
        None => Finding::warning(
            "threshold",
            "there is no REWARD_THRESHOLD",
            "With one, `train` says when the world is solved and can stop there; see \"Constants\".",
        ),
    });
    found
}

fn observations(env: &Env, play: &Play) -> Vec<Finding> {
    let mut found = Vec::new();
    let size = |range: &super::play::Range| range.min.abs().max(range.max.abs());
    if let Some((element, range)) = play.obs.iter().enumerate().max_by(|a, b| size(a.1).total_cmp(&size(b.1)))
        && size(range) > 20.0
        // Where no number was seen the range is empty.
        && range.min <= range.max
    {
        found.push(Finding::warning(
            "observation scale",
            format!("element {element} reaches {} to {}", range.min, range.max),
            "Networks learn fastest from values around 1: divide by a typical size in observe; see \"Observations\".",
        ));
    }
    let small = |range: &super::play::Range| range.max > range.min && size(range) < 0.01;
    if let Some(element) = play.obs.iter().position(small) {
        found.push(Finding::warning(
            "observation scale",
            format!("element {element} stays below {} in size", size(&play.obs[element])),
            "A network hardly sees it: multiply it in observe until it is around 1; see \"Observations\".",
        ));
    }
    let still: Vec<usize> = (0..play.obs.len()).filter(|i| play.obs[*i].min == play.obs[*i].max).collect();
    if !still.is_empty() {
        let shown: Vec<String> = still.iter().take(8).map(usize::to_string).collect();
        let more = if still.len() > 8 { ", ..." } else { "" };
        found.push(Finding::warning(
            "constant elements",
            format!(
                "{} of {} elements never changed: {}{more}",
                still.len(),
                play.obs.len(),
                shown.join(", ")
            ),
            "Leave out what never changes, unless only good play changes it; see \"Observations\".",
        ));
    }
    let flags = play.obs.iter().all(|range| range.min >= 0.0 && range.max <= 1.0);
    if env.obs_size > 512 && flags && matches!(env.obs_shape, Shape::Flat(_)) {
        found.push(Finding::warning(
            "observation size",
            format!("{} elements between 0 and 1 look like a one-hot code", env.obs_size),
            "The first layer and the replay memory grow with it: code rows and columns apart, or give coordinates; see \
             \"Observations\".",
        ));
    }
    if found.is_empty() {
        found.push(Finding::ok(
            "observation scale",
            format!("{} elements, all of a size that networks like", env.obs_size),
        ));
    }
    found
}

fn rewards(env: &Env, play: &Play) -> Vec<Finding> {
    let range = &play.rewards;
    let largest = range.min.abs().max(range.max.abs());
    let mut found = Vec::new();
    if play.rewarded == 0 {
        found.push(Finding::warning(
            "reward scale",
            format!("random play met no reward in {} steps", play.steps),
            "Fine for a hard exploration task; otherwise reward progress, or make the goal easier to meet; see \"Rewards\".",
        ));
    } else if largest > 20.0 {
        found.push(Finding::warning(
            "reward scale",
            format!("rewards reach {} to {}", range.min, range.max),
            format!("Values grow with them: scale them in step, or train with --reward-scale {:.0e}; see \"Rewards\".", 1.0 / largest),
        ));
    } else if largest < 0.01 {
        found.push(Finding::warning(
            "reward scale",
            format!("rewards stay below {largest} in size"),
            format!("The entropy bonus outweighs them: train with --reward-scale {:.0e}, or a small --alpha; see \"Rewards\".", 1.0 / largest),
        ));
    } else {
        found.push(Finding::ok(
            "reward scale",
            format!("{} to {}, mean {:.4}", range.min, range.max, range.mean()),
        ));
    }
    // Where steps cost something and an end is the way out, entropy income per step must stay below the cost.
    let bits: f64 = env.actions.heads().iter().map(|actions| f64::from(*actions).ln()).sum();
    // Worlds in which every episode takes equally long leave no choice; those that random play never ends may.
    let first = play.episodes.first().map(|episode| episode.length);
    let vary = play.episodes.iter().any(|episode| Some(episode.length) != first);
    let can_end = vary || play.ended(End::Terminated) == 0;
    let cost = -play.passing.mean();
    if cost > 0.0 && play.passing.max <= 0.0 && bits > 0.0 && can_end {
        found.push(Finding::warning(
            "soft-Q trap",
            format!(
                "a step costs {cost:.3} in the mean, and entropy pays up to alpha x {bits:.3}: above alpha = {:.3} staying alive pays",
                cost / bits
            ),
            "Keep alpha far below that (--alpha, --alpha-max), let it fall (--temperature schedule), or use --kl true; see \"How \
             learning sees it\".",
        ));
    }
    // A reward on the way may be worth more than the end, once more so with the entropy of the steps to stay for.
    if play.passing.max > 0.0
        && play.passing.mean() < 0.5 * f64::from(play.passing.max)
        && bits > 0.0
        && can_end
    {
        found.push(Finding::warning(
            "soft-Q trap",
            format!(
                "steps that do not end an episode pay up to {}, and entropy pays up to alpha x {bits:.3} in each: lingering where \
                 such rewards lie may be worth more than the end",
                play.passing.max
            ),
            "Compare `softq solve` at your alpha and at alpha = 0; keep alpha small (--alpha, --alpha-max), let it fall \
             (--temperature schedule), or use --kl true; see \"How learning sees it\".",
        ));
    }
    found
}
