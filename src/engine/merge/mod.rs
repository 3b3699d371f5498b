//! One kernel out of many dispatches: a workgroup takes one agent through whole iterations.
//!
//! Agents never read each other's memory ([`Share`]), so nothing but the end of a dispatch keeps one agent's kernels in
//! order, and a barrier of its workgroup does the same. [`merge`] writes the text of a kernel that runs a list of recordings
//! so: every kernel of the list is a function in it, called once per workgroup of its grid. Agents share no
//! instruction, so a dispatch may run as many iterations as a device's watchdog allows. The sums and their order are those of
//! the kernels; only where a number lies is written anew.
//!
//! WebGPU's eight storage buffers are enough since all buffers of one element type lie in one ([`Arenas`]), and params are
//! constants of the text's uniform buffer.
//!
//! ```
//! use softq::agents;
//! use softq::config::Config;
//! use softq::engine::merge::{Arenas, Merged, merge};
//! use softq::engine::variant::parse;
//!
//! let plan = agents::plan(&Config::default(), softq::envs::find("catch")?)?;
//! let arenas = Arenas::of(&plan.buffers, softq::envs::find("catch")?);
//! let (act, learn) = (plan.act(), plan.learn());
//! let merged: Merged = merge(&[(&act, 1), (&learn, 4)], &arenas)?;
//! assert_eq!(merged.agents, 1);
//! let (module, _) = parse(&merged.text).expect("valid");
//! assert_eq!(module.entry_points[0].workgroup_size, [64, 1, 1]);
//! # Ok::<(), softq::Error>(())
//! ```

mod text;

use std::collections::HashMap;

use crate::engine::env::Env;
use crate::engine::kernel::Kernel;
use crate::engine::recording::{BufferDecl, Buffers, Dispatch, Recording, element_words};
use crate::engine::share::Share;
use crate::engine::variant::Variant;
use crate::error::{Error, Result};
use crate::shared::layout::{Layout, Scalar};

use text::{Placed, Texts};

/// Invocations of the workgroup that has an agent, as of nearly all kernels.
const WORKGROUP: u32 = 64;

/// Where every buffer lies among those of its element type.
#[derive(Clone, Debug)]
pub struct Arenas {
    /// The element types and the words of all their buffers together.
    pub types: Vec<(Layout, u64)>,
    /// Of every buffer, its type's index and its first word.
    pub places: Vec<(usize, u64)>,
    env: &'static Env,
}

impl Arenas {
    /// Lays out `buffers`, whose states and parameters are those of `env`.
    pub fn of(buffers: &Buffers, env: &'static Env) -> Arenas {
        let mut arenas = Arenas { types: Vec::new(), places: Vec::new(), env };
        for decl in &buffers.decls {
            let index = match arenas.types.iter().position(|(layout, _)| *layout == decl.element) {
                Some(index) => index,
                None => {
                    arenas.types.push((decl.element, 0));
                    arenas.types.len() - 1
                }
            };
            let words = &mut arenas.types[index].1;
            arenas.places.push((index, *words));
            *words = words.saturating_add(decl.words);
        }
        arenas
    }

    /// An empty module, whose own names no environment may take.
    fn texts(&self) -> Texts {
        let arenas: Vec<String> = self.types.iter().map(|(layout, _)| names(*layout).1).collect();
        let own = ["main", "Merged", "merged", "merged_agent", "load_fours", "store_fours"];
        Texts::new(own.into_iter().chain(arenas.iter().map(String::as_str)))
    }

    /// The arenas as buffers of their own, each with the hint of the longest buffer in it.
    pub fn decls(&self, buffers: &Buffers) -> Vec<BufferDecl> {
        let decl = |(index, (element, words)): (usize, &(Layout, u64))| {
            let within = buffers.decls.iter().zip(&self.places).filter(|(_, (arena, _))| *arena == index);
            let longest = within.map(|(decl, _)| decl).max_by_key(|decl| decl.words);
            BufferDecl {
                name: names(*element).1,
                words: *words,
                element: *element,
                hint: longest.map_or("", |decl| decl.hint),
            }
        };
        self.types.iter().enumerate().map(decl).collect()
    }
}

/// A kernel that takes agents through iterations, one workgroup each.
#[derive(Clone, Debug)]
pub struct Merged {
    /// Its WGSL. Binding 0 is the uniform buffer, the arenas of `types` follow.
    pub text: String,
    /// The element types that it binds, as places in [`Arenas::types`].
    pub types: Vec<usize>,
    /// Its uniform buffer but for the first word, which is the number of iterations.
    pub params: Vec<u32>,
    /// Agents: workgroups along x.
    pub agents: u32,
    /// Most loop iterations of one invocation in one iteration.
    pub loops: u64,
    /// Dispatches that an iteration takes the place of.
    pub dispatches: u64,
}

/// The kernel of an iteration: each recording as often as its number says, in their order.
pub fn merge(phases: &[(&Recording, u32)], arenas: &Arenas) -> Result<Merged> {
    let mut merger =
        Merger { arenas, texts: arenas.texts(), params: Vec::new(), types: Vec::new(), agents: None };
    let (mut body, mut loops, mut dispatches) = (String::new(), 0u64, 0u64);
    for (recording, repeats) in phases {
        let (text, of_one) = merger.phase(recording)?;
        let (open, close) = match repeats {
            1 => ("        {".to_owned(), "        }"),
            _ => (format!("        for (var run = 0u; run < {repeats}u; run++) {{"), "        }"),
        };
        body += &format!("{open}\n{text}{close}\n");
        loops = loops.saturating_add(u64::from(*repeats).saturating_mul(of_one.saturating_add(1)));
        dispatches += u64::from(*repeats) * recording.dispatches.len() as u64;
    }
    Ok(Merged {
        text: merger.text(&body),
        params: merger.uniform(),
        types: merger.types,
        agents: merger.agents.unwrap_or(1),
        loops: loops.saturating_add(1),
        dispatches,
    })
}

/// The name of a type in WGSL, and that of the buffer of its arena.
fn names(layout: Layout) -> (&'static str, String) {
    let name = match layout {
        Layout::Scalar(Scalar::F32) => "f32",
        Layout::Scalar(Scalar::U32) => "u32",
        Layout::Struct { name, .. } => name,
        Layout::EnvState => "State",
        Layout::EnvParams => "EnvParams",
    };
    (name, format!("arena_{name}"))
}

struct Merger<'a> {
    arenas: &'a Arenas,
    texts: Texts,
    /// Params of the dispatches, each once: name of their struct, words.
    params: Vec<(String, Vec<u32>)>,
    types: Vec<usize>,
    agents: Option<u32>,
}

impl Merger<'_> {
    /// The calls of a recording, and the loop iterations of one run of it.
    fn phase(&mut self, recording: &Recording) -> Result<(String, u64)> {
        let (shared, agents) = match Share::of(recording) {
            Some(share) => (share.recording, share.agents as u32),
            None => (recording.clone(), 1),
        };
        if shared.dispatches.is_empty() {
            return Ok((String::new(), 0));
        }
        let mixed = |dispatch: &&Dispatch| {
            let alone = Recording { dispatches: vec![(*dispatch).clone()] };
            Share::agents_of(dispatch) > 1 && Share::of(&alone).is_none()
        };
        if agents == 1
            && let Some(dispatch) = recording.dispatches.iter().find(mixed)
        {
            return refuse(dispatch.kernel, "its agents' memory does not lie side by side");
        }
        if *self.agents.get_or_insert(agents) != agents {
            return refuse(
                recording.dispatches[0].kernel,
                "the recordings are of different numbers of agents",
            );
        }
        let (mut calls, mut loops) = (String::new(), 0u64);
        for (dispatch, whole) in shared.dispatches.iter().zip(&recording.dispatches) {
            calls += &self.call(dispatch, whole)?;
            let groups = dispatch.grid.iter().map(|groups| u64::from(*groups)).product::<u64>();
            let of_one = (dispatch.kernel.loops)(&dispatch.params, dispatch.env).saturating_add(1);
            loops = loops.saturating_add(groups.saturating_mul(of_one));
        }
        Ok((calls, loops))
    }

    /// Every workgroup of one agent's dispatch in turn, then the barrier that ends a dispatch.
    fn call(&mut self, dispatch: &Dispatch, whole: &Dispatch) -> Result<String> {
        let kernel = dispatch.kernel;
        if kernel.workgroup_size != WORKGROUP && kernel.workgroup_size != 1 {
            let why = format!("its workgroups have {} invocations, not {WORKGROUP}", kernel.workgroup_size);
            return refuse(kernel, &why);
        }
        let (placed, params) = (self.placed(dispatch, whole)?, self.params_of(dispatch)?);
        let entry = self.texts.entry(&Variant::of(dispatch), &placed, &params)?;
        let call = match kernel.workgroup_size {
            1 => format!("if (local == 0u) {{ {} }}", entry.call(1)),
            width => entry.call(width),
        };
        // Workgroup memory of one group must not be written while another reads it.
        let barrier = if entry.uses_workgroup { " workgroupBarrier();" } else { "" };
        let [x, y, z] = dispatch.grid;
        let axes = [("z", z), ("y", y), ("x", x)].into_iter().filter(|(_, count)| *count > 1);
        let open: String = axes
            .clone()
            .map(|(axis, count)| format!("for (var {axis} = 0u; {axis} < {count}u; {axis}++) {{ "))
            .collect();
        let at = |axis: &'static str, count: u32| if count > 1 { axis } else { "0u" };
        let group = format!("let group = vec3u({}, {}, {});", at("x", x), at("y", y), at("z", z));
        let close = " }".repeat(axes.count());
        Ok(format!(
            "            // {}\n            {open}{{ {group} {call}{barrier} }}{close}\n            storageBarrier();\n",
            entry.name
        ))
    }

    /// Where the buffers of a dispatch lie.
    fn placed(&mut self, dispatch: &Dispatch, whole: &Dispatch) -> Result<HashMap<&'static str, Placed>> {
        let kernel = dispatch.kernel;
        let mut placed = HashMap::new();
        for ((binding, share), buffer) in kernel.bindings.iter().zip(&dispatch.bindings).zip(&whole.bindings)
        {
            let Some(&(index, first)) = self.arenas.places.get(buffer.id.0 as usize) else {
                return refuse(kernel, "a buffer that it binds is not there");
            };
            let layout = self.arenas.types[index].0;
            if layout != binding.element {
                let (name, element) = (binding.name, binding.element);
                let why = format!("its '{name}' is {element:?}, and the buffer was declared as {layout:?}");
                return refuse(kernel, &why);
            }
            let (name, arena) = names(layout);
            let words = element_words(layout, Some(self.arenas.env)).max(1);
            if !self.types.contains(&index) {
                // A struct that only the buffer names is declared all the same.
                self.texts.declared(&Variant::of(dispatch), name)?;
                self.types.push(index);
            }
            let place = Placed { arena, first: first / words, of_agent: share.words / words };
            placed.insert(binding.name, place);
        }
        Ok(placed)
    }

    /// The place of a dispatch's params in the uniform buffer.
    fn params_of(&mut self, dispatch: &Dispatch) -> Result<String> {
        let name = self.texts.declared(&Variant::of(dispatch), "Params")?;
        let entry = (name, dispatch.params.clone());
        let index = match self.params.iter().position(|known| *known == entry) {
            Some(index) => index,
            None => {
                self.params.push(entry);
                self.params.len() - 1
            }
        };
        Ok(format!("merged.p{index}"))
    }

    fn uniform(&self) -> Vec<u32> {
        let mut words = vec![0; 3];
        for (_, params) in &self.params {
            words.extend(params);
            words.resize((words.len() + 1).next_multiple_of(4) - 1, 0);
        }
        words
    }

    fn text(&self, body: &str) -> String {
        let mut text = format!(
            "// Whole iterations of one agent in one workgroup.\n{}\nstruct Merged {{\n    iterations: u32,\n",
            self.texts.declarations()
        );
        for (index, (name, _)) in self.params.iter().enumerate() {
            text += &format!("    @align(16) p{index}: {name},\n");
        }
        text += "}\n\n@group(0) @binding(0) var<uniform> merged: Merged;\n";
        for (binding, index) in self.types.iter().enumerate() {
            let (name, arena) = names(self.arenas.types[*index].0);
            let binding = binding + 1;
            text +=
                &format!("@group(0) @binding({binding}) var<storage, read_write> {arena}: array<{name}>;\n");
        }
        text += "\n// The agent of this workgroup.\nvar<private> merged_agent: u32;\n";
        if text.contains("_fours(") {
            text += FOURS;
        }
        text + MAIN + body + "    }\n}\n"
    }
}

/// Four numbers side by side. The buffer's elements are single ones, since a component of a vector in memory may be written
/// together with its neighbours, which are another invocation's.
const FOURS: &str = "
fn load_fours(at: u32) -> vec4f {
    return vec4f(arena_f32[at], arena_f32[at + 1u], arena_f32[at + 2u], arena_f32[at + 3u]);
}

fn store_fours(at: u32, values: vec4f) {
    arena_f32[at] = values.x;
    arena_f32[at + 1u] = values.y;
    arena_f32[at + 2u] = values.z;
    arena_f32[at + 3u] = values.w;
}
";

const MAIN: &str = "
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
    merged_agent = workgroup.x;
    for (var iteration = 0u; iteration < merged.iterations; iteration++) {
";

fn refuse<T>(kernel: &Kernel, why: &str) -> Result<T> {
    Err(Error::invalid(
        "megakernel",
        true,
        "false for these settings",
        format!("Kernel '{}' cannot be part of one: {why}.", kernel.name),
    ))
}
