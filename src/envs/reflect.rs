//! Reading an environment file: sizes, action space, parameters and functions, with errors that name its lines.
//!
//! The file is parsed together with what the engine provides (random numbers, math, `Outcome`, shapes for drawing), file
//! first, so that naga's line numbers are the file's own.

mod constants;
mod functions;
mod glue;
mod memory;
mod numbers;
mod parameters;
mod parse;
mod types;

use std::collections::BTreeMap;

use naga::{Expression, Function, Handle, Literal, Module, ScalarKind, Span, Type, TypeInner};

use super::explain::located;
use super::loops::{self, line_of};
use super::returns;
use super::text::{ConstType, described, member_comment, param_comment};
use crate::engine::items::{self, Item};
use glue::{Functions, glue};

use super::rescale::{self, Rescale};
use super::{culprit, explain, refusals, text};
use crate::engine::compose::{compose, compose_alone};
use crate::engine::env::{
    ActionSpace, ConstValue, Constants, Env, Number, ParamValue, RuntimeParam, StateWord,
};
use crate::engine::kernel::Kernel;
use crate::engine::lexer::Tokens;
use crate::engine::variant;
use crate::error::{Error, Result};

/// Largest state, in 4-byte words.
///
/// Software drivers compile 64 words within 3 seconds, 256 within a minute, and 512 not at all.
pub const MAX_STATE_WORDS: u32 = 256;
/// Longest observation: four frames of 84 x 84. A step passes over it twice, 56,448 of the 65,535 iterations that an invocation
/// may take, and the rest is left to the file's own loops.
pub const MAX_OBS_SIZE: u32 = 84 * 84 * 4;
/// Longest observation that `observe` may return as an array; `observe_at` has no such limit.
pub const MAX_ARRAY_OBS_SIZE: u32 = 64;
/// Most actions of one head.
pub const MAX_ACTIONS: u32 = 1024;
/// Most heads or box dimensions.
pub const MAX_ACTION_WORDS: usize = 16;

/// What a file is called.
pub struct Names {
    /// Id.
    pub id: String,
    /// Short name.
    pub short: String,
    /// What it is.
    pub title: String,
    /// Path or name for errors.
    pub file: String,
    /// Whether a user wrote it.
    pub user: bool,
}

/// What a file holds.
pub struct Reflected {
    /// The environment, without a twin.
    pub env: Env,
    /// Its constants.
    pub constants: Constants,
    /// How its observations are rescaled, if they are.
    pub rescale: Option<Rescale>,
}

/// Reads a file, with values for its parameters. The twin is left empty.
pub fn reflect(names: Names, source: &str, values: &BTreeMap<String, String>) -> Result<Reflected> {
    let mut reader = Reader::parse(&names.file, source)?;
    let values = &reader.own_names(values)?;
    let with_values = text::with_values(&reader.source, values, &|name| reader.const_type(name))?;
    if with_values != reader.source {
        reader = Reader::parse(&names.file, &with_values)?;
    }
    let with_values = reader.source.clone();
    let constants = reader.constants();
    reader.check_const_ranges(&constants)?;
    let params = reader.params(&constants, values)?;
    reader.check_types()?;
    let obs_size = reader.count(&constants, "OBS_SIZE", MAX_OBS_SIZE)?;
    let obs_shape = reader.obs_shape(&constants, obs_size)?;
    let actions = reader.action_space(&constants)?;
    let (state, state_words) = reader.state()?;
    reader.check_memory()?;
    let functions = reader.functions(&actions, obs_size)?;
    let found = loops::loops(&reader.module, with_values.len());
    let max_loop_iterations = reader.loop_limit(&constants, &found, names.user)?;
    let (mut obs_low, mut obs_high) = reader.ordered_bounds(&constants, obs_size as usize)?;
    let draw_aspect = reader.draw_aspect(&constants)?;
    let render_fps = reader.render_fps(&constants)?;
    let max_episode_steps = reader.max_episode_steps(&constants)?;
    let rescale = Rescale::asked_for(values, MAX_ARRAY_OBS_SIZE, &mut obs_low, &mut obs_high)?;
    let obs_bits = reader.obs_bits(&constants, rescale.is_some())?;
    let env = Env {
        glue: glue(
            &actions,
            &functions,
            rescale.as_ref(),
            !params.is_empty(),
            max_episode_steps,
            (max_loop_iterations, names.user),
            obs_bits,
        ),
        given: String::new(),
        source: if names.user { loops::counted(&with_values, &found) } else { with_values.clone() },
        id: names.id,
        short: names.short,
        title: names.title,
        file: names.file.clone(),
        user: names.user,
        state,
        state_words,
        obs_size,
        obs_shape,
        obs_bits,
        obs_low,
        obs_high,
        obs_rescaled: rescale.as_ref().map(Rescale::map).unwrap_or_default(),
        actions,
        max_episode_steps,
        reward_threshold: reader.number(&constants, "REWARD_THRESHOLD")?,
        max_loop_iterations,
        params,
        const_params: {
            let tokens = Tokens::new(&with_values);
            text::const_params(&tokens, &reader.items)
        },
        has_draw: functions.draw,
        draw_aspect,
        render_fps,
        twin: None,
    };
    reader.check_names(&env, values)?;
    Ok(Reflected { env, constants, rescale })
}

struct Reader<'a> {
    file: &'a str,
    source: String,
    items: Vec<Item>,
    module: Module,
    info: naga::valid::ModuleInfo,
}

impl<'a> Reader<'a> {
    fn fail(&self, line: Option<usize>, message: String) -> Error {
        Error::EnvFile { file: self.file.into(), line, message }
    }

    fn line_at(&self, span: Span) -> Option<usize> {
        span.to_range()
            .filter(|range| range.start < self.source.len())
            .map(|r| line_of(&self.source, r.start))
    }

    /// An error at the declaration of a constant.
    fn at_constant(&self, name: &str, message: String) -> Error {
        self.fail(self.item_line(name), format!("{name}: {message}"))
    }

    /// Line of a declaration.
    fn item_line(&self, name: &str) -> Option<usize> {
        items::named(&self.items, name).map(|item| item.line)
    }

    fn loop_limit(&self, constants: &Constants, found: &[loops::Loop], user: bool) -> Result<u32> {
        if let Some(endless) = found.iter().find(|found| found.endless) {
            let line = line_of(&self.source, endless.start);
            return Err(self.fail(Some(line), "this loop never ends: it has no break and no return".into()));
        }
        let limit = self.number(constants, "MAX_LOOP_ITERATIONS")?;
        match (limit, found.first()) {
            (Some(limit), _) if !(0.0..=4096.0).contains(&limit) || limit.fract() != 0.0 => {
                let message = format!("{limit} is not allowed: it must be a whole number from 0 to 4096");
                Err(self.at_constant("MAX_LOOP_ITERATIONS", message))
            }
            (Some(limit), _) => Ok(limit as u32),
            (None, None) => Ok(0),
            (None, Some(first)) if user => Err(self.fail(
                Some(line_of(&self.source, first.start)),
                "there are loops but no MAX_LOOP_ITERATIONS; add `const MAX_LOOP_ITERATIONS = 100u;` with the most iterations \
                 that one reset, step and observe execute together"
                    .into(),
            )),
            (None, Some(first)) => Err(self.fail(
                Some(line_of(&self.source, first.start)),
                "there are loops but no MAX_LOOP_ITERATIONS".into(),
            )),
        }
    }
}

/// Parses and validates a kernel composed with an environment, with errors in the file's lines.
pub fn check_composition(kernel: &Kernel, env: &Env) -> Result<()> {
    let composed = compose(kernel, Some(env), None)?;
    let offset: usize = composed.text.split_inclusive('\n').take(composed.env_line).map(str::len).sum();
    let tokens = Tokens::new(&env.source);
    let items = items::items(&tokens);
    let failed = |failure: variant::Failure| place(failure, &env.file, &tokens, &items, offset);
    let module = variant::read(&composed.text).map_err(failed)?;
    variant::validate(&module).map_err(failed)?;
    Ok(())
}

/// The compiler's failure in the file's lines.
fn place(failure: variant::Failure, file: &str, tokens: &Tokens<'_>, items: &[Item], offset: usize) -> Error {
    match failure {
        variant::Failure::Parse { spans, message, detail } => {
            located(file, tokens, items, &spans, offset, &message, detail)
        }
        variant::Failure::Invalid { spans, error } => {
            located(file, tokens, items, &spans, offset, &explain::invalid(&error), None)
        }
        variant::Failure::GaveUp { message } => {
            let message =
                format!("the compiler gave up on this file ({message}); simplify what was changed last");
            Error::EnvFile { file: file.into(), line: None, message }
        }
    }
}
