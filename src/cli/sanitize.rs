//! `softq sanitize`: a compute shader of anybody's, executed under the sanitizer.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use softq::config::counted;
use softq::files;
use softq::interp::machine::Limits;
use softq::interp::sanitizer::{Finding, Level};
use softq::verify::shader::{self, Buffer, Fill, Inputs};
use softq::{Error, Result};

use super::{json_line, say};

/// Arguments of `softq sanitize`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Reports data races inside a workgroup and between workgroups, accesses out of bounds, barriers that not \
                        all invocations reach, reads of memory that nobody wrote, loops that do not end, numbers that stop being \
                        finite, and indices that wrap around. docs/sanitizer.md says what each means.\n\n\
                        Exit status: 0 nothing found (notes are allowed), 1 a fault was found, 2 the file is not valid WGSL or \
                        uses what the interpreter does not know.\n\n\
                        Examples:\n  softq sanitize reduce.wgsl --groups 4,1,1 --buffer input=1024 --fill random:1\n  \
                        softq sanitize reduce.wgsl --inputs reduce.toml --json"
)]
pub struct SanitizeArgs {
    /// The WGSL file
    #[arg(value_name = "FILE.wgsl")]
    file: PathBuf,
    /// The entry point, where there are several
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,
    /// Workgroups along x, y, z [default: 2,1,1]
    #[arg(long, value_name = "X,Y,Z", value_parser = groups)]
    groups: Option<[u32; 3]>,
    /// Length of a buffer in words of 4 bytes; one that the text leaves open has an element per invocation; may be repeated
    #[arg(long, value_name = "NAME=WORDS", value_parser = length)]
    buffer: Vec<(String, u64)>,
    /// What buffers hold: zero, index, random or random:SEED (floats in [0, 1), whole numbers 0 to 255) [default: index]
    #[arg(long, value_name = "FILL", value_parser = fill)]
    fill: Option<Fill>,
    /// A TOML file with entry, groups, fill, [buffers.NAME] (words, fill, f32, u32, i32, output) and [overrides]
    #[arg(long, value_name = "FILE.toml")]
    inputs: Option<PathBuf>,
    /// Loop iterations of one invocation that are too many; at this number Mesa's software driver silently stops
    #[arg(long, value_name = "N", default_value_t = 65_535)]
    loop_cap: u64,
    /// Loop iterations and calls of all invocations, after which the run ends
    #[arg(long, value_name = "N", default_value_t = 20_000_000)]
    fuel: u64,
    /// Print one JSON object per finding
    #[arg(long)]
    json: bool,
}

fn groups(text: &str) -> std::result::Result<[u32; 3], String> {
    let parts: Vec<u32> = text.split(',').map_while(|part| part.trim().parse().ok()).collect();
    match (text.split(',').count(), &parts[..]) {
        (3, [x, y, z]) => Ok([*x, *y, *z]),
        (2, [x, y]) => Ok([*x, *y, 1]),
        (1, [x]) => Ok([*x, 1, 1]),
        _ => Err("it must be one to three whole numbers, such as 2,1,1".into()),
    }
}

fn length(text: &str) -> std::result::Result<(String, u64), String> {
    let (name, words) = text.split_once('=').ok_or("it must be NAME=WORDS, such as data=256")?;
    let words = words.trim().parse().map_err(|_| "WORDS must be a whole number, such as data=256")?;
    Ok((name.trim().to_owned(), words))
}

fn fill(text: &str) -> std::result::Result<Fill, String> {
    Fill::try_from(text.to_owned()).map_err(|error| error.to_string())
}

/// One line of `--json`.
#[derive(Serialize)]
pub struct Line<'a> {
    kind: &'static str,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<&'a str>,
    line: u32,
    other_line: Option<u32>,
    variable: Option<&'a str>,
    invocation: [u32; 3],
    other_invocation: Option<[u32; 3]>,
    message: &'a str,
    count: u64,
}

impl<'a> Line<'a> {
    /// Of a finding, perhaps in a kernel.
    pub fn of(finding: &'a Finding, kernel: Option<&'a str>) -> Line<'a> {
        Line {
            kind: finding.kind.name(),
            level: finding.level.name(),
            kernel,
            line: finding.line,
            other_line: finding.other_line,
            variable: finding.variable.as_deref(),
            invocation: finding.invocation,
            other_invocation: finding.other_invocation,
            message: &finding.message,
            count: finding.count,
        }
    }
}

/// A finding as text.
pub fn text(place: &str, other: Option<&str>, finding: &Finding) -> String {
    let [x, y, z] = finding.invocation;
    let often = if finding.count > 1 { format!(", {} times", finding.count) } else { String::new() };
    let other = other.map(|other| format!("\n    the other side: {other}")).unwrap_or_default();
    format!(
        "{place}: {}: {}: {} (invocation {x}, {y}, {z}{often}){other}\n",
        finding.level.name(),
        finding.kind.name().replace('_', " "),
        finding.message
    )
}

/// Runs the command.
pub fn sanitize(args: &SanitizeArgs, out: &mut dyn Write) -> Result<()> {
    let source = read(&args.file)?;
    let mut inputs = match &args.inputs {
        Some(path) => Inputs::parse(path, &read(path)?)?,
        None => Inputs::default(),
    };
    inputs.entry = args.entry.clone().or(inputs.entry);
    inputs.groups = args.groups.or(inputs.groups);
    inputs.fill = args.fill.or(inputs.fill);
    for (name, words) in &args.buffer {
        let buffer = inputs.buffers.entry(name.clone()).or_insert_with(Buffer::default);
        buffer.words = Some(*words);
    }
    let limits = Limits { iterations: args.loop_cap, fuel: args.fuel };
    let file = args.file.display().to_string();
    let report = shader::sanitize(&file, &source, &inputs, limits)?;
    for finding in &report.findings {
        match args.json {
            true => json_line(out, &Line::of(finding, None))?,
            false => {
                let place = |line: u32| format!("{file}:{line}");
                say(out, &text(&place(finding.line), finding.other_line.map(place).as_deref(), finding))?;
            }
        }
    }
    let faults = report.findings.iter().filter(|finding| finding.level == Level::Error).count();
    if !args.json {
        let notes = report.findings.len() - faults;
        say(out, &format!("{}, {}\n", counted(faults, "fault"), counted(notes, "note")))?;
    }
    if faults > 0 {
        return Err(Error::Faults { faults, file });
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    let bytes = files::read(path, files::MOST_TEXT).map_err(|error| Error::file("read", path, error))?;
    String::from_utf8(bytes).map_err(|_| Error::file("read", path, "it is no UTF-8 text"))
}
