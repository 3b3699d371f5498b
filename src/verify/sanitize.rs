//! Every kernel under the sanitizer, over the cases of its check.
//!
//! ```
//! use softq::interp::sanitizer::Kind;
//! use softq::verify::sanitize::{Found, Sanitized, explained, run};
//!
//! // The last of these cases holds 1e20 on purpose, whose square is infinite.
//! let all: Vec<Sanitized> = run(Some("grad_norm"), 0, 8, &mut |_| Ok(()))?;
//! assert!(all[0].equal && all[0].faults() == 0);
//! let overflows = |found: &&Found| found.finding.kind == Kind::NonFinite;
//! let found = all[0].findings.iter().find(overflows).expect("an infinity");
//! assert!(found.place.starts_with("shaders/grad_norm.wgsl:"));
//! assert!(found.explained.is_some() && found.explained == explained("grad_norm", &found.finding));
//! assert_eq!(explained("adam", &found.finding), None);
//! # Ok::<(), softq::Error>(())
//! ```

use crate::engine::compose::compose;
use crate::engine::interpret::Interpreted;
use crate::engine::threads;
use crate::engine::variant::Variant;
use crate::error::{Error, Result};
use crate::interp::machine::Limits;
use crate::interp::sanitizer::{Finding, Kind, Level, Report};
use crate::verify::case::{Case, READ_SENTINEL, SENTINEL};
use crate::verify::{Check, checks};

/// Loop iterations of an invocation that no kernel comes near to. What a kernel declares leaves out loops of a fixed length, which
/// compilers unroll; the tests of the declarations count the others.
const MANY: u64 = 1 << 22;

/// Faults that are meant, with the reason: a kernel, what was found, and why.
const EXPLAINED: &[(&str, Kind, &str)] = &[(
    "grad_norm",
    Kind::NonFinite,
    "some cases hold gradients whose squares overflow on purpose; the kernel reports that in `nonfinite`",
)];

/// Why a finding in a kernel is meant, if it is.
pub fn explained(kernel: &str, finding: &Finding) -> Option<&'static str> {
    let meant = EXPLAINED.iter().find(|(name, kind, _)| *name == kernel && *kind == finding.kind);
    meant.map(|(_, _, why)| *why)
}

/// A finding in a kernel.
#[derive(Clone, Debug)]
pub struct Found {
    /// The first case that showed it.
    pub case: usize,
    /// File and line, as `shaders/adam.wgsl:12`.
    pub place: String,
    /// The same of the other access or barrier.
    pub other_place: Option<String>,
    /// The finding; its lines are those of the composed text.
    pub finding: Finding,
    /// Why it is meant, if it is.
    pub explained: Option<&'static str>,
}

/// What was found in one kernel, over all its cases.
#[derive(Clone, Debug, Default)]
pub struct Sanitized {
    /// The check's name.
    pub name: String,
    /// Cases executed.
    pub cases: usize,
    /// Findings.
    pub findings: Vec<Found>,
    /// Whether every case left the bits of the CPU twin.
    pub equal: bool,
}

impl Sanitized {
    /// Faults that are not meant; bits that differ from the twin's are one.
    pub fn faults(&self) -> usize {
        let faults = self
            .findings
            .iter()
            .filter(|found| found.finding.level == Level::Error && found.explained.is_none());
        faults.count() + usize::from(!self.equal)
    }
}

/// Runs `cases` cases of each check whose name or kernel is `only`, in parallel, and hands out each result in order.
pub fn run(
    only: Option<&str>,
    seed: u64,
    cases: usize,
    on: &mut dyn FnMut(&Sanitized) -> Result<()>,
) -> Result<Vec<Sanitized>> {
    let mut all = Vec::new();
    for check in checks() {
        if only.is_none_or(|only| only == check.name() || only == check.kernel.name) {
            let sanitized = check_of(check, seed, cases)?;
            on(&sanitized)?;
            all.push(sanitized);
        }
    }
    if all.is_empty() {
        let kernels = checks().iter().map(|check| check.kernel.name.to_owned());
        let names: Vec<String> = checks().iter().map(Check::name).chain(kernels).collect();
        return Err(Error::unknown("kernel", only.unwrap_or_default(), names.iter().map(String::as_str)));
    }
    Ok(all)
}

/// What was found in a case, and whether it left the bits of the twin.
type Outcome = (Report, bool);

fn check_of(check: &Check, seed: u64, cases: usize) -> Result<Sanitized> {
    let mut results: Vec<(usize, Option<Result<Outcome>>)> = (0..cases).map(|index| (index, None)).collect();
    threads::any_order(results.iter_mut().collect(), |(index, result)| {
        *result = Some(case_of(check, seed, *index));
    });
    let mut all = Sanitized { name: check.name(), cases, findings: Vec::new(), equal: true };
    for (index, result) in results {
        let Some(result) = result else { continue };
        let (report, equal) = result?;
        all.equal &= equal;
        for finding in report.findings {
            let same = |known: &Finding| {
                (known.kind, known.line, known.other_line) == (finding.kind, finding.line, finding.other_line)
            };
            match all.findings.iter_mut().find(|known| same(&known.finding)) {
                // A note that another case makes a fault of is one.
                Some(known) if known.finding.level <= finding.level => known.finding.count += finding.count,
                before => {
                    let place = |line| place(check, seed, index, line);
                    let (place, other_place) =
                        (place(finding.line)?, finding.other_line.map(place).transpose()?);
                    let explained = explained(check.kernel.name, &finding);
                    let found = Found { case: index, place, other_place, finding, explained };
                    match before {
                        Some(note) => {
                            let count = note.finding.count;
                            *note = found;
                            note.finding.count += count;
                        }
                        None => all.findings.push(found),
                    }
                }
            }
        }
    }
    Ok(all)
}

/// Where a line of the composed text comes from.
fn place(check: &Check, seed: u64, index: usize, line: u32) -> Result<String> {
    let case = check.draw(seed, index);
    let composed = compose(case.kernel, case.env, case.rule)?;
    Ok(composed.origin(line).map_or_else(|| format!("line {line}"), |(file, line)| format!("{file}:{line}")))
}

/// One case: what was found, and whether it left the twin's bits.
fn case_of(check: &Check, seed: u64, index: usize) -> Result<Outcome> {
    let case = check.draw(seed, index);
    let code = Interpreted::of(&Variant { kernel: case.kernel, env: case.env, rule: case.rule })?;
    let (report, memory) = watch(&code, &case)?;
    Ok((report, memory == crate::verify::check::run_twin(&case)))
}

/// Executes a case with a kernel's code, which may be a changed one. Words that still hold a sentinel count as written by nobody.
///
/// ```
/// use softq::engine::interpret::Interpreted;
/// use softq::engine::variant::Variant;
/// use softq::interp::sanitizer::Kind;
/// use softq::kernels::join_heads::{KERNEL, Params};
/// use softq::verify::case::Case;
/// use softq::verify::sanitize::watch;
///
/// let mut case = Case::new(&KERNEL, None, Params { rows: 1, heads: 2 }, "");
/// case.set("targets", &[1.0f32, 4.0]);
/// let text = Variant { kernel: &KERNEL, env: None, rule: None }.text()?;
/// // A mean of one head too many reads what nobody has written.
/// let mutant = Interpreted::of_text("mutant".into(), text.replace("head < p.heads", "head <= p.heads"))?;
/// let (report, _) = watch(&mutant, &case)?;
/// assert_eq!(report.findings[0].kind, Kind::Uninitialized);
/// # Ok::<(), softq::Error>(())
/// ```
pub fn watch(code: &Interpreted, case: &Case) -> Result<(Report, Vec<Vec<u32>>)> {
    let (_, recording) = case.record()?;
    let dispatch = &recording.dispatches[0];
    let mut memory = case.bindings.clone();
    let limits = Limits { iterations: MANY, fuel: u64::MAX };
    let report = code.watch(&case.params, &mut memory, dispatch.grid, limits, &[SENTINEL, READ_SENTINEL]);
    Ok((report, memory))
}
