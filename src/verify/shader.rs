//! Any compute shader under the sanitizer: its buffers are made from a few words about each.
//!
//! ```
//! use softq::interp::machine::Limits;
//! use softq::interp::sanitizer::Kind;
//! use softq::verify::shader::{Buffer, Fill, Inputs, sanitize};
//!
//! let text = "
//! @group(0) @binding(0) var<storage, read> x: array<f32>;
//! @group(0) @binding(1) var<storage, read_write> y: array<f32>;
//! @compute @workgroup_size(4)
//! fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = x[id.x + 1u]; }
//! ";
//! let limits = Limits { iterations: 100, fuel: 10_000 };
//! // A buffer of which nothing is said has an element for each invocation: `x` is too short.
//! let mut inputs = Inputs { groups: Some([1, 1, 1]), ..Inputs::default() };
//! let report = sanitize("shift.wgsl", text, &inputs, limits)?;
//! assert_eq!((report.findings[0].kind, report.findings[0].line), (Kind::OutOfBounds, 5));
//! let longer = Buffer { words: Some(5), fill: Some(Fill::Random(7)), ..Buffer::default() };
//! inputs.buffers.insert("x".into(), longer);
//! assert!(sanitize("shift.wgsl", text, &inputs, limits)?.findings.is_empty());
//! # Ok::<(), softq::Error>(())
//! ```

use std::collections::BTreeMap;

use naga::ScalarKind;
use naga::valid::{ModuleInfo, ValidationFlags, Validator};
use serde::Deserialize;

use crate::engine::guard::guarded;
use crate::engine::lexer::Tokens;
use crate::engine::variant;
use crate::envs::refusals;
use crate::error::{Error, Result};
use crate::interp::code::{Program, Slot, Space};
use crate::interp::lower;
use crate::interp::machine::Limits;
use crate::interp::sanitizer::{self, Fresh, Report};
use crate::shared::rng::pcg4d;

/// Words of one buffer, at most.
const MAX_WORDS: u64 = 64 << 20;
/// Workgroups times invocations, at most.
const MAX_INVOCATIONS: u64 = 16 << 20;

/// What a buffer is filled with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Fill {
    /// Zeros.
    Zero,
    /// The number of each word.
    #[default]
    Index,
    /// Floats uniform in [0, 1), whole numbers uniform in 0 to 255, by a seed.
    Random(u32),
}

impl TryFrom<String> for Fill {
    type Error = Error;

    fn try_from(text: String) -> Result<Fill> {
        let seed = text.strip_prefix("random:").and_then(|seed| seed.parse().ok());
        match (text.as_str(), seed) {
            ("zero", _) => Ok(Fill::Zero),
            ("index", _) => Ok(Fill::Index),
            ("random", _) => Ok(Fill::Random(0)),
            (_, Some(seed)) => Ok(Fill::Random(seed)),
            _ => Err(Error::invalid(
                "fill",
                &text,
                "zero, index, random or random:SEED",
                "SEED is a whole number below 2^32.",
            )),
        }
    }
}

impl Fill {
    fn word(self, slot: usize, word: u32, kind: ScalarKind) -> u32 {
        let float = |value: f32| value.to_bits();
        match (self, kind) {
            (Fill::Zero, _) => 0,
            (Fill::Index, ScalarKind::Float) => float(word as f32),
            (Fill::Index, _) => word,
            (Fill::Random(seed), kind) => match (pcg4d([word, slot as u32, seed, 0x5a17])[0], kind) {
                (bits, ScalarKind::Float) => float((bits >> 8) as f32 / 16_777_216.0),
                (bits, _) => bits >> 24,
            },
        }
    }
}

/// One buffer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Buffer {
    /// Its length in words of 4 bytes.
    pub words: Option<u64>,
    /// What it is filled with.
    pub fill: Option<Fill>,
    /// Its first words, as floats.
    pub f32: Vec<f32>,
    /// Its first words, as whole numbers.
    pub u32: Vec<u32>,
    /// Its first words, as whole numbers with a sign.
    pub i32: Vec<i32>,
    /// Whether the shader alone makes its contents: a read before a write is a fault.
    pub output: bool,
}

/// What a dispatch needs beside the text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inputs {
    /// The entry point; the only one if absent.
    pub entry: Option<String>,
    /// Workgroups along x, y, z; two along x if absent.
    pub groups: Option<[u32; 3]>,
    /// What buffers are filled with that say nothing.
    pub fill: Option<Fill>,
    /// Storage and uniform buffers by their name in the text.
    pub buffers: BTreeMap<String, Buffer>,
    /// Values of `override` constants.
    pub overrides: BTreeMap<String, f64>,
}

impl Inputs {
    /// From TOML.
    ///
    /// ```
    /// use std::path::Path;
    /// use softq::verify::shader::{Fill, Inputs};
    ///
    /// let path = Path::new("reduce.toml");
    /// let inputs = Inputs::parse(path, "groups = [4, 1, 1]\nfill = 'random:1'\nbuffers.x.u32 = [64]")?;
    /// assert_eq!((inputs.groups, inputs.fill), (Some([4, 1, 1]), Some(Fill::Random(1))));
    /// assert_eq!(inputs.buffers["x"].u32, [64]);
    /// assert!(Inputs::parse(path, "group = [4, 1, 1]").is_err());
    /// # Ok::<(), softq::Error>(())
    /// ```
    pub fn parse(path: &std::path::Path, text: &str) -> Result<Inputs> {
        toml::from_str(text).map_err(|error| Error::Config { path: path.into(), message: error.to_string() })
    }
}

/// Executes one dispatch of a shader and reports. Errors name the line of what is not valid or not known here.
pub fn sanitize(file: &str, text: &str, inputs: &Inputs, limits: Limits) -> Result<Report> {
    let wrong = |line: u32, message: String| Error::EnvFile {
        file: file.into(),
        line: (line > 0).then_some(line as usize),
        message,
    };
    refusals::check_depth(file, &Tokens::new(text))?;
    let located = |message: &str, place: Option<u32>| wrong(place.unwrap_or(0), message.to_owned());
    let guarded = guarded(|| -> Result<Program> {
        let module = naga::front::wgsl::parse_str(text).map_err(|error| {
            located(&error.to_string(), error.location(text).map(|place| place.line_number))
        })?;
        // Whether control flow is uniform shows when it is executed.
        let flags = ValidationFlags::all() - ValidationFlags::CONTROL_FLOW_UNIFORMITY;
        let info = Validator::new(flags, variant::core()).validate(&module).map_err(|error| {
            let place = error.location(text).map(|place| place.line_number);
            located(&crate::envs::explain::chain(&error.into_inner()), place)
        })?;
        let entry = entry_point(&module, inputs.entry.as_deref())?;
        let (module, info) = overridden(&module, &info, &entry, &inputs.overrides)?;
        lower::entry_point(&module, &info, text, &entry)
            .map_err(|refusal| wrong(refusal.line, refusal.message))
    });
    let program = guarded.map_err(|panic| wrong(0, format!("the compiler gave up: {panic}")))??;
    let groups = inputs.groups.unwrap_or([2, 1, 1]);
    let invocations = groups
        .iter()
        .chain(&program.workgroup)
        .try_fold(1u64, |product, n| product.checked_mul(u64::from(*n)))
        .filter(|invocations| (1..=MAX_INVOCATIONS).contains(invocations));
    let invocations = invocations.ok_or_else(|| {
        let allowed = format!("at least 1 each, with at most {MAX_INVOCATIONS} invocations in all");
        Error::invalid(
            "groups",
            format!("{groups:?}"),
            allowed,
            "A few workgroups show what there is to see.",
        )
    })?;
    check_names(&program, inputs)?;
    let outer: Vec<(usize, &Slot)> =
        program.slots.iter().enumerate().filter(|(_, slot)| slot.space != Space::Workgroup).collect();
    let none = Buffer::default();
    let mut memory = Vec::new();
    let mut fresh = Vec::new();
    for (index, slot) in &outer {
        let buffer = inputs.buffers.get(&slot.name).unwrap_or(&none);
        memory.push(contents(*index, slot, buffer, inputs.fill.unwrap_or_default(), invocations)?);
        fresh.push(if buffer.output { Fresh::Everything } else { Fresh::Nothing });
    }
    let memory = memory.iter_mut().map(Vec::as_mut_slice).collect();
    Ok(sanitizer::watch(sanitizer::Run { program: &program, text, groups, memory, fresh, limits }))
}

/// The entry point that is meant.
fn entry_point(module: &naga::Module, wanted: Option<&str>) -> Result<String> {
    let entries = module.entry_points.iter().filter(|entry| entry.stage == naga::ShaderStage::Compute);
    let names: Vec<&str> = entries.map(|entry| entry.name.as_str()).collect();
    match (wanted, &names[..]) {
        (Some(wanted), names) if names.contains(&wanted) => Ok(wanted.to_owned()),
        (Some(wanted), names) => Err(Error::unknown("entry point", wanted, names.iter().copied())),
        (None, [only]) => Ok((*only).to_owned()),
        (None, []) => Err(Error::invalid(
            "file",
            "no compute shader",
            "a text with `@compute`",
            "Nothing else can be executed here.",
        )),
        (None, names) => Err(Error::invalid(
            "entry",
            "none",
            format!("one of {}", names.join(", ")),
            "The file has several entry points: choose with --entry.",
        )),
    }
}

type Owned<'a> = (std::borrow::Cow<'a, naga::Module>, std::borrow::Cow<'a, ModuleInfo>);

/// The module with its `override` constants set.
#[cfg(feature = "translate")]
fn overridden<'a>(
    module: &'a naga::Module,
    info: &'a ModuleInfo,
    entry: &str,
    values: &BTreeMap<String, f64>,
) -> Result<Owned<'a>> {
    let values = values.iter().map(|(name, value)| (name.clone(), *value)).collect();
    let entry = Some((naga::ShaderStage::Compute, entry));
    naga::back::pipeline_constants::process_overrides(module, info, entry, &values).map_err(|error| {
        Error::invalid("overrides", format!("{values:?}"), "a value for each `override`", error.to_string())
    })
}

/// Without naga's writers there is nothing that sets them: texts with overrides are refused when they are lowered.
#[cfg(not(feature = "translate"))]
fn overridden<'a>(
    module: &'a naga::Module,
    info: &'a ModuleInfo,
    _: &str,
    _: &BTreeMap<String, f64>,
) -> Result<Owned<'a>> {
    Ok((std::borrow::Cow::Borrowed(module), std::borrow::Cow::Borrowed(info)))
}

fn check_names(program: &Program, inputs: &Inputs) -> Result<()> {
    let known = program.slots.iter().filter(|slot| slot.space != Space::Workgroup);
    let known: Vec<&str> = known.map(|slot| slot.name.as_str()).collect();
    match inputs.buffers.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Error::unknown("buffer", name, known)),
        None => Ok(()),
    }
}

/// The words of a buffer. One of a length that the text leaves open has an element for each invocation, if nobody says more.
fn contents(index: usize, slot: &Slot, buffer: &Buffer, fill: Fill, invocations: u64) -> Result<Vec<u32>> {
    let typed = buffer.f32.len().max(buffer.u32.len()).max(buffer.i32.len()) as u64;
    let open = u64::from(slot.words) + u64::from(slot.element.unwrap_or(0)) * invocations;
    let default = if typed > 0 && slot.element.is_some() { typed } else { open };
    let words = buffer.words.unwrap_or(default);
    let least = u64::from(slot.words + slot.element.unwrap_or(0)).max(typed);
    if !(least..=MAX_WORDS).contains(&words) {
        return Err(Error::invalid(
            format!("buffers.{}.words", slot.name),
            words,
            format!("{least} to {MAX_WORDS}"),
            "Its type or its values need that many words of 4 bytes.",
        ));
    }
    let fill = buffer.fill.unwrap_or(fill);
    let mut contents = vec![0; words as usize];
    let mut put = |at: u64, kind| {
        if let Some(word) = contents.get_mut(at as usize) {
            *word = fill.word(index, at as u32, kind);
        }
    };
    slot.head.iter().for_each(|(word, kind)| put(u64::from(*word), *kind));
    if let Some(element) = slot.element {
        for start in (u64::from(slot.words)..words).step_by(element.max(1) as usize) {
            slot.tail.iter().for_each(|(word, kind)| put(start + u64::from(*word), *kind));
        }
    }
    let given = [
        buffer.f32.iter().map(|value| value.to_bits()).collect::<Vec<u32>>(),
        buffer.u32.clone(),
        buffer.i32.iter().map(|value| *value as u32).collect(),
    ];
    if given.iter().filter(|given| !given.is_empty()).count() > 1 {
        return Err(Error::invalid(
            format!("buffers.{}", slot.name),
            "several lists",
            "one of f32, u32, i32",
            "Words of mixed kinds can be given by their bits as u32.",
        ));
    }
    for given in given {
        contents[..given.len()].copy_from_slice(&given);
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { iterations: 65_535, fuel: 1 << 20 };

    fn report(text: &str) -> Result<Report> {
        sanitize("a.wgsl", text, &Inputs::default(), LIMITS)
    }

    #[test]
    fn a_missing_barrier_is_a_race_and_a_barrier_mends_it() {
        let text = |barrier: &str| {
            format!(
                "var<workgroup> tile: array<f32, 64>;\n\
                 @group(0) @binding(0) var<storage, read_write> data: array<f32>;\n\
                 @compute @workgroup_size(64)\n\
                 fn main(@builtin(local_invocation_index) i: u32, @builtin(global_invocation_id) id: vec3u) {{\n\
                 tile[i] = data[id.x];\n\
                 {barrier}\n\
                 data[id.x] = tile[63u - i];\n\
                 }}\n"
            )
        };
        let faulty = report(&text("")).expect("runs");
        let races: Vec<_> = faulty.findings.iter().filter(|f| f.kind == sanitizer::Kind::Race).collect();
        assert_eq!(races.len(), 2, "{faulty:?}");
        assert!(races.iter().all(|race| race.variable.as_deref() == Some("tile")));
        assert!(report(&text("workgroupBarrier();")).expect("runs").findings.is_empty());
    }

    #[test]
    fn what_is_not_valid_is_named_with_its_line() {
        let error = report("@compute @workgroup_size(1)\nfn main() { let x = y; }\n").expect_err("no y");
        assert!(error.to_string().starts_with("a.wgsl:2: "), "{error}");
        assert_eq!(error.exit_code(), 2);
        assert_eq!(report("fn f() {}").expect_err("no entry point").exit_code(), 2);
    }
}
