//! Do the tests bite? Puts one fault at a time into each kernel's WGSL and counts how many the cases of `softq verify` find.
//!
//! `cargo run --release --example mutants -- [--seed N] [--per-kernel N] [--only NAME] [--cases N] [--device gpu]
//! [--jobs N] [--timeout SECONDS] [--cooperating] [--json]`
//!
//! A mutant is one WGSL file with one token changed (`mutate.rs`) that still validates and compiles to other code. It runs
//! over the cases of its kernel, or, for a shared file, of every kernel that imports it, and is killed when one case is
//! beyond the bounds that the test suite uses, when it stops answering or when it loses the device. What is left then runs in
//! the interpreter, where the sanitizer looks for races, accesses out of bounds and the like (`softq verify --sanitize`).
//! Modules are built with wgpu's bounds checks, so a wrong index cannot reach other memory. The unchanged file runs first and
//! must pass. `--cooperating` takes all barriers and indices of the kernels whose invocations share workgroup memory, and no
//! other fault; 99% of those must be killed.
//! Mutants that nothing can tell from the original are listed with the reason in `equivalent.rs`.

mod equivalent;
mod mutate;
mod target;
mod worker;

use std::collections::VecDeque;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use softq::verify::Options;
use target::{Mutant, Target, targets};
use worker::Verdict;

/// Percentage of the mutants that are not equivalent which must be killed.
const BAR: f64 = 95.0;

/// The same of barriers and indices in kernels with workgroup memory.
const COOPERATING_BAR: f64 = 99.0;

/// The command line.
struct Args {
    seed: u64,
    per_kernel: usize,
    only: Option<String>,
    cases: usize,
    device: String,
    jobs: usize,
    timeout: Duration,
    cooperating: bool,
    json: bool,
    worker: bool,
}

fn parse() -> Result<Args, Box<dyn Error>> {
    let mut parsed = Args {
        seed: 0,
        per_kernel: 6,
        only: None,
        cases: Options::default().cases,
        device: "gpu".into(),
        jobs: 2,
        timeout: Duration::from_secs(60),
        cooperating: false,
        json: false,
        worker: false,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--seed" => parsed.seed = value()?.parse()?,
            "--per-kernel" => parsed.per_kernel = value()?.parse()?,
            "--only" => parsed.only = Some(value()?),
            "--cases" => parsed.cases = value()?.parse()?,
            "--device" => parsed.device = value()?,
            "--jobs" => parsed.jobs = value()?.parse::<usize>()?.max(1),
            "--timeout" => parsed.timeout = Duration::from_secs(value()?.parse()?),
            "--cooperating" => parsed.cooperating = true,
            "--json" => parsed.json = true,
            "--worker" => parsed.worker = true,
            _ => return Err(format!("'{arg}' is no option; see the head of examples/mutants/main.rs").into()),
        }
    }
    Ok(parsed)
}

/// Mutants of one file in the table.
#[derive(Default)]
struct Tally {
    killed: usize,
    survived: usize,
    equivalent: usize,
}

impl Tally {
    fn share(&self) -> f64 {
        let counted = self.killed + self.survived;
        if counted == 0 { 100.0 } else { 100.0 * self.killed as f64 / counted as f64 }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = parse()?;
    let started = Instant::now();
    let targets = targets();
    let wanted = |target: &Target| {
        args.only.as_deref().is_none_or(|only| only == target.name)
            && (!args.cooperating || target.source.contains("var<workgroup>"))
    };
    if !targets.iter().any(wanted) {
        let names: Vec<_> = targets.iter().map(|target| target.name).collect();
        let cooperating = if args.cooperating { ", with workgroup memory" } else { "" };
        return Err(format!("--only takes one of {}{cooperating}", names.join(", ")).into());
    }
    let mut mutants = Vec::new();
    let mut candidates = 0;
    for (number, target) in targets.iter().enumerate().filter(|(_, target)| wanted(target)) {
        let (edits, total) = match args.cooperating {
            true => target.choose(args.seed, usize::MAX, &["barrier", "index"]),
            false => target.choose(args.seed, args.per_kernel, &[]),
        };
        if total > 0 && edits.is_empty() && !target.checks.is_empty() {
            let file = &target.file;
            return Err(format!(
                "{file}: none of its {total} faults compiles in every kernel that imports it; see `code` in target.rs, which \
                 picks the environment and the rule of each"
            )
            .into());
        }
        candidates += total;
        mutants.push(Mutant { target: number, edit: None });
        mutants.extend(edits.into_iter().map(|edit| Mutant { target: number, edit: Some(edit) }));
    }
    if args.worker {
        let options = Options { cases: args.cases, ..Options::default() };
        return worker::serve(&targets, &mutants, &args.device, &options);
    }
    let verdicts = run(&args, &targets, &mutants)?;
    report(&args, &targets, &mutants, &verdicts, candidates, started)
}

/// Runs all mutants in `jobs` child processes.
fn run(args: &Args, targets: &[Target], mutants: &[Mutant]) -> Result<Vec<Verdict>, Box<dyn Error>> {
    // The mutants of one file stay together: a worker computes the references of a file once.
    let mut files: VecDeque<Vec<usize>> = VecDeque::new();
    for (number, mutant) in mutants.iter().enumerate() {
        match files.back_mut() {
            Some(file) if mutants[file[0]].target == mutant.target => file.push(number),
            _ => files.push_back(vec![number]),
        }
    }
    let queue = Mutex::new(files);
    let verdicts = Mutex::new(vec![Verdict { killed_by: None }; mutants.len()]);
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..args.jobs)
            .map(|_| {
                scope.spawn(|| -> Result<(), String> {
                    let mut process = None;
                    loop {
                        let Some(file) = lock(&queue).pop_front() else { return Ok(()) };
                        let begun = Instant::now();
                        let (target, count) = (targets[mutants[file[0]].target].name, file.len() - 1);
                        for number in file {
                            // The original comes first, and the references with it.
                            let patience = if mutants[number].edit.is_none() { 10 } else { 1 };
                            let verdict = ask(&mut process, number, patience * args.timeout)
                                .map_err(|e| e.to_string())?;
                            lock(&verdicts)[number] = verdict;
                        }
                        eprintln!("{target}: {count} mutants in {:.1} s", begun.elapsed().as_secs_f64());
                    }
                })
            })
            .collect();
        for job in jobs {
            job.join().map_err(|_| "a job panicked")??;
        }
        Ok::<(), Box<dyn Error>>(())
    })?;
    Ok(verdicts.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A child that answers numbers with verdicts.
struct Process {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
}

impl Process {
    fn start() -> Result<Process, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(std::env::args().skip(1))
            .arg("--worker")
            .env("SOFTQ_CHECKED", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("no pipe to the worker")?;
        let output = child.stdout.take().ok_or("no pipe from the worker")?;
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Process { child, input, answers })
    }
}

/// The verdict on one mutant. A worker that dies or stays silent is replaced, and the mutant counts as killed.
fn ask(process: &mut Option<Process>, number: usize, timeout: Duration) -> Result<Verdict, Box<dyn Error>> {
    // A worker that answered and left, as after a lost device, fails at the write; a fresh one must not.
    for _ in 0..2 {
        let alive = match process.as_mut() {
            Some(worker) => worker.child.try_wait()?.is_none(),
            None => false,
        };
        let mut worker = match process.take() {
            Some(worker) if alive => worker,
            _ => Process::start()?,
        };
        if writeln!(worker.input, "{number}").and_then(|()| worker.input.flush()).is_err() {
            worker.child.wait()?;
            continue;
        }
        return Ok(match worker.answers.recv_timeout(timeout) {
            Ok(answer) => {
                *process = Some(worker);
                serde_json::from_str(&answer)?
            }
            Err(error) => {
                let _ = worker.child.kill();
                let status = worker.child.wait()?;
                Verdict { killed_by: Some(format!("no answer: {error}, {status}")) }
            }
        });
    }
    Err("the worker does not start".into())
}

fn report(
    args: &Args,
    targets: &[Target],
    mutants: &[Mutant],
    verdicts: &[Verdict],
    candidates: usize,
    started: Instant,
) -> Result<(), Box<dyn Error>> {
    let mut tallies: Vec<(usize, Tally)> = Vec::new();
    let mut details = Vec::new();
    for (mutant, verdict) in mutants.iter().zip(verdicts) {
        let target = &targets[mutant.target];
        let Some(edit) = &mutant.edit else {
            if let Some(case) = &verdict.killed_by {
                return Err(format!("{} fails without any fault: {case}", target.name).into());
            }
            tallies.push((mutant.target, Tally::default()));
            continue;
        };
        let Some((_, tally)) = tallies.last_mut() else { continue };
        // A line whose mutants are listed as a whole may have others that are found.
        let reason = match verdict.killed_by {
            Some(_) => None,
            None => equivalent::reason(target.name, &edit.original, edit.nth, &edit.mutated),
        };
        let verdict_name = match (&verdict.killed_by, reason) {
            (Some(_), _) => {
                tally.killed += 1;
                "killed"
            }
            (None, Some(_)) => {
                tally.equivalent += 1;
                "equivalent"
            }
            (None, None) => {
                tally.survived += 1;
                "survived"
            }
        };
        if args.json {
            let line = serde_json::json!({
                "target": target.name, "file": target.file, "line": edit.line, "kind": edit.kind,
                "original": edit.original, "mutated": edit.mutated, "verdict": verdict_name,
                "killed_by": verdict.killed_by, "reason": reason,
            });
            println!("{line}");
        } else if verdict.killed_by.is_none() {
            details.push(format!(
                "{}:{} {}{}\n  - {}\n  + {}",
                target.file,
                edit.line,
                verdict_name,
                reason.map_or(String::new(), |reason| format!(": {reason}")),
                edit.original,
                edit.mutated
            ));
        }
    }
    let mut all = Tally::default();
    for (_, tally) in &tallies {
        all.killed += tally.killed;
        all.survived += tally.survived;
        all.equivalent += tally.equivalent;
    }
    let mutants = |tally: &Tally| tally.killed + tally.survived + tally.equivalent;
    let seconds = started.elapsed().as_secs();
    if args.json {
        let line = serde_json::json!({
            "mutants": mutants(&all), "killed": all.killed, "survived": all.survived,
            "equivalent": all.equivalent, "share": all.share(), "candidates": candidates, "seconds": seconds,
        });
        println!("{line}");
    } else {
        println!("| file | mutants | killed | survived | equivalent | killed share |");
        println!("|---|---|---|---|---|---|");
        let row = |name: &str, tally: &Tally| {
            println!(
                "| {name} | {} | {} | {} | {} | {:.1}% |",
                mutants(tally),
                tally.killed,
                tally.survived,
                tally.equivalent,
                tally.share()
            );
        };
        for (target, tally) in &tallies {
            row(targets[*target].name, tally);
        }
        row("all", &all);
        println!("\n{} of {candidates} possible mutants, {seconds} s", mutants(&all));
        for detail in details {
            println!("\n{detail}");
        }
    }
    let bar = if args.cooperating { COOPERATING_BAR } else { BAR };
    if all.share() < bar {
        return Err(format!("{:.1}% are killed; the bar is {bar}%", all.share()).into());
    }
    Ok(())
}
