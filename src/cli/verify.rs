//! `softq verify`: the correctness of a device as a table, one row per kernel, with the exit status as the verdict.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use softq::config::thousands;
use softq::gpu::{self, Choice};
use softq::verify::conformance::report::Totals;
use softq::verify::{self, Errors, Options, Row, conformance};
use softq::{Error, Result};

use super::sanitize::{Line, text as finding_text};
use super::{json_line, say};

/// Check a device: every kernel against its CPU twin and an f64 reference, gradients, a training run
#[derive(clap::Args, Debug)]
pub struct VerifyArgs {
    /// auto, gpu, cpu, or an address that `softq devices` lists
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Only this kernel or check, by its name in the table
    #[arg(long, value_name = "KERNEL")]
    pub only: Option<String>,
    /// Seed of the cases
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[arg(long, value_name = "N", help = format!("Cases per kernel [default: {}]", Options::default().cases))]
    pub cases: Option<usize>,
    /// Only the case of this number, as a failure names it
    #[arg(long, value_name = "I")]
    pub case: Option<usize>,
    /// Demand floats of equal bits as well, as on software Vulkan
    #[arg(long)]
    pub exact: bool,
    /// Instead, execute every kernel without a device and report races, accesses out of bounds and more; --cases is then 25
    #[arg(long, conflicts_with_all = ["case", "exact", "conformance", "device"])]
    pub sanitize: bool,
    /// Print one JSON line per row and one with the verdict
    #[arg(long)]
    pub json: bool,
    /// Instead, replay a folder of numbers recorded from other implementations; --only then names a file
    #[arg(long, value_name = "DIR", conflicts_with_all = ["case", "exact", "seed", "cases"])]
    pub conformance: Option<PathBuf>,
}

/// The last line of `--json`.
#[derive(Serialize)]
struct Verdict<'a> {
    device: &'a Choice,
    seed: u64,
    passed: usize,
    failed: usize,
}

/// The last line of `--sanitize --json`.
#[derive(Serialize)]
struct Sanitized {
    kernels: usize,
    faults: usize,
}

/// Runs the checks and prints each row as it arrives.
pub fn verify(args: &VerifyArgs, out: &mut dyn Write) -> Result<()> {
    if let Some(folder) = &args.conformance {
        return replay(args, folder, out);
    }
    if args.cases == Some(0) {
        return Err(Error::invalid("cases", 0, "at least 1", "The default is a full set."));
    }
    if args.sanitize {
        return sanitize(args, out);
    }
    let options = Options {
        seed: args.seed,
        cases: args.cases.unwrap_or(Options::default().cases),
        only: args.only.clone(),
        case: args.case,
        exact: args.exact,
    };
    options.check()?;
    let wide = wide();
    let choice = gpu::choose(&args.device)?;
    let mut executor = gpu::open(&choice)?;
    if !args.json {
        let device = format!("device {}: {} ({})\n", choice.address, choice.adapter, choice.reason);
        say(out, &(device + &header(wide)))?;
    }
    let rows = verify::run(&mut *executor, &options, &mut |row| {
        if args.json { json_line(out, row) } else { say(out, &text(row, wide)) }
    })?;
    let failed = rows.iter().filter(|row| !row.passed).count();
    let passed = rows.len() - failed;
    if args.json {
        json_line(out, &Verdict { device: &choice, seed: args.seed, passed, failed })?;
    } else {
        say(out, &summary(&rows))?;
    }
    if failed > 0 {
        return Err(Error::Failed { failed, total: rows.len(), device: choice.address });
    }
    Ok(())
}

/// Cases per kernel under the sanitizer.
const SANITIZED_CASES: usize = 25;

/// Executes every kernel under the sanitizer: a line per kernel, its findings below it.
fn sanitize(args: &VerifyArgs, out: &mut dyn Write) -> Result<()> {
    let cases = args.cases.unwrap_or(SANITIZED_CASES);
    if !args.json {
        say(out, "kernel                       cases  twin        findings\n")?;
    }
    let mut faults = 0;
    let all = verify::sanitize::run(args.only.as_deref(), args.seed, cases, &mut |kernel| {
        if !args.json {
            let twin = if kernel.equal { "equal bits" } else { "DIFFERS" };
            say(
                out,
                &format!("{:<28} {:>5}  {twin}  {:>8}\n", kernel.name, kernel.cases, kernel.findings.len()),
            )?;
        }
        faults += kernel.faults();
        for found in &kernel.findings {
            match args.json {
                true => json_line(out, &Line::of(&found.finding, Some(&kernel.name)))?,
                false => {
                    let text = finding_text(&found.place, found.other_place.as_deref(), &found.finding);
                    let why = found.explained.map(|why| format!("    meant: {why}\n")).unwrap_or_default();
                    say(out, &format!("    case {}: {text}{why}", found.case))?;
                }
            }
        }
        Ok(())
    })?;
    match args.json {
        true => json_line(out, &Sanitized { kernels: all.len(), faults })?,
        false => say(out, &format!("{faults} faults in {} kernels\n", all.len()))?,
    }
    match faults {
        0 => Ok(()),
        faults => Err(Error::Faults { faults, file: "the kernels".into() }),
    }
}

/// Replays recorded numbers: a line per file and the totals.
fn replay(args: &VerifyArgs, folder: &Path, out: &mut dyn Write) -> Result<()> {
    let choice = gpu::choose(&args.device)?;
    let mut executor = gpu::open(&choice)?;
    if !args.json {
        say(out, &format!("device {}: {} ({})\n", choice.address, choice.adapter, choice.reason))?;
    }
    let totals = conformance::run(executor.as_mut(), folder, args.only.as_deref(), &mut |report| {
        if args.json { json_line(out, report) } else { say(out, &format!("{}\n", report.text())) }
    })?;
    let Totals { passed, failed, unsupported } = totals;
    if args.json {
        json_line(out, &totals)?;
    } else {
        say(out, &format!("{passed} passed, {failed} failed, {unsupported} unsupported\n"))?;
    }
    if failed > 0 {
        let (failed, total) = (failed as usize, (passed + failed + unsupported) as usize);
        return Err(Error::Failed { failed, total, device: choice.address });
    }
    if passed == 0 {
        let message = format!(
            "none of its {unsupported} files holds numbers that can be replayed here, so nothing is shown"
        );
        return Err(Error::file("replay", folder, message));
    }
    Ok(())
}

/// Columns at which a row still has room for its bound.
const WIDE: u16 = 110;

/// Whether rows end with their bound: on a terminal that is wide enough, and in a file.
fn wide() -> bool {
    terminal_size::terminal_size().is_none_or(|(columns, _)| columns.0 >= WIDE)
}

/// The line above the rows.
fn header(wide: bool) -> String {
    let bound = if wide { "  bound" } else { "" };
    format!("{:<28} {:>5}  {:>10}  {:>10} {:>5}  verdict{bound}\n", "kernel", "cases", "twin", "f64", "share")
}

/// One row of the table, its failures below it.
fn text(row: &Row, wide: bool) -> String {
    let twin = match &row.twin {
        None => "-".into(),
        Some(Errors { differing: 0, .. }) => "equal bits".into(),
        Some(e) if e.ulp == 0 => number(e.abs),
        Some(e) => format!("{} ulp", thousands(e.ulp)),
    };
    let (oracle, share) = match &row.oracle {
        None => ("-".into(), String::new()),
        Some(Errors { differing: 0, .. }) => ("equal bits".into(), String::new()),
        Some(e) => (number(e.rel), format!("{:.2}", e.share)),
    };
    let bound = match (wide, row.source.as_str()) {
        (false, _) => String::new(),
        (true, "WGSL rules") => format!("     {}", row.bound),
        (true, source) => format!("     {} ({source})", row.bound),
    };
    let verdict = if row.passed { "pass" } else { "FAIL" };
    let mut text =
        format!("{:<28} {:>5}  {twin:>10}  {oracle:>10} {share:>5}  {verdict}{bound}\n", row.name, row.cases);
    if !row.note.is_empty() {
        text += &format!("    {}\n", row.note);
    }
    for failure in &row.failures {
        text += &format!(
            "    {}case {}, against {}: {}[{}] is {}, should be {} within {:e}; {} such words\n      inputs: {}\n      \
             repeat: {}\n",
            row.file.as_ref().map_or(String::new(), |file| format!("{file}, ")),
            failure.case,
            failure.reference,
            failure.binding,
            failure.index,
            failure.got,
            failure.want,
            failure.allowed,
            failure.failing,
            failure.inputs,
            failure.command
        );
    }
    text
}

fn number(value: f64) -> String {
    if value == 0.0 { "0".into() } else { format!("{value:.1e}") }
}

fn summary(rows: &[Row]) -> String {
    let left_out: u64 = rows.iter().map(|row| row.left_out).sum();
    let words: u64 = rows.iter().filter_map(|row| row.oracle.or(row.twin)).map(|errors| errors.words).sum();
    let failed = rows.iter().filter(|row| !row.passed).count();
    format!(
        "twin: distance from the CPU twin; f64: largest relative error against the f64 reference, over words that keep\n\
         three digits under their bound; share: the worst error over the error allowed.\n{} words compared, {} left out (choices within their margin, infinities).\n\
         {} of {} checks passed.\n",
        thousands(words),
        thousands(left_out),
        rows.len() - failed,
        rows.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(only: &str) -> VerifyArgs {
        VerifyArgs {
            device: "cpu".into(),
            only: Some(only.into()),
            seed: 0,
            cases: Some(2),
            case: None,
            exact: false,
            sanitize: false,
            json: false,
            conformance: None,
        }
    }

    #[test]
    fn a_row_per_kernel_and_a_verdict() {
        let mut out = Vec::new();
        verify(&args("td_error"), &mut out).expect("the twin is right");
        let text = String::from_utf8(out).expect("text");
        assert!(text.contains("td_error") && text.contains("pass"), "{text}");
        assert!(text.ends_with("1 of 1 checks passed.\n"), "{text}");
    }

    #[test]
    fn json_is_a_line_per_row_and_one_for_the_verdict() {
        let mut out = Vec::new();
        verify(&VerifyArgs { json: true, ..args("probe_rng") }, &mut out).expect("the twin is right");
        let text = String::from_utf8(out).expect("text");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["name"], &lines[0]["passed"]), (&"probe_rng".into(), &true.into()));
        assert_eq!((&lines[1]["passed"], &lines[1]["failed"]), (&1.into(), &0.into()));
    }

    #[test]
    fn wrong_names_and_counts_are_usage_errors() {
        let error = verify(&args("dense_forwad"), &mut Vec::new()).expect_err("no such kernel");
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("Did you mean 'dense_forward'?"), "{error}");
        let none = VerifyArgs { cases: Some(0), ..args("td_error") };
        assert_eq!(verify(&none, &mut Vec::new()).expect_err("no cases").exit_code(), 2);
    }

    #[test]
    fn a_failure_shows_where_and_how_to_repeat_it() {
        let failure = softq::verify::Failure {
            reference: "twin",
            case: 7,
            inputs: "Params { batch: 3 }".into(),
            binding: "y".into(),
            index: 2,
            got: "1e0".into(),
            want: "2e0".into(),
            allowed: 1e-6,
            failing: 4,
            command: "softq verify --only dense_forward --seed 0 --case 7".into(),
        };
        let row = Row {
            name: "dense_forward".into(),
            file: Some("shaders/dense_forward.wgsl".into()),
            cases: 30,
            twin: Some(Errors { differing: 4, ulp: 9, ..Errors::default() }),
            oracle: None,
            left_out: 0,
            bound: "b".into(),
            source: "s".into(),
            passed: false,
            failures: vec![failure],
            note: String::new(),
        };
        for (wide, columns) in [(false, 80), (true, 120)] {
            let first = text(&row, wide).lines().next().map_or(0, str::len);
            assert!(first <= columns && header(wide).len() <= columns, "{first}");
        }
        let text = text(&row, true);
        for part in [
            "FAIL",
            "shaders/dense_forward.wgsl, case 7",
            "y[2] is 1e0, should be 2e0 within 1e-6",
            "repeat: softq verify --only",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
