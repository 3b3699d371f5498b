//! `softq bench`: times what a device does, and checks what it timed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::ValueEnum;
use indicatif::ProgressBar;
use softq::bench::suite::Outcome;
use softq::bench::{self, Identity, Options, Quiet, Record, Row, SCHEMA, Suite, Verdict, output};
use softq::error::{Error, Result};
use softq::gpu::{self, Choice};
use softq::report::picture::Format;
use softq::report::roofline::{Point, write_roofline};
use softq::verify;

use super::system::unwritable;
use super::{progress_line, put, say, signals};

/// Arguments of `softq bench`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  softq bench --suite quick\n  softq bench --only dense_forward --device cpu\n  \
                        softq bench -o json > before.json\n  softq bench --compare before.json --fail-below 0.95\n  \
                        softq bench --suite device -o json > my_gpu.json    # a file for docs/bench"
)]
pub struct BenchArgs {
    /// quick (seconds), standard (up to three minutes on two cores), or device (what a submission holds, with `softq verify`)
    #[arg(long, default_value = "standard", value_name = "SUITE")]
    suite: String,
    /// Only roofline, kernel, environment or training, or rows of this name
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// auto, gpu, cpu, or an address that `softq devices` lists
    #[arg(long, default_value = "auto")]
    device: String,
    /// Samples of each row
    #[arg(long, short, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeats: u32,
    /// Form of the rows
    #[arg(long, short, default_value = "md", value_enum)]
    output: Form,
    /// An earlier run's JSON, to be compared with
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// With --compare: fail if a row is less than this many times as fast, below 1 only where its samples lie apart from the earlier ones
    #[arg(long, value_name = "X", default_value_t = 0.0, requires = "compare", value_parser = least)]
    fail_below: f64,
    /// Draw the kernels below the device's limits
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A table
    Md,
    /// Comma-separated values
    Csv,
    /// One object: a file for --compare and for docs/bench
    Json,
}

fn least(text: &str) -> std::result::Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number >= 0.0 && number.is_finite());
    number.ok_or_else(|| "a number from 0 on, such as 0.95, is asked for".into())
}

/// Runs the command.
pub fn bench(args: &BenchArgs, out: &mut dyn Write) -> Result<()> {
    let options =
        Options { suite: Suite::find(&args.suite)?, repeats: args.repeats as usize, only: args.only.clone() };
    // Before minutes are spent.
    options.check()?;
    let old = args.compare.as_deref().map(Record::read).transpose()?;
    if let Some(path) = &args.svg {
        Format::of(path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        unwritable(folder).map_or(Ok(()), |why| Err(Error::file("write", path, why)))?;
    }
    let quiet = Quiet::now();
    let choice = gpu::choose(&args.device)?;
    let mut executor = gpu::open(&choice)?;
    let identity = identity(&choice);
    match args.output {
        Form::Md => say(out, &format!("{}\n\n{}", identity.line(), output::markdown_head()))?,
        Form::Csv => put(out, &output::csv_head())?,
        Form::Json => {}
    }
    let mut rows = Vec::new();
    let stop = signals::watch();
    // The other forms show their rows.
    let bar = if args.output == Form::Json { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let timed = bench::run(&mut *executor, &options, &mut |row: Row| {
        bar.set_message(format!("{} rows, the last {} ({})", rows.len() + 1, row.name, row.shape));
        bar.tick();
        match args.output {
            Form::Md => say(out, &output::markdown(&row, &identity))?,
            Form::Csv => put(out, &output::csv(&row, &identity))?,
            Form::Json => {}
        }
        rows.push(row);
        goes_on(&stop)
    });
    let verify = match options.suite == Suite::Device && options.only.is_none() && timed.is_ok() {
        true => verify::run(&mut *executor, &Default::default(), &mut |_| goes_on(&stop))
            .map(|rows| Some(Verdict::of(&rows))),
        false => Ok(None),
    };
    bar.finish_and_clear();
    // An error does not take what there is with it.
    let (outcome, verdict, error) = match (timed, verify) {
        (Ok(outcome), Ok(verdict)) => (outcome, verdict, None),
        (Ok(outcome), Err(error)) => (outcome, None, Some(error)),
        (Err(error), _) => (Outcome::default(), None, Some(error)),
    };
    let mut left_out = outcome.left_out;
    left_out.extend(error.as_ref().map(|error| format!("what would have followed: {error}")));
    let record = Record {
        schema: SCHEMA.into(),
        date: bench::record::today(),
        suite: options.suite.name().into(),
        identity,
        quiet,
        rows,
        left_out,
        verify: verdict,
    };
    if args.output == Form::Json && !(error.is_some() && record.rows.is_empty()) {
        let text =
            serde_json::to_string_pretty(&record).map_err(|e| Error::file("write", "standard output", e))?;
        put(out, &format!("{text}\n"))?;
    }
    if let Some(error) = error {
        return Err(error);
    }
    if let Some(path) = &args.svg {
        draw(path, &record, &outcome.limits)?;
    }
    let mut notes = record.left_out.iter().map(|row| format!("left out: {row}")).collect::<Vec<_>>();
    notes.extend(record.quiet.note(&record.rows));
    notes.iter().for_each(|note| progress_line::warn(note));
    judge(args, &record, old.as_ref(), out)
}

/// An error as soon as a signal has come.
fn goes_on(stop: &AtomicUsize) -> Result<()> {
    match stop.load(Ordering::Relaxed) {
        0 => Ok(()),
        signal => {
            let goes_on = "The rows so far are told.".into();
            Err(Error::Interrupted { signal, env_steps: None, kept: String::new(), goes_on })
        }
    }
}

/// Fails the command where a row is wrong, verification found something, or a row is slower than it may be.
fn judge(args: &BenchArgs, record: &Record, old: Option<&Record>, out: &mut dyn Write) -> Result<()> {
    let mut wrong = Vec::new();
    for row in record.rows.iter().filter(|row| !row.passed) {
        wrong.push(format!("{} ({}): {}", row.name, row.shape, row.checked));
    }
    if let Some(verdict) = record.verify.as_ref().filter(|verdict| verdict.failed > 0) {
        wrong.push(format!("{} checks of `softq verify` failed", verdict.failed));
    }
    if let Some(old) = old {
        let (changes, alone) = output::compare(&record.rows, old);
        let mut text = format!("\nBeside {} ({}):\n\n", old.identity.line(), old.date);
        text += &output::comparison(&changes, args.fail_below);
        if alone > 0 {
            text +=
                &format!("\n{alone} rows are in one of the two alone, or were wrong in the earlier one.\n");
        }
        match args.output {
            Form::Md => say(out, &text)?,
            // Behind the data it would be none.
            Form::Csv | Form::Json => say(&mut std::io::stderr(), &text)?,
        }
        let differs = record.identity.differs_from(&old.identity);
        if !differs.is_empty() {
            progress_line::warn(&format!(
                "The earlier file is of another {}: what differs is not the change alone.",
                differs.join(", ")
            ));
        }
        let single = changes.iter().filter(|change| change.single).count();
        if single > 0 && args.fail_below > 0.0 && args.fail_below <= 1.0 {
            progress_line::warn(&format!(
                "{single} rows are of one sample, now or then, so that no loss of theirs counts; -r 3 takes three."
            ));
        }
        if changes.is_empty() {
            wrong.push("no row is also right in the earlier file".into());
        }
        let slower = changes.iter().filter(|change| change.is_slower(args.fail_below));
        wrong.extend(slower.map(|change| {
            let name = format!("{} ({})", change.row.name, change.row.shape);
            format!("{name} is {:.2} times as fast, {} is asked for", change.speed_up, args.fail_below)
        }));
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Error::Benchmark { message: wrong.join("; "), device: record.identity.device.clone() }),
    }
}

/// This program on the device of a choice.
fn identity(choice: &Choice) -> Identity {
    let here =
        Identity { device: choice.address.clone(), adapter: choice.adapter.clone(), ..Identity::here() };
    match gpu::adapters().into_iter().find(|adapter| adapter.address == choice.address) {
        Some(adapter) => Identity {
            adapter: adapter.name,
            backend: adapter.backend,
            driver: format!("{} {}", adapter.driver, adapter.driver_info).trim().to_owned(),
            ..here
        },
        None => Identity { backend: "cpu".into(), ..here },
    }
}

/// The roofline picture.
fn draw(path: &Path, record: &Record, limits: &bench::roofline::Limits) -> Result<()> {
    let points = record.rows.iter().filter_map(|row| {
        let per_byte = row.operations? as f64 / row.bytes?.max(1) as f64;
        Some(Point { label: row.name.clone(), per_byte, gflops: row.gflops? })
    });
    let roofs: Vec<f64> = limits.copies.iter().map(|(_, rate)| 1e-9 * rate).collect();
    let title = record.identity.line();
    let points: Vec<Point> = points.collect();
    write_roofline(path, &title, 1e-9 * limits.operations_per_s, &roofs, &points)
}
