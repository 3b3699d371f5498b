//! Reading an environment file: sizes, action space, parameters and functions, with errors that name its lines.
//!
//! The file is parsed together with what the engine provides (random numbers, math, `Outcome`, shapes for drawing), file
//! first, so that naga's line numbers are the file's own.

mod constants;
mod glue;
mod memory;
mod types;

use std::collections::BTreeMap;

use naga::{Expression, Function, Handle, Literal, Module, ScalarKind, Span, Type, TypeInner};

use super::explain::located;
use super::items::{self, Item};
use super::loops::{self, line_of};
use super::returns;
use super::text::{ConstType, described, member_comment, param_comment};
use glue::{Functions, glue};

use super::rescale::{self, Rescale};
use super::{culprit, explain, text};
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
/// Longest observation.
pub const MAX_OBS_SIZE: u32 = 16_384;
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
    for name in [
        "OBS_SIZE",
        "OBS_SHAPE",
        "NUM_ACTIONS",
        "ACTION_DIMS",
        "MAX_EPISODE_STEPS",
        "MAX_LOOP_ITERATIONS",
        "RENDER_FPS",
        "OBS_BITS",
    ] {
        reader.check_type(name, ScalarKind::Uint)?;
    }
    for name in ["ACTION_LOW", "ACTION_HIGH", "OBS_LOW", "OBS_HIGH", "REWARD_THRESHOLD", "DRAW_ASPECT"] {
        reader.check_type(name, ScalarKind::Float)?;
    }
    let obs_size = reader.count(&constants, "OBS_SIZE", MAX_OBS_SIZE)?;
    let obs_shape = reader.obs_shape(&constants, obs_size)?;
    let actions = reader.action_space(&constants)?;
    let (state, state_words) = reader.state()?;
    reader.check_memory()?;
    let functions = reader.functions(&actions, obs_size)?;
    let found = loops::loops(&reader.module, with_values.len());
    let max_loop_iterations = reader.loop_limit(&constants, &found, names.user)?;
    let bounds = |name: &str, default: f32| reader.obs_bounds(&constants, name, default, obs_size as usize);
    let (mut obs_low, mut obs_high) =
        (bounds("OBS_LOW", f32::NEG_INFINITY)?, bounds("OBS_HIGH", f32::INFINITY)?);
    if let Some(element) = (0..obs_size as usize).find(|i| obs_low[*i] > obs_high[*i]) {
        let (low, high) = (obs_low[element], obs_high[element]);
        return Err(reader.at_constant("OBS_LOW", format!("element {element} runs from {low} to {high}")));
    }
    let aspect = reader.number(&constants, "DRAW_ASPECT")?.unwrap_or(1.0) as f32;
    if !(0.1..=10.0).contains(&aspect) {
        return Err(reader.at_constant("DRAW_ASPECT", format!("{aspect} is no aspect ratio from 0.1 to 10")));
    }
    let render_fps = match reader.number(&constants, "RENDER_FPS")? {
        Some(fps) if !(1.0..=1000.0).contains(&fps) => {
            return Err(reader.at_constant("RENDER_FPS", format!("{fps} is not in 1 to 1000")));
        }
        fps => fps.unwrap_or(30.0) as u32,
    };
    let max_episode_steps = match reader.number(&constants, "MAX_EPISODE_STEPS")? {
        Some(steps) if !(1.0..=f64::from(u32::MAX)).contains(&steps) => {
            let message =
                format!("{steps} is not allowed: a time limit is at least 1 step; leave it out for none");
            return Err(reader.at_constant("MAX_EPISODE_STEPS", message));
        }
        steps => steps.map(|steps| steps as u32),
    };
    let rescale = match values.get(rescale::NAME).map(String::as_str) {
        None | Some("false" | "0") => None,
        Some("true" | "1") if obs_size <= MAX_ARRAY_OBS_SIZE => {
            Some(Rescale::new(&mut obs_low, &mut obs_high))
        }
        Some(value) => {
            return Err(Error::invalid(
                format!("env_params.{}", rescale::NAME),
                value,
                format!("true or false, and true for observations of at most {MAX_ARRAY_OBS_SIZE} elements"),
                "Leave it out.",
            ));
        }
    };
    let obs_bits = match reader.number(&constants, "OBS_BITS")? {
        Some(bits) if ![1.0, 8.0, 32.0].contains(&bits) => {
            let message = format!(
                "{bits} is not allowed: 1 for elements that are 0 or 1, 8 for elements k / 255, 32 for any others"
            );
            return Err(reader.at_constant("OBS_BITS", message));
        }
        // Rescaled elements are any numbers.
        Some(bits) if rescale.is_none() => bits as u32,
        _ => 32,
    };
    let env = Env {
        glue: glue(
            &actions,
            &functions,
            rescale.as_ref(),
            !params.is_empty(),
            max_episode_steps,
            max_loop_iterations,
            obs_bits,
        ),
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
        draw_aspect: aspect,
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
    fn parse(file: &'a str, source: &str) -> Result<Reader<'a>> {
        if let Some(at) = source.find('\0') {
            let message = "the file holds a zero byte; it must be plain text".into();
            return Err(Error::EnvFile { file: file.into(), line: Some(line_of(source, at)), message });
        }
        let tokens = Tokens::new(source);
        if !text::has_code(&tokens) {
            let message = "there is no code in this file; start from the smallest world in docs/your-own-environment.md";
            return Err(Error::EnvFile { file: file.into(), line: None, message: message.into() });
        }
        explain::check_depth(file, &tokens)?;
        explain::check_unavailable(file, &tokens)?;
        let items = items::items(&tokens);
        explain::check_declared_names(file, &items)?;
        let sizes = [("OBS_SIZE", MAX_OBS_SIZE), ("NUM_ACTIONS", MAX_ACTIONS)];
        explain::check_sizes(file, &tokens, &items, &sizes)?;
        let mut text = compose_alone(source).map_err(|error| match error {
            Error::Shader { message, .. } => {
                let name = message.split('\'').nth(1).unwrap_or("");
                let line = imports(&tokens).find(|(import, _)| *import == name).map(|(_, line)| line);
                let message = format!(
                    "{message}: a world is one file, and has the engine's functions without importing them"
                );
                Error::EnvFile { file: file.into(), line, message }
            }
            other => other,
        })?;
        if items.iter().any(|item| item.keyword == "struct" && item.name == "EnvParams") {
            text += "var<private> env: EnvParams;\n";
        }
        // The only use of a function: it gives constants without a type the type they would get as a variable.
        for item in items.iter().filter(|item| item.keyword == "const" && !item.name.is_empty()) {
            text += &format!("fn value_of_{0}() {{ var value = {0}; }}\n", item.name);
        }
        let failed = |failure: variant::Failure| {
            place(failure.moved(|span| of_constant(&text, span, &tokens, &items)), file, &tokens, &items, 0)
        };
        // Where the compiler names no place, the file is tried in parts.
        let searched = |failure: variant::Failure| {
            let message = match &failure {
                variant::Failure::Parse { spans, message, .. } if spans.is_empty() => message.clone(),
                variant::Failure::Invalid { spans, error } if spans.is_empty() => explain::invalid(error),
                _ => return failed(failure),
            };
            match culprit::line(&text, &tokens, &items, &message) {
                None => failed(failure),
                line => {
                    Error::EnvFile { file: file.into(), line, message: explain::explained(&items, &message) }
                }
            }
        };
        let module = variant::read(&text).map_err(searched)?;
        match returns::completed(&module, &tokens, &items) {
            Err(missing) => {
                let message = format!(
                    "`{}` may end without returning a value; add a `return` for every way through it",
                    missing.name
                );
                return Err(Error::EnvFile { file: file.into(), line: Some(missing.line), message });
            }
            Ok(Some(completed)) => return Reader::parse(file, &completed),
            Ok(None) => {}
        }
        let info = variant::validate(&module).map_err(searched)?;
        Ok(Reader { file, source: source.to_owned(), items, module, info })
    }

    /// The file's own names of the parameters given.
    fn own_names(&self, values: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
        let members = items::named(&self.items, "EnvParams").map_or(&[][..], |item| &item.members);
        let consts: Vec<&Item> =
            self.items.iter().filter(|item| matches!(param_comment(item), Ok(Some(_)))).collect();
        text::own_names(members, &consts, values)
    }

    /// The type of a constant, for a value that replaces its own.
    fn const_type(&self, name: &str) -> ConstType {
        // The compiler drops constants without a type; as variables they have the type that they would get.
        let own = self.declared_type(name);
        let Some(ty) = own.or_else(|| self.variable_type(name)) else { return ConstType::Other };
        let scalar = |ty: Handle<Type>| match self.module.types[ty].inner {
            TypeInner::Scalar(scalar) => Some((scalar.kind, scalar.width)),
            _ => None,
        };
        match self.module.types[ty].inner {
            TypeInner::Scalar(_) => match scalar(ty) {
                Some((ScalarKind::Bool, _)) => ConstType::Bool,
                Some((ScalarKind::Uint, 4)) => ConstType::U32,
                Some((ScalarKind::Sint, 4)) if own.is_none() => ConstType::AbstractInt,
                Some((ScalarKind::Float, 4)) if own.is_none() => ConstType::AbstractFloat,
                Some((ScalarKind::Sint, 4)) => ConstType::I32,
                Some((ScalarKind::Float, 4)) => ConstType::F32,
                _ => ConstType::Other,
            },
            TypeInner::Array { base, .. } => match self.module.types[base].inner {
                TypeInner::Array { base, .. } => match scalar(base) {
                    Some((ScalarKind::Uint, _)) => ConstType::Map(true),
                    Some((ScalarKind::Sint, _)) => ConstType::Map(false),
                    _ => ConstType::Other,
                },
                _ => ConstType::Other,
            },
            _ => ConstType::Other,
        }
    }

    /// Refuses comments that are no ranges, and constants outside of theirs.
    fn check_const_ranges(&self, constants: &Constants) -> Result<()> {
        for item in &self.items {
            let about = param_comment(item).map_err(|wrong| self.fail(Some(item.line), wrong))?;
            let Some(allowed) = about.and_then(|about| about.allowed) else { continue };
            if let Some(ConstValue::Number(value)) = constants.0.get(&item.name)
                && !allowed.holds(f64::from(*value as f32))
                && !allowed.holds(*value)
            {
                return Err(
                    self.at_constant(&item.name, format!("{value} is not allowed: it must be {allowed}"))
                );
            }
        }
        Ok(())
    }

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

    /// The fields of `EnvParams` with default and chosen values.
    fn params(&self, constants: &Constants, values: &BTreeMap<String, String>) -> Result<Vec<RuntimeParam>> {
        let Some(item) = items::named(&self.items, "EnvParams") else { return Ok(Vec::new()) };
        let line = Some(item.line);
        let Some((ty, _)) = self.named_type("EnvParams") else {
            return Err(self.fail(line, "EnvParams must be a struct".into()));
        };
        let TypeInner::Struct { members, .. } = &self.module.types[ty].inner else {
            return Err(self.fail(line, "EnvParams must be a struct".into()));
        };
        let Some(ConstValue::List(defaults)) = constants.0.get("DEFAULT_PARAMS") else {
            return Err(self.fail(
                line,
                "EnvParams needs its defaults: add `const DEFAULT_PARAMS = EnvParams(...);`".into(),
            ));
        };
        let mut params = Vec::new();
        for (member, default) in members.iter().zip(defaults) {
            let name = member.name.clone().unwrap_or_default();
            let number = match self.module.types[member.ty].inner {
                TypeInner::Scalar(naga::Scalar::F32) => Number::F32,
                TypeInner::Scalar(naga::Scalar::U32) => Number::U32,
                TypeInner::Scalar(naga::Scalar::I32) => Number::I32,
                _ => {
                    let message = format!("parameter '{name}' must be a f32, u32 or i32 (a flag is a u32)");
                    return Err(self.fail(self.member_line("EnvParams", &name).or(line), message));
                }
            };
            let ConstValue::Number(default) = default else { continue };
            let about = match item.members.iter().find(|member| member.name == name) {
                Some(member) => {
                    member_comment(member).map_err(|wrong| self.fail(Some(member.line), wrong))?
                }
                None => Default::default(),
            };
            if let Some(allowed) = about.allowed.filter(|allowed| !allowed.holds(f64::from(*default as f32)))
            {
                let message = format!("{name} = {default} is not allowed: it must be {allowed}");
                return Err(self.at_constant("DEFAULT_PARAMS", message));
            }
            let value = match values.get(&name) {
                Some(text) => text::param_value(&name, number, text, about.allowed.as_ref())?,
                None => ParamValue::Fixed(*default),
            };
            params.push(RuntimeParam { name, about: described(&about), number, default: *default, value });
        }
        Ok(params)
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

    /// Checks the functions; tells which of the optional ones there are.
    fn functions(&self, actions: &ActionSpace, obs_size: u32) -> Result<Functions> {
        if let Some(entry) = self.module.entry_points.first() {
            let tokens = Tokens::new(&self.source);
            let stage = |index: &usize| {
                tokens.is(*index, '@') && matches!(tokens.word(index + 1), "compute" | "vertex" | "fragment")
            };
            let line = (0..tokens.tokens.len()).find(stage).map(|index| tokens.tokens[index].line);
            return Err(self.fail(
                line.or_else(|| self.item_line(&entry.name)),
                format!(
                    "'{}' is an entry point; the engine has its own and calls reset, step and observe: declare plain functions",
                    entry.name
                ),
            ));
        }
        for (handle, variable) in self.module.global_variables.iter() {
            if let Some(line) = self.line_at(self.module.global_variables.get_span(handle)) {
                let name = variable.name.as_deref().unwrap_or("?");
                let message = format!(
                    "the variable '{name}' is not allowed at module scope: what changes belongs into State, what can be set \
                     into EnvParams, and buffers are the engine's"
                );
                return Err(self.fail(Some(line), message));
            }
        }
        if let Some((_, constant)) = self.module.overrides.iter().next() {
            let name = constant.name.as_deref().unwrap_or("?");
            let line = self.item_line(name);
            let message = format!(
                "`override {name}` is not allowed; write `const {name}`, with a comment `// param: ...` above it to set it with \
                 --env-param"
            );
            return Err(self.fail(line, message));
        }
        let action = match actions {
            ActionSpace::Discrete(_) => "u32".to_owned(),
            ActionSpace::MultiDiscrete(heads) => format!("array<u32, {}>", heads.len()),
            ActionSpace::Box { low, .. } => format!("array<f32, {}>", low.len()),
        };
        let rng = "ptr<function, Rng>";
        self.function("reset", &[rng], "State")?;
        self.function("step", &["ptr<function, State>", &action, rng], "Outcome")?;
        let observe_at = self.find_function("observe_at").is_some();
        if observe_at {
            self.function("observe_at", &["State", "u32"], "f32")?;
        } else {
            self.function("observe", &["State"], &format!("array<f32, {obs_size}>"))?;
            if obs_size > MAX_ARRAY_OBS_SIZE {
                let message = format!(
                    "{obs_size} elements are too many for an array: drivers take minutes to compile it. Write \
                     `fn observe_at(state: State, index: u32) -> f32`, one element, instead of observe"
                );
                return Err(self.at_constant("OBS_SIZE", message));
            }
        }
        let draw = self.find_function("draw").is_some();
        if draw {
            self.function("draw", &["State", "vec2<f32>"], "vec3<f32>")?;
        }
        Ok(Functions { observe_at, draw })
    }

    fn find_function(&self, name: &str) -> Option<(Handle<Function>, &Function)> {
        self.module.functions.iter().find(|(_, function)| function.name.as_deref() == Some(name))
    }

    fn function(&self, name: &str, arguments: &[&str], result: &str) -> Result<()> {
        let expected = format!("fn {name}({}) -> {result}", arguments.join(", "));
        let Some((handle, function)) = self.find_function(name) else {
            let near = self.module.functions.iter().filter_map(|(_, function)| function.name.as_deref());
            let near = explain::nearest(name, near.filter(|near| self.item_line(near).is_some()));
            return Err(match near {
                Some(near) => self.fail(
                    self.item_line(near),
                    format!(
                        "the function {name} is missing; is `{near}` meant to be it? Expected is `{expected}`"
                    ),
                ),
                None => self.fail(None, format!("the function {name} is missing; expected is `{expected}`")),
            });
        };
        let has: Vec<String> =
            function.arguments.iter().map(|argument| self.type_name(argument.ty)).collect();
        let returns = function.result.as_ref().map_or("nothing".into(), |result| self.type_name(result.ty));
        if has == arguments && returns == result {
            return Ok(());
        }
        let line = self.item_line(name).or_else(|| self.line_at(self.module.functions.get_span(handle)));
        Err(self.fail(
            line,
            format!(
                "`fn {name}({}) -> {returns}` has the wrong types; expected is `{expected}`",
                has.join(", ")
            ),
        ))
    }

    /// Refuses values for parameters that the file does not have.
    fn check_names(&self, env: &Env, values: &BTreeMap<String, String>) -> Result<()> {
        let mut known: Vec<&str> = env.params.iter().map(|param| param.name.as_str()).collect();
        known.extend(env.const_params.iter().map(|param| param.name.as_str()));
        known.extend(["max_episode_steps", rescale::NAME]);
        let is_known = |name: &String| {
            known.contains(&name.as_str())
                || known.contains(&name.to_lowercase().as_str())
                    && !env.params.iter().any(|p| p.name == name.to_lowercase())
        };
        match values.keys().find(|name| !is_known(name)) {
            Some(name) => Err(Error::unknown("environment parameter", name, known)),
            None => Ok(()),
        }
    }
}

/// A place in the function that uses a constant, as the place of the constant's declaration.
fn of_constant(text: &str, span: Span, tokens: &Tokens<'_>, items: &[Item]) -> Span {
    let declared = || {
        let start = text[..span.to_range()?.start].rfind('\n')? + 1;
        let name = text[start..].strip_prefix("fn value_of_")?.split('(').next()?;
        let range = tokens.tokens.get(items::named(items, name)?.tokens.start)?.range.clone();
        Some(Span::new(range.start as u32, range.end as u32))
    };
    declared().unwrap_or(span)
}

/// The imports of a file with their lines.
fn imports<'t>(tokens: &'t Tokens<'_>) -> impl Iterator<Item = (&'t str, usize)> {
    let import = |comment| Some((tokens.words(comment).strip_prefix("import:")?.trim(), comment.line));
    tokens.comments.iter().filter(|comment| comment.alone).filter_map(import)
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
