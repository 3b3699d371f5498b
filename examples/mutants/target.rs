//! What is mutated: every kernel's own file, and each target rule, shared or environment file once, seen through the
//! kernels that import it.

use std::error::Error;

use naga::compact::{KeepUnused, compact};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use softq::engine::compose::{SHARED, compose};
use softq::engine::kernel::Kernel;
use softq::engine::rule::Rule;
use softq::envs;
use softq::kernels::targets::RULES;
use softq::verify::{self, Check};

use crate::mutate::{Edit, edits};

/// A file to mutate.
pub struct Target {
    /// Kernel, target rule, shared file or environment.
    pub name: &'static str,
    /// File name.
    pub file: String,
    /// Its text.
    pub source: &'static str,
    /// The import line that brings it in; a kernel's own file has none.
    pub import: Option<String>,
    /// The environment that it is, if it is one.
    pub env: Option<&'static str>,
    /// Kernels whose cases judge it.
    pub checks: Vec<&'static Check>,
}

/// A mutant that compiles to other code than the original.
#[derive(Clone)]
pub struct Mutant {
    /// Position in [`targets`].
    pub target: usize,
    /// The fault; `None` is the original, which must pass.
    pub edit: Option<Edit>,
}

/// Constants of environment files that only the host reads.
const HOST_CONSTANTS: &[&str] = &[
    "RENDER_FPS",
    "OBS_BITS",
    "OBS_SHAPE",
    "DRAW_ASPECT",
    "OBS_LOW",
    "OBS_HIGH",
    "REWARD_THRESHOLD",
    "DEFAULT_PARAMS",
    "MAX_LOOP_ITERATIONS",
];

/// Whether a text imports a file, or another that does.
fn brings(source: &str, import: &str) -> bool {
    source.lines().map(str::trim_end).any(|line| {
        let shared = SHARED.iter().find(|(name, _)| line.strip_prefix("// import: ") == Some(*name));
        line == import || shared.is_some_and(|(_, source)| brings(source, import))
    })
}

/// Every file, kernels first.
pub fn targets() -> Vec<Target> {
    let checks = verify::checks();
    let mut targets: Vec<Target> = Vec::new();
    for check in checks {
        let name = check.kernel.name;
        // The checks of a kernel with each target rule stand together.
        if let Some(target) = targets.last_mut().filter(|target| target.name == name) {
            target.checks.push(check);
            continue;
        }
        let file = match name.strip_prefix("probe_") {
            Some(probe) => format!("src/verify/probes/{probe}.wgsl"),
            None => format!("shaders/{name}.wgsl"),
        };
        let (source, checks) = (check.kernel.source, vec![check]);
        targets.push(Target { name, file, source, import: None, env: None, checks });
    }
    let importers = |import: &str| -> Vec<&'static Check> {
        checks.iter().filter(|check| brings(check.kernel.source, import)).collect()
    };
    for rule in RULES {
        let import = "// import: rule".to_owned();
        let mut checks = importers(&import);
        checks.retain(|check| check.rule.is_some_and(|other| other.name == rule.name));
        let file = format!("shaders/targets/{}.wgsl", rule.name);
        let Rule { name, source, .. } = *rule;
        targets.push(Target { name, file, source, import: Some(import), env: None, checks });
    }
    for (name, source) in SHARED {
        let import = format!("// import: {name}");
        let checks = importers(&import);
        let file = format!("shaders/shared/{name}.wgsl");
        targets.push(Target { name, file, source, import: Some(import), env: None, checks });
    }
    for env in envs::registry() {
        let import = "// import: env".to_owned();
        let checks = importers(&import);
        let file = format!("shaders/envs/{}", env.file);
        if targets.iter().any(|target: &Target| target.file == file) {
            continue;
        }
        let fits = |check: &&Check| check.kernel.fits(env.actions.outputs() > 0, env.has_draw);
        let checks = checks.into_iter().filter(fits).collect();
        let (name, source) = (env.short.as_str(), env.source.as_str());
        targets.push(Target { name, file, source, import: Some(import), env: Some(&env.id), checks });
    }
    targets
}

impl Target {
    /// Source of a kernel with this file's text replaced.
    pub fn source_of(&self, kernel: &Kernel, text: &str) -> String {
        // What the engine adds to an environment file when it is imported whole.
        let glue = self.env.and_then(|id| envs::find(id).ok()).map_or("", |env| env.glue.as_str());
        let imports =
            if self.env.is_some() { "// import: rng\n// import: outcome\n// import: draw\n" } else { "" };
        let included = match &self.import {
            Some(_) if self.env.is_none() => format!("// included: {}\n", self.name),
            _ => String::new(),
        };
        let text = format!("{included}{text}\n{glue}\n{imports}");
        match &self.import {
            None => text,
            // First, since another import may bring the file in as well; declarations may come in any order.
            Some(import) => std::iter::once(text.as_str())
                .chain(kernel.source.lines().filter(|line| line.trim_end() != import))
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }

    /// `per_kernel` mutants that are valid and compile to other code, spread over the kinds of faults (all, or `kinds`); and how
    /// many there are in all before that choice.
    pub fn choose(&self, seed: u64, per_kernel: usize, kinds: &[&str]) -> (Vec<Edit>, usize) {
        let mut all = edits(self.source);
        all.retain(|edit| kinds.is_empty() || kinds.contains(&edit.kind));
        if self.env.is_some() {
            // What the host reads has no effect in a shader, and pictures are judged by looking at them.
            let lines: Vec<&str> = self.source.lines().collect();
            let draw =
                lines.iter().position(|line| line.starts_with("fn draw(")).map_or(usize::MAX, |at| at + 1);
            let host =
                |line: &str| HOST_CONSTANTS.iter().any(|name| line.starts_with(&format!("const {name}")));
            all.retain(|edit| {
                edit.line < draw && !host(lines.get(edit.line - 1).copied().unwrap_or_default())
            });
        }
        let total = all.len();
        let key = self.name.bytes().fold(seed, |hash, byte| hash.wrapping_mul(131) ^ u64::from(byte));
        all.shuffle(&mut StdRng::seed_from_u64(key));
        // The n-th fault of each kind before the n+1-th of any.
        let mut seen = std::collections::HashMap::<&str, usize>::new();
        let mut ranked: Vec<(usize, Edit)> = all
            .into_iter()
            .map(|edit| {
                let rank = seen.entry(edit.kind).or_default();
                *rank += 1;
                (*rank, edit)
            })
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let originals: Vec<_> = self.checks.iter().map(|check| self.code(check, self.source).ok()).collect();
        let mut chosen: Vec<Edit> = Vec::new();
        for (_, edit) in ranked {
            if chosen.len() == per_kernel {
                break;
            }
            let codes: Vec<_> = self.checks.iter().map(|check| self.code(check, &edit.source).ok()).collect();
            if codes.iter().all(Option::is_some) && codes != originals {
                chosen.push(edit);
            }
        }
        chosen.sort_by_key(|edit| edit.line);
        (chosen, total)
    }

    /// SPIR-V of a check's kernel with this file's text replaced.
    fn code(&self, check: &Check, text: &str) -> Result<Vec<u32>, Box<dyn Error>> {
        let env = match self.env {
            Some(id) => Some(envs::find(id)?),
            // One whose actions the kernel takes.
            None => envs::registry()
                .iter()
                .copied()
                .find(|env| check.kernel.fits(env.actions.outputs() > 0, env.has_draw)),
        };
        let source: &'static str = Box::leak(self.source_of(check.kernel, text).into_boxed_str());
        let text = compose(&Kernel { source, ..*check.kernel }, env, check.rule)?.text;
        let mut module = naga::front::wgsl::parse_str(&text)?;
        let flags = ValidationFlags::all();
        Validator::new(flags, Capabilities::default()).validate(&module)?;
        compact(&mut module, KeepUnused::No);
        let info = Validator::new(flags, Capabilities::default()).validate(&module)?;
        Ok(naga::back::spv::write_vec(&module, &info, &naga::back::spv::Options::default(), None)?)
    }
}
