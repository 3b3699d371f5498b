//! The command line. Each command is a function of its arguments and a writer for stdout. `train` and `devices` see the
//! library through an [`engine::Engine`], so that a test can put another one there; the others call it themselves.

mod ask_tell;
mod bench;
mod check_env;
mod dashboard;
mod devices;
mod doctor;
mod engine;
mod envs;
mod eval;
mod experiment;
mod export;
mod flags;
mod kernels;
mod library;
mod patience;
mod player;
mod plot;
mod progress_line;
mod ranking;
mod record;
mod rollout;
mod sanitize;
mod settings;
mod shell;
mod signals;
mod solve;
mod solve_grid;
mod solve_map;
mod summary;
mod sweep;
mod system;
mod train;
mod verify;
mod watch;

use std::io::{self, Write};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use softq::config::{Meaning, explained, foreign};
use softq::shared::printable;
use softq::{Error, Result};

pub use library::Library;

/// Train Soft Q-Networks on the GPU.
#[derive(Parser, Debug)]
#[command(name = "softq", version, arg_required_else_help = true, infer_subcommands = true)]
#[command(
    after_help = "Exit status: 0 ok, 1 failed verification or check, 2 usage or configuration, 3 no usable device, 4 device lost, \
                        5 training diverged, 6 file, 130 or 143 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Train an agent and write its weights, curve and pictures into a run directory
    Train(Box<train::TrainArgs>),
    /// Train the trials of a sweep file as populations; goes on where it was stopped
    Sweep(sweep::SweepArgs),
    /// Train the trials that another program asks for: a line of JSON in, a line of results out
    AskTell(Box<ask_tell::AskTellArgs>),
    /// List the environments: spaces, limits, parameters, presets and their measured results
    Envs(envs::EnvsArgs),
    /// Evaluate a saved agent: mean, interquartile mean and their 95% intervals over many episodes
    #[command(visible_alias = "enjoy")]
    Eval(eval::EvalArgs),
    /// Write an agent as an ONNX file, and compare what it computes with the engine
    Export(export::ExportArgs),
    /// Run algorithms x environments x seeds from one file, resumable, into one folder with all scores
    Experiment(experiment::ExperimentArgs),
    /// Draw runs and experiments: curves with bands over seeds, aggregates with intervals, profiles
    Plot(plot::PlotArgs),
    /// Play an agent in the terminal
    Watch(watch::WatchArgs),
    /// Write an agent's play as a GIF or PNG
    Record(record::RecordArgs),
    /// List adapters, their limits and features, and what each --device value takes and why
    Devices(devices::DevicesArgs),
    /// Say whether training runs on this machine, what stands in the way, and what to install
    Doctor(doctor::DoctorArgs),
    /// Solve an environment with few states exactly: values and policy, printed and drawn
    Solve(solve::SolveArgs),
    /// Measure environment steps per second under a random policy
    Rollout(rollout::RolloutArgs),
    /// Check a device: every kernel against its CPU twin and an f64 reference, gradients, a training run
    Verify(verify::VerifyArgs),
    /// Execute a compute shader without a driver and report races, accesses out of bounds, divergent barriers and more
    Sanitize(sanitize::SanitizeArgs),
    /// Time a device, its kernels, environments and training, and check every result
    Bench(bench::BenchArgs),
    /// List the kernels with bindings, sizes and grids; write their text as WGSL, SPIR-V, MSL, HLSL or GLSL
    Kernels(kernels::KernelsArgs),
    /// Check an environment, above all your own WGSL file: errors with lines, and advice on what makes learning hard
    CheckEnv(check_env::CheckEnvArgs),
    /// Write the completions of a shell
    Completions(shell::CompletionsArgs),
    /// Write the manual pages in roff
    Man,
}

/// Parses the command line and runs the command. Wrong usage ends the process with status 2 here, as clap does it.
pub fn run(engine: &dyn engine::Engine) -> Result<()> {
    let out = &mut std::io::stdout().lock();
    let command = parse()?.command;
    let _patience = (!matches!(&command, Command::Train(args) if args.quiet())).then(|| {
        patience::watch(patience::AFTER, |text| {
            // Stderr may be closed.
            let _ = writeln!(io::stderr(), "{}", printable::lines(text));
        })
    });
    match command {
        Command::Train(args) => train::train(&args, out),
        Command::Sweep(args) => sweep::sweep(&args, out),
        Command::AskTell(args) => ask_tell::ask_tell(&args, out),
        Command::Envs(args) => envs::envs(&args, out),
        Command::Eval(args) => eval::eval(&args, out),
        Command::Export(args) => export::export(&args, out),
        Command::Experiment(args) => experiment::experiment(&args, out),
        Command::Plot(args) => plot::plot(&args, out),
        Command::Watch(args) => watch::watch(&args, out),
        Command::Record(args) => record::record(&args, out),
        Command::Devices(args) => devices::devices(engine, &args, out),
        Command::Doctor(args) => doctor::doctor(engine, &args, out),
        Command::Solve(args) => solve::solve(&args, out),
        Command::Rollout(args) => rollout::rollout(&args, out),
        Command::Verify(args) => verify::verify(&args, out),
        Command::Sanitize(args) => sanitize::sanitize(&args, out),
        Command::Bench(args) => bench::bench(&args, out),
        Command::Kernels(args) => kernels::kernels(&args, out),
        Command::CheckEnv(args) => check_env::check_env(&args, out),
        Command::Completions(args) => shell::completions(&args, Cli::command(), out),
        Command::Man => shell::man(Cli::command(), out),
    }
}

/// The command line. A flag that other programs have and softq has not is explained; other wrong usage ends the process.
fn parse() -> Result<Cli> {
    Cli::try_parse().map_err(|error| {
        if let (ErrorKind::UnknownArgument, Some(ContextValue::String(flag))) =
            (error.kind(), error.get(ContextKind::InvalidArg))
            && let Some(Meaning::Explained(why)) = foreign(flag)
        {
            return explained(flag, why);
        }
        error.exit()
    })
}

/// Writes to stdout. What came from a file and would steer a terminal is escaped.
fn say(out: &mut dyn Write, text: &str) -> Result<()> {
    put(out, &printable::lines(text))
}

/// Writes to stdout as it is. A reader that has seen enough (`softq devices | head -1`) is no failure.
fn put(out: &mut dyn Write, text: &str) -> Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::file("write", "standard output", e)),
        _ => Ok(()),
    }
}

/// Writes one JSON line to stdout.
fn json_line(out: &mut dyn Write, value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string(value).map_err(|e| Error::file("write", "standard output", e))?;
    put(out, &format!("{}\n", printable::json(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_closed_pipe_is_no_error_but_a_full_disk_is() {
        struct Fails(io::ErrorKind);
        impl Write for Fails {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        say(&mut Fails(io::ErrorKind::BrokenPipe), "text").expect("ignored");
        assert_eq!(say(&mut Fails(io::ErrorKind::StorageFull), "text").expect_err("reported").exit_code(), 6);
    }
}
