//! The side that runs mutants, a process of its own: a mutant may hang or lose the device.
//!
//! Reads the number of a mutant per line and answers with a line of JSON.

use std::error::Error;
use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};
use softq::engine::executor::Executor;
use softq::engine::interpret::Interpreted;
use softq::engine::kernel::Kernel;
use softq::engine::variant::Variant;
use softq::gpu;
use softq::interp::sanitizer::Level;
use softq::verify::case::Case;
use softq::verify::check::{run_case, run_twin};
use softq::verify::oracle::Expected;
use softq::verify::{Check, Options, sanitize};

use crate::equivalent;
use crate::target::{Mutant, Target};

/// Cases that the sanitizer watches of a kernel's own file (`softq verify --sanitize` watches as many) and, since a file may be
/// imported by fifty kernels, of each kernel that imports another.
const WATCHED: usize = 25;
const WATCHED_OF_IMPORTERS: usize = 1;

/// Cases of each kernel that imports a file which more than so many kernels do: all of them together are many, and kept in memory.
const CASES_OF_MANY: usize = 25;
const MANY: usize = 10;

/// What became of a mutant.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Verdict {
    /// What told it from the original; `None` if nothing did.
    pub killed_by: Option<String>,
}

/// A case with what it must produce.
struct Judged {
    case: Case,
    twin: Vec<Vec<u32>>,
    expected: Expected,
}

/// Serves mutants until the input ends.
pub fn serve(
    targets: &[Target],
    mutants: &[Mutant],
    device: &str,
    options: &Options,
) -> Result<(), Box<dyn Error>> {
    let choice = gpu::choose(device)?;
    let mut executor = gpu::open(&choice)?;
    // As in tests/kernels.rs: Mesa 22.3's llvmpipe is held to equal bits, other devices to the bounds.
    let exact = choice.adapter.contains("llvmpipe Mesa 22.3");
    let options = Options { exact, ..options.clone() };
    // The references of one target at a time; the mutants of a target come one after the other.
    let mut references: (usize, Vec<Vec<Option<Judged>>>) = (usize::MAX, Vec::new());
    for line in std::io::stdin().lock().lines() {
        let number: usize = line?.trim().parse()?;
        let mutant = mutants.get(number).ok_or("no such mutant")?;
        let target = &targets[mutant.target];
        if references.0 != mutant.target {
            references = (mutant.target, target.checks.iter().map(|_| Vec::new()).collect());
        }
        let text = mutant.edit.as_ref().map_or(target.source, |edit| &edit.source);
        let checks = || {
            let kernels = target
                .checks
                .iter()
                .map(|check| altered(check.kernel, number, target.source_of(check.kernel, text)));
            target.checks.iter().zip(kernels)
        };
        let mut verdict = Verdict { killed_by: None };
        for ((check, kernel), judged) in checks().zip(&mut references.1) {
            let cases = if target.env.is_none() && target.checks.len() > MANY {
                CASES_OF_MANY
            } else {
                options.cases
            };
            let options = Options { cases: cases.min(options.cases), ..options.clone() };
            verdict.killed_by = judge(executor.as_mut(), check, kernel, target.env, judged, &options)?;
            if verdict.killed_by.is_some() {
                break;
            }
        }
        // What leaves the right words on this driver may still be wrong on another, unless it is known not to be. `softq verify
        // --sanitize` watches what is unchanged.
        let unknown = mutant.edit.as_ref().is_some_and(|edit| {
            equivalent::reason(target.name, &edit.original, edit.nth, &edit.mutated).is_none()
        });
        if verdict.killed_by.is_none() && unknown {
            for ((check, kernel), judged) in checks().zip(&references.1) {
                let most = if target.import.is_none() { WATCHED } else { WATCHED_OF_IMPORTERS };
                verdict.killed_by = watch(check, kernel, judged, most)?;
                if verdict.killed_by.is_some() {
                    break;
                }
            }
        }
        println!("{}", serde_json::to_string(&verdict)?);
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// A kernel with another source under another name, since devices keep pipelines by name.
fn altered(kernel: &'static Kernel, number: usize, source: String) -> &'static Kernel {
    Box::leak(Box::new(Kernel {
        name: Box::leak(format!("{}_{number}", kernel.name).into_boxed_str()),
        source: Box::leak(source.into_boxed_str()),
        ..*kernel
    }))
}

/// Whether a case is of the environment that is mutated.
fn concerns(case: &Case, env: Option<&str>) -> bool {
    env.is_none() || case.env.map(|env| env.id.as_str()) == env
}

/// The first fault that the sanitizer finds in the first `most` of the cases.
fn watch(
    check: &Check,
    kernel: &'static Kernel,
    judged: &[Option<Judged>],
    most: usize,
) -> Result<Option<String>, Box<dyn Error>> {
    let cases = judged.iter().enumerate().filter_map(|(index, judged)| Some((index, judged.as_ref()?)));
    for (index, Judged { case, .. }) in cases.take(most) {
        let case = Case { kernel, ..case.clone() };
        let code = Interpreted::of(&Variant { kernel, env: case.env, rule: case.rule })?;
        let (report, _) = sanitize::watch(&code, &case)?;
        let mut faults = report.findings.iter().filter(|finding| {
            finding.level == Level::Error && sanitize::explained(check.kernel.name, finding).is_none()
        });
        if let Some(fault) = faults.next() {
            return Ok(Some(format!("sanitizer: {} case {index}: {}", check.name(), fault.message)));
        }
    }
    Ok(None)
}

fn judge(
    executor: &mut dyn Executor,
    check: &Check,
    kernel: &'static Kernel,
    env: Option<&str>,
    judged: &mut Vec<Option<Judged>>,
    options: &Options,
) -> Result<Option<String>, Box<dyn Error>> {
    for index in 0..options.cases {
        if judged.len() == index {
            let case = check.draw(options.seed, index);
            judged.push(concerns(&case, env).then(|| {
                let (twin, expected) = (run_twin(&case), (check.oracle)(&case));
                Judged { case, twin, expected }
            }));
        }
        let Some(Judged { case, twin, expected }) = &judged[index] else { continue };
        let got = match run_case(executor, &Case { kernel, ..case.clone() }) {
            Ok(got) => got,
            Err(error) => {
                // The device may be beyond use; the next mutant gets a fresh process.
                let verdict = Verdict { killed_by: Some(format!("{} case {index}: {error}", check.name())) };
                println!("{}", serde_json::to_string(&verdict)?);
                std::io::stdout().flush()?;
                std::process::exit(0);
            }
        };
        if got != *twin && !check.accepts(case, index, options, &got, twin, expected) {
            return Ok(Some(format!("{} case {index}", check.name())));
        }
    }
    Ok(None)
}
