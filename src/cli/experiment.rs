//! `softq experiment`: algorithms x environments x variants x seeds from one file, into one folder, to be killed and gone on with
//! at any time.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};
use softq::config::thousands;
use softq::error::Result;
use softq::train::event::Event;
use softq::train::experiment::scores::{Score, curves};
use softq::train::experiment::{Experiment, run};

use super::{progress_line, say, signals};

/// Arguments of `softq experiment`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "The file names environments, algorithms, seeds, and settings on top of the presets; docs/experiments.md has \
                        examples. A killed experiment goes on with the same command.\n\nExamples:\n  \
                        softq experiment docs/experiments/backups.toml --dry-run\n  \
                        softq experiment docs/experiments/backups.toml\n  softq plot experiments/backups"
)]
pub struct ExperimentArgs {
    /// TOML file that describes the experiment
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder of its results [default: experiments/<name of the file>]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Device for all runs, as of softq train
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Print the runs, their steps, memory and about how long they take, and run nothing
    #[arg(long, conflicts_with = "out")]
    dry_run: bool,
}

/// Runs the command.
pub fn experiment(args: &ExperimentArgs, out: &mut dyn Write) -> Result<()> {
    let experiment = Experiment::read(&args.file, args.device.as_deref())?;
    notes(&experiment);
    if args.dry_run {
        return say(out, &plan(&experiment)?);
    }
    let root = args.out.clone().unwrap_or_else(|| {
        Path::new("experiments").join(args.file.file_stem().unwrap_or(args.file.as_os_str()))
    });
    let steps: Vec<u64> = experiment.cells.iter().map(|cell| cell.resolved.config.total_timesteps).collect();
    let bar = ProgressBar::new(steps.iter().sum());
    if let Ok(style) = ProgressStyle::with_template("{bar:20} {human_pos}/{human_len} steps  {msg}") {
        bar.set_style(style);
    }
    let cells = experiment.cells.len();
    let begun = Instant::now();
    // What was done before this call took none of its time.
    let mut first = None;
    let scores = run::run(&experiment, &root, &signals::watch(), &mut |standing, event| {
        let position = steps[..standing.index].iter().sum::<u64>() + standing.env_steps;
        let from = *first.get_or_insert(position);
        let left = (bar.length().unwrap_or(0).saturating_sub(position)) as f64;
        let rate = position.saturating_sub(from) as f64 / begun.elapsed().as_secs_f64();
        let eta = match rate > 0.0 {
            true => HumanDuration(Duration::from_secs_f64(left / rate)).to_string(),
            false => "-".into(),
        };
        let cell = standing.cell;
        let name = format!("{} in {}", cell.algorithm, cell.resolved.env.id);
        bar.set_position(position);
        bar.set_message(format!("{}/{cells} {name}  ETA {eta}", standing.index + 1));
        if let Event::Warning(text) = event {
            bar.suspend(|| progress_line::warn(&format!("{name}: {text}")));
        }
    });
    bar.finish_and_clear();
    let folder = root.display();
    say(
        out,
        &format!("{}\n  scores   {folder}/scores.csv\n  pictures softq plot {folder}\n", table(&scores?)),
    )
}

/// Tells what there is to know of the settings, each once.
fn notes(experiment: &Experiment) {
    let mut told: Vec<(&str, Vec<String>)> = Vec::new();
    for cell in &experiment.cells {
        let name = format!("{} in {}", cell.algorithm, cell.resolved.env.id);
        for note in &cell.resolved.notes {
            match told.iter_mut().find(|(known, _)| known == note) {
                Some((_, names)) => names.push(name.clone()),
                None => told.push((note, vec![name.clone()])),
            }
        }
    }
    for (note, names) in told {
        let others = match names.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        progress_line::warn(&format!("{}{others}: {note}", names[0]));
    }
}

/// The last scores of every algorithm in every environment.
fn table(scores: &[Score]) -> String {
    let mut text = "environment, algorithm: mean return of each seed at the end\n".to_owned();
    for (environment, algorithms) in curves(scores) {
        for (algorithm, steps) in algorithms {
            let Some((step, returns)) = steps.last_key_value() else { continue };
            let all: Vec<String> = returns.iter().map(|value| format!("{value:.2}")).collect();
            let mean = softq::statistics::mean(returns);
            text += &format!(
                "  {environment}, {algorithm}: {mean:.2} ({}) at {} steps\n",
                all.join(", "),
                thousands(*step)
            );
        }
    }
    text
}

fn plan(experiment: &Experiment) -> Result<String> {
    let mut text =
        "environment, algorithm: seeds x steps, memory, about how long on this machine\n".to_owned();
    let (mut runs, mut steps, mut seconds) = (0, 0, 0.0);
    for cell in &experiment.cells {
        let config = &cell.resolved.config;
        let (memory, takes) = run::estimate(cell)?;
        text += &format!(
            "  {}, {}: {} x {}, {}, {}\n",
            cell.resolved.env.id,
            cell.algorithm,
            config.agents,
            thousands(config.total_timesteps),
            HumanBytes(memory),
            HumanDuration(Duration::from_secs_f64(takes))
        );
        runs += u64::from(config.agents);
        steps += u64::from(config.agents) * config.total_timesteps;
        seconds += takes;
    }
    let time = HumanDuration(Duration::from_secs_f64(seconds));
    Ok(text + &format!("{runs} runs, {} environment steps, about {time} and evaluations\n", thousands(steps)))
}
