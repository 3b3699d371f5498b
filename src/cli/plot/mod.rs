//! `softq plot`: pictures of runs and experiments: learning curves with bands over seeds, interquartile means with intervals,
//! performance profiles, probabilities of improvement.

mod aggregates;
mod curves;
mod runs;

use std::io::Write;
use std::path::{Path, PathBuf};

use softq::envs;
use softq::error::{Error, Result};
use softq::report::curve::Measure;
use softq::report::picture::Format;
use softq::statistics::quantile;
use softq::statistics::scores::Scores;
use softq::train::checksums;
use softq::train::experiment::scores::{self, SCORES_FILE, Score};
use softq::train::experiment::windows::{self, Window};
use softq::train::run_dir::EVALUATIONS_FILE;
use softq::train::saved_run::SavedRun;

use super::say;
use runs::Run;

/// Resamples of a bootstrap, as rliable's default for means.
const RESAMPLES: usize = 2_000;

/// Arguments of `softq plot`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  softq plot runs/a runs/b\n  softq plot experiments/backups --out backups.png\n  \
                        softq plot experiments/backups --panels return,alpha,entropy\n  \
                        softq plot experiments/backups --kind aggregate"
)]
pub struct PlotArgs {
    /// Run directories, folders of experiments, or files in the form of their scores.csv
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// What to draw
    #[arg(long, value_name = "WORD", default_value = "curves")]
    kind: Kind,
    /// What a curve shows of its seeds, with 95% bootstrap intervals
    #[arg(long, value_name = "WORD", default_value = "iqm")]
    statistic: Statistic,
    /// Panels of curves, side by side for each environment
    #[arg(long, value_name = "WORDS", value_delimiter = ',', default_value = "return")]
    panels: Vec<Shown>,
    /// The picture, by its ending an SVG or a PNG [default: <kind>.svg in the first path]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Lines over environment steps, a panel or more per environment
    Curves,
    /// Interquartile mean, median and mean of the last scores over all environments
    Aggregate,
    /// Share of runs above each score
    Profiles,
    /// How likely a run of one algorithm is better than one of the first
    Improvement,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shown {
    /// Return of greedy evaluations
    Return,
    /// Temperature of the policy
    Alpha,
    /// Entropy of the policy
    Entropy,
}

impl Shown {
    fn measure(self) -> Measure {
        match self {
            Shown::Return => Measure::Return,
            Shown::Alpha => Measure::Alpha,
            Shown::Entropy => Measure::Entropy,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Statistic {
    /// Interquartile mean
    Iqm,
    /// Median
    Median,
    /// Mean
    Mean,
}

impl Statistic {
    fn of(self, scores: &Scores) -> f64 {
        match self {
            Statistic::Iqm => scores.iqm(),
            // Of a single task the median over runs is asked for, not that over tasks.
            Statistic::Median => {
                let mut all: Vec<f64> = scores.columns().flatten().copied().collect();
                all.sort_by(f64::total_cmp);
                quantile(&all, 0.5)
            }
            Statistic::Mean => scores.mean(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Statistic::Iqm => "interquartile mean",
            Statistic::Median => "median",
            Statistic::Mean => "mean",
        }
    }
}

/// Everything that is read from the paths.
#[derive(Default)]
struct Read {
    scores: Vec<Score>,
    /// Only where a panel shows them.
    windows: Vec<Window>,
    runs: Vec<Run>,
}

/// Runs the command.
pub fn plot(args: &PlotArgs, out: &mut dyn Write) -> Result<()> {
    let name = match args.kind {
        Kind::Curves => "curves",
        Kind::Aggregate => "aggregate",
        Kind::Profiles => "profiles",
        Kind::Improvement => "improvement",
    };
    let file = args.out.clone().unwrap_or_else(|| {
        let first = &args.paths[0];
        let folder = if first.is_dir() { first.as_path() } else { first.parent().unwrap_or(Path::new("")) };
        folder.join(format!("{name}.svg"))
    });
    Format::of(&file)?;
    let with_windows = args.kind == Kind::Curves && args.panels.iter().any(|shown| *shown != Shown::Return);
    let mut read = Read::default();
    for path in &args.paths {
        read.add(path, with_windows)?;
    }
    read.add_runs(with_windows)?;
    read.check()?;
    let said = match args.kind {
        Kind::Curves => curves::draw(&read, &args.panels, args.statistic, &file)?,
        Kind::Aggregate => aggregates::aggregate(&read.scores, &file)?,
        Kind::Profiles => aggregates::profiles(&read.scores, &file)?,
        Kind::Improvement => aggregates::improvement(&read.scores, &file)?,
    };
    // In a run directory it may be one of the run's files.
    checksums::renew_at(&file)?;
    say(out, &format!("{said}{}\n", file.display()))
}

impl Read {
    fn add(&mut self, path: &Path, with_windows: bool) -> Result<()> {
        let of_experiment = path.join(SCORES_FILE);
        if path.is_file() {
            if with_windows {
                let message =
                    "it has returns alone. For --panels alpha and entropy give the folder that it is from";
                return Err(Error::file("plot", path, message));
            }
            self.scores.extend(scores::read(path)?);
        } else if of_experiment.is_file() {
            self.scores.extend(scores::read(&of_experiment)?);
            if with_windows {
                self.windows.extend(windows::of_experiment(path)?);
            }
        } else if SavedRun::is_at(path) {
            self.runs.push(Run::read(path)?);
        } else {
            let message = format!(
                "it is no run directory, no folder of an experiment with a {SCORES_FILE}, and no such file"
            );
            return Err(Error::file("plot", path, message));
        }
        Ok(())
    }
    /// What runs have come to, once all are known.
    fn add_runs(&mut self, with_windows: bool) -> Result<()> {
        for (run, lines) in self.runs.iter().zip(runs::lines(&self.runs)?) {
            let line = |agent: usize| lines.get(agent).cloned().unwrap_or_default();
            self.scores.extend(scores::of_run(&run.path.join(EVALUATIONS_FILE), &line, &run.environment)?);
            if with_windows {
                self.windows.extend(windows::of_run(&run.path, &line, &run.environment)?);
            }
        }
        Ok(())
    }

    /// Refuses what would draw nothing, and what would count a run twice.
    fn check(&self) -> Result<()> {
        if self.scores.is_empty() {
            let hint = "A run has scores once its first evaluation is over.";
            return Err(Error::invalid("scores", "none", "at least one", hint));
        }
        let mut seen = std::collections::BTreeSet::new();
        match self.scores.iter().find(|s| !seen.insert((&s.environment, &s.algorithm, s.seed, s.step))) {
            None => Ok(()),
            Some(Score { environment, algorithm, seed, step, .. }) => {
                let what = format!("two of seed {seed} of {algorithm} in {environment} at step {step}");
                let hint = "Leave one of them out, or name it differently.";
                Err(Error::invalid("scores", what, "one for each seed and step", hint))
            }
        }
    }

    /// The return at which an environment counts as solved: as its runs have it, where they agree.
    fn threshold(&self, environment: &str) -> Option<f64> {
        let mut own = self.runs.iter().filter(|run| run.environment == environment).map(|run| run.threshold);
        match own.next() {
            Some(first) => first.filter(|_| own.all(|other| other == first)),
            None => envs::find(environment).ok().and_then(|env| env.reward_threshold),
        }
    }
}
