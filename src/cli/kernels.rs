//! `softq kernels`: the kernels as a table, everything about one of them, and their text in the language of any driver.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use softq::config::Config;
use softq::engine::env::{Env, EnvSizes};
use softq::engine::kernel::{Access, Kernel, Need};
use softq::engine::translate::{Language, translate};
use softq::engine::variant::Variant;
use softq::error::{Error, Result};
use softq::kernels::targets::RULES;
use softq::shared::layout::{Layout, Scalar};
use softq::{envs, kernels};

use super::{json_line, say};

/// Arguments of `softq kernels`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  softq kernels\n  softq kernels adam\n  \
                        softq kernels adam --language msl\n  \
                        softq kernels act_step --env ./my_env.wgsl --language wgsl\n  \
                        softq kernels --dump texts --language spirv && spirv-val texts/adam.spv")]
pub struct KernelsArgs {
    /// One kernel instead of all
    #[arg(value_name = "KERNEL")]
    kernel: Option<String>,
    /// Compose with this environment instead of every built-in one: id, short name or path of a WGSL file
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// Parameter of the environment, e.g. size=20; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "env")]
    env_param: Vec<String>,
    /// The language of the text; alone it prints one kernel, with --dump it writes only this one
    #[arg(long, value_name = "wgsl|spirv|msl|hlsl|glsl", value_parser = language)]
    language: Option<Language>,
    /// Write the text of each kernel with each environment into this directory, in every language
    #[arg(long, value_name = "DIR")]
    dump: Option<PathBuf>,
    /// Print one line of JSON instead of the table
    #[arg(long, conflicts_with_all = ["language", "dump", "env"])]
    json: bool,
}

/// The language called `name`.
fn language(name: &str) -> std::result::Result<Language, String> {
    let found = Language::ALL.into_iter().find(|language| language.name() == name);
    found.ok_or_else(|| format!("known are {}", Language::ALL.map(Language::name).join(", ")))
}

/// Runs the command.
pub fn kernels(args: &KernelsArgs, out: &mut dyn Write) -> Result<()> {
    let config = Config { env_param: args.env_param.clone(), ..Config::default() };
    let env = match &args.env {
        Some(name) => Some(envs::open(name, &config.env_values()?)?),
        None => None,
    };
    let chosen: Vec<&'static Kernel> = match &args.kernel {
        Some(name) => vec![find(name)?],
        None => kernels::table().to_vec(),
    };
    match (&args.dump, args.language) {
        (Some(dir), language) => dump(&chosen, env, language, dir, out),
        (None, Some(language)) => print(&chosen, env, language, out),
        (None, None) if args.json => {
            let all: Vec<Value> = chosen.iter().map(|kernel| entry(kernel)).collect();
            json_line(out, &all)
        }
        (None, None) if args.kernel.is_some() => say(out, &page(chosen[0], env)),
        (None, None) => say(out, &table(&chosen, env)),
    }
}

fn find(name: &str) -> Result<&'static Kernel> {
    let found = kernels::table().iter().find(|kernel| kernel.name == name);
    found.copied().ok_or_else(|| Error::unknown("kernel", name, kernels::table().iter().map(|k| k.name)))
}

/// The chosen kernels with the chosen environment, or with every built-in one.
fn variants(chosen: &[&'static Kernel], env: Option<&'static Env>) -> Vec<Variant> {
    match env {
        Some(env) => Variant::all(chosen, &[env], RULES),
        None => Variant::all(chosen, envs::registry(), RULES),
    }
}

/// Writes files; what cannot be written is told, and the others are written all the same.
fn dump(
    chosen: &[&'static Kernel],
    env: Option<&'static Env>,
    language: Option<Language>,
    dir: &Path,
    out: &mut dyn Write,
) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(|error| Error::file("create", dir, error))?;
    let languages = language.map_or(Language::ALL.to_vec(), |language| vec![language]);
    let (mut written, mut failures) = (0, Vec::new());
    let variants = variants(chosen, env);
    if let (true, Some(env)) = (variants.is_empty(), env) {
        let hint = "Leave --env out, or name another kernel.";
        return Err(Error::invalid(
            "--env",
            &env.id,
            format!("absent, since {} knows no environment", chosen[0].name),
            hint,
        ));
    }
    for variant in variants {
        let (name, text) = (variant.name(), variant.text()?);
        for language in &languages {
            match translate(&name, &text, *language) {
                Ok(bytes) => {
                    let path = dir.join(format!("{name}.{}", language.extension()));
                    std::fs::write(&path, bytes).map_err(|error| Error::file("write", &path, error))?;
                    written += 1;
                }
                Err(error) => failures.push(error),
            }
        }
    }
    say(out, &format!("{written} files in {}\n", dir.display()))?;
    let Some(last) = failures.pop() else { return Ok(()) };
    for failure in failures {
        say(out, &format!("not written: {failure}\n"))?;
    }
    Err(last)
}

/// Prints the text of one kernel.
fn print(
    chosen: &[&'static Kernel],
    env: Option<&'static Env>,
    language: Language,
    out: &mut dyn Write,
) -> Result<()> {
    let [variant] = variants(chosen, env)[..] else {
        return Err(Error::invalid(
            "--language",
            language.name(),
            "given with one kernel, and with --env if that imports an environment that has what it needs, or with --dump",
            "For example `softq kernels act_step --env cartpole --language msl`.",
        ));
    };
    let bytes = translate(&variant.name(), &variant.text()?, language)?;
    match String::from_utf8(bytes) {
        Ok(text) if language != Language::Spirv => say(out, &text),
        _ => Err(Error::invalid(
            "--language",
            language.name(),
            "a language of text where it is printed",
            "SPIR-V is binary: write it with --dump DIR, and read it with `spirv-dis`.",
        )),
    }
}

/// One row per kernel, in the order of an iteration.
fn table(chosen: &[&'static Kernel], env: Option<&'static Env>) -> String {
    let name_width = chosen.iter().map(|kernel| kernel.name.len()).max().unwrap_or(0);
    let mut text = format!("{:<name_width$}  group  env       buffers\n", "kernel");
    for kernel in chosen {
        let buffers: Vec<String> = kernel
            .bindings
            .iter()
            .map(|binding| {
                let star = if binding.access == Access::ReadWrite { "*" } else { "" };
                format!("{}{star}", binding.name)
            })
            .collect();
        let needs = if kernel.uses_env { needs(kernel.needs) } else { "-" };
        text += &format!(
            "{:<name_width$}  {:>5}  {needs:<8}  {}\n",
            kernel.name,
            kernel.workgroup_size,
            buffers.join(" ")
        );
    }
    let variants = variants(chosen, env).len();
    let with = env.map_or("every built-in environment".to_owned(), |env| env.id.clone());
    text + &format!(
        "\n* is written. {} kernels, {variants} with {with}. `softq kernels KERNEL` shows params, sizes and grid; --dump DIR \
         writes the texts.\n",
        chosen.len()
    )
}

fn needs(needs: Need) -> &'static str {
    match needs {
        Need::Any => "any",
        Need::Discrete => "discrete",
        Need::Continuous => "continuous",
        Need::Draw => "draw",
    }
}

/// WGSL name of an element.
fn element(layout: Layout) -> &'static str {
    match layout {
        Layout::Scalar(Scalar::F32) => "f32",
        Layout::Scalar(Scalar::U32) => "u32",
        Layout::Struct { name, .. } => name,
        Layout::EnvState => "State",
        Layout::EnvParams => "EnvParams",
    }
}

fn fields(layout: Layout) -> Vec<String> {
    match layout {
        Layout::Struct { fields, .. } => {
            fields.iter().map(|field| format!("{}: {}", field.name, scalar(field.scalar))).collect()
        }
        _ => Vec::new(),
    }
}

fn scalar(scalar: Scalar) -> &'static str {
    element(Layout::Scalar(scalar))
}

/// A rule of a declaration on one line.
fn one_line(rule: &str) -> String {
    rule.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Everything about one kernel.
fn page(kernel: &Kernel, env: Option<&'static Env>) -> String {
    let mut text = format!("{}: shaders/{0}.wgsl, src/kernels/{0}.rs\n", kernel.name);
    for line in kernel.source.lines().take_while(|line| line.starts_with("//")) {
        text += &format!("  {}\n", line.trim_start_matches('/').trim());
    }
    text += &format!("\nworkgroup  {} invocations along x\n", kernel.workgroup_size);
    if kernel.uses_env {
        text += &format!("imports    an environment ({})\n", needs(kernel.needs));
    }
    text += &format!("binding 0  read        p: {}\n", element(kernel.params));
    text += &format!("{:23}{}\n", "", fields(kernel.params).join(", "));
    for (index, binding) in kernel.bindings.iter().enumerate() {
        let access = if binding.access == Access::ReadWrite { "read_write" } else { "read" };
        let element = element(binding.element);
        text += &format!("binding {:<2} {access:<10}  {}: array<{element}>\n", index + 1, binding.name);
    }
    let rules = kernel.rules;
    for (title, rule) in
        [("sizes", rules.sizes), ("grid", rules.grid), ("loops", rules.loops), ("work", rules.work)]
    {
        text += &format!("{title:<10} {}\n", one_line(rule));
    }
    if let Some(env) = env.filter(|_| kernel.uses_env) {
        let sizes = EnvSizes::of(Some(env));
        text += &format!(
            "\nwith {}: env.obs {}, env.outputs {}, env.action_words {}, env.loops {}, State of {} words\n",
            env.id, sizes.obs, sizes.outputs, sizes.action_words, sizes.loops, env.state_words
        );
    }
    text + "\nSizes are elements of each binding at least; the numbers of a run are in `softq train ENV --explain`.\n"
}

/// The documented keys of `--json`; see `docs/write-a-kernel.md`.
fn entry(kernel: &Kernel) -> Value {
    let bindings: Vec<Value> = kernel
        .bindings
        .iter()
        .map(|binding| {
            let access = if binding.access == Access::ReadWrite { "read_write" } else { "read" };
            json!({"name": binding.name, "access": access, "element": element(binding.element)})
        })
        .collect();
    json!({
        "name": kernel.name,
        "workgroup_size": kernel.workgroup_size,
        "env": kernel.uses_env.then(|| needs(kernel.needs)),
        "params": fields(kernel.params),
        "bindings": bindings,
        "sizes": one_line(kernel.rules.sizes),
        "grid": one_line(kernel.rules.grid),
        "loops": one_line(kernel.rules.loops),
        "work": one_line(kernel.rules.work),
    })
}
