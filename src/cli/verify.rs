//! `softq verify`: recorded numbers of other implementations, replayed on a device.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use softq::verify::conformance;
use softq::{Result, gpu};

use super::{json_line, say};

/// Replay recorded numbers of other implementations on a device and compare
#[derive(clap::Args, Debug)]
pub struct VerifyArgs {
    /// Folder of recorded cases; folders below it are searched too
    #[arg(long, value_name = "DIR")]
    pub conformance: PathBuf,
    /// Where to run: auto, gpu, cpu, or an address that `softq devices` lists
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// One JSON object per file, then the totals
    #[arg(long)]
    pub json: bool,
    /// Only this file, by name with or without extension; else all files whose path contains it
    #[arg(long, value_name = "FILE")]
    pub only: Option<String>,
}

/// Prints a line per file and the totals; the status is 1 when a file failed.
pub fn verify(args: &VerifyArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let choice = gpu::choose(&args.device)?;
    let mut executor = gpu::open(&choice)?;
    if !args.json {
        say(out, &format!("device {} ({}): {}\n", choice.address, choice.adapter, choice.reason))?;
    }
    let only = args.only.as_deref();
    let totals = conformance::run(executor.as_mut(), &args.conformance, only, &mut |report| {
        if args.json { json_line(out, report) } else { say(out, &format!("{}\n", report.text())) }
    })?;
    if args.json {
        json_line(out, &totals)?;
    } else {
        let conformance::report::Totals { passed, failed, unsupported } = totals;
        say(out, &format!("{passed} passed, {failed} failed, {unsupported} unsupported\n"))?;
    }
    Ok(if totals.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
