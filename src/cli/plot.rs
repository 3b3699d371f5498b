//! `softq plot`: pictures of runs and experiments: learning curves with bands over seeds, interquartile means with intervals,
//! performance profiles, probabilities of improvement.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use softq::config::Config;
use softq::envs;
use softq::error::{Error, Result};
use softq::files;
use softq::report::curve::{Band, Panel, write_panels};
use softq::report::intervals::{Row, write_intervals};
use softq::statistics::bootstrap::{CONFIDENCE, stratified};
use softq::statistics::quantile;
use softq::statistics::scores::Scores;
use softq::train::experiment::scores::{self, SCORES_FILE, Score, curves};
use softq::train::run_dir::{CONFIG_FILE, EVALUATIONS_FILE};
use softq::train::saved_run::SavedRun;

use super::say;

/// Resamples of a bootstrap, as rliable's default for means.
const RESAMPLES: usize = 2_000;

/// Arguments of `softq plot`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  softq plot runs/a runs/b\n  softq plot experiments/backups --out backups.svg\n  \
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
    /// The picture, an SVG [default: <kind>.svg in the first path]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Return over environment steps, a panel per environment
    Curves,
    /// Interquartile mean, median and mean of the last scores over all environments
    Aggregate,
    /// Share of runs above each score
    Profiles,
    /// How likely a run of one algorithm is better than one of the first
    Improvement,
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

/// Runs the command.
pub fn plot(args: &PlotArgs, out: &mut dyn Write) -> Result<()> {
    let mut scores = Vec::new();
    for path in &args.paths {
        scores.extend(read(path)?);
    }
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
    if file.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("svg")) {
        let hint = "Every browser shows and converts it.";
        return Err(Error::invalid("--out", file.display(), "a file name that ends in .svg", hint));
    }
    let said = match args.kind {
        Kind::Curves => learning_curves(&scores, args.statistic, &file)?,
        Kind::Aggregate => aggregate(&scores, &file)?,
        Kind::Profiles => profiles(&scores, &file)?,
        Kind::Improvement => improvement(&scores, &file)?,
    };
    say(out, &format!("{said}{}\n", file.display()))
}

fn read(path: &Path) -> Result<Vec<Score>> {
    if path.is_file() {
        return scores::read(path);
    }
    if path.join(SCORES_FILE).is_file() {
        return scores::read(&path.join(SCORES_FILE));
    }
    if !SavedRun::is_at(path) {
        let message = format!(
            "it is no run directory, no folder of an experiment with a {SCORES_FILE}, and no such file"
        );
        return Err(Error::file("plot", path, message));
    }
    let config = path.join(CONFIG_FILE);
    let text = files::read_text(&config, files::MOST_TEXT).map_err(|e| Error::file("read", &config, e))?;
    let config: Config =
        toml::from_str(&text).map_err(|e| Error::Config { path: config, message: e.to_string() })?;
    scores::of_run(&path.join(EVALUATIONS_FILE), &config.algo, &config.env)
}

fn learning_curves(scores: &[Score], statistic: Statistic, file: &Path) -> Result<String> {
    let panels: Vec<Panel> = curves(scores)
        .into_iter()
        .map(|(environment, algorithms)| Panel {
            title: format!("{environment}: {} over seeds, 95% bootstrap interval", statistic.name()),
            threshold: envs::find(environment).ok().and_then(|env| env.reward_threshold),
            bands: algorithms
                .into_iter()
                .map(|(algorithm, steps)| {
                    let seeds = steps.values().map(Vec::len).max().unwrap_or(0);
                    let label =
                        format!("{algorithm} ({seeds} {})", if seeds == 1 { "seed" } else { "seeds" });
                    (
                        label,
                        steps.iter().filter_map(|(step, returns)| band(*step, returns, statistic)).collect(),
                    )
                })
                .collect(),
        })
        .collect();
    write_panels(file, &panels)?;
    Ok(String::new())
}

fn band(env_steps: u64, returns: &[f64], statistic: Statistic) -> Option<Band> {
    let rows: Vec<Vec<f64>> = returns.iter().map(|value| vec![*value]).collect();
    let scores = Scores::new(&rows).ok()?;
    let interval = stratified(&[&scores], RESAMPLES, CONFIDENCE, 0, |drawn| vec![statistic.of(&drawn[0])]);
    let interval = interval.first()?;
    Some(Band { env_steps, low: interval.low, median: statistic.of(&scores), high: interval.high })
}

/// The last scores of every algorithm as `[run][environment]`, 0 for the worst and 1 for the best run of any algorithm in that
/// environment.
fn matrices(scores: &[Score]) -> Result<Vec<(String, Scores)>> {
    let curves = curves(scores);
    let mut rows: Vec<(String, BTreeMap<usize, Vec<f64>>)> = Vec::new();
    for (task, (_, algorithms)) in curves.iter().enumerate() {
        let last: Vec<(&str, &Vec<f64>)> = algorithms
            .iter()
            .filter_map(|(algorithm, steps)| Some((*algorithm, steps.last_key_value()?.1)))
            .collect();
        let all = || last.iter().flat_map(|(_, returns)| returns.iter().copied());
        let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        let scaled = |value: &f64| if high > low { (value - low) / (high - low) } else { 1.0 };
        for (algorithm, returns) in last {
            let at = rows.iter().position(|(name, _)| name == algorithm).unwrap_or_else(|| {
                rows.push((algorithm.to_owned(), BTreeMap::new()));
                rows.len() - 1
            });
            rows[at].1.insert(task, returns.iter().map(scaled).collect());
        }
    }
    let tasks = curves.len();
    rows.into_iter()
        .map(|(algorithm, columns)| {
            let wrong = |why: String| {
                let hint = "Aggregates need every algorithm in every environment with as many seeds.";
                Error::invalid("scores", format!("those of {algorithm}"), why, hint)
            };
            if columns.len() != tasks {
                return Err(wrong(format!("of all {tasks} environments, and are of {}", columns.len())));
            }
            let runs = columns.values().map(Vec::len).min().unwrap_or(0);
            if columns.values().any(|column| column.len() != runs) {
                return Err(wrong("of as many seeds in every environment".into()));
            }
            let matrix: Vec<Vec<f64>> =
                (0..runs).map(|run| columns.values().map(|column| column[run]).collect()).collect();
            let scores = Scores::new(&matrix).map_err(|unfit| wrong(unfit.to_string()))?;
            Ok((algorithm, scores))
        })
        .collect()
}

/// What all aggregates are made of, for the title of a picture.
const SCALED: &str =
    "scores at the end, 0 the worst and 1 the best run in each environment; 95% stratified bootstrap";

fn aggregate(scores: &[Score], file: &Path) -> Result<String> {
    let mut said = "algorithm: IQM, median, mean, optimality gap, each with its 95% interval\n".to_owned();
    let statistics =
        |scores: &Scores| vec![scores.iqm(), scores.median(), scores.mean(), scores.optimality_gap(1.0)];
    let names = ["IQM", "median", "mean", "optimality gap"];
    let mut groups: Vec<(String, Vec<Row>)> =
        names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
    for (algorithm, matrix) in matrices(scores)? {
        let values = statistics(&matrix);
        let intervals = stratified(&[&matrix], RESAMPLES, CONFIDENCE, 0, |drawn| statistics(&drawn[0]));
        let mut cells = Vec::new();
        for ((value, interval), (_, rows)) in values.iter().zip(&intervals).zip(&mut groups) {
            let (low, high) = (interval.low, interval.high);
            cells.push(format!("{value:.3} [{low:.3}, {high:.3}]"));
            rows.push(Row { label: algorithm.clone(), value: *value, low, high });
        }
        said += &format!("  {algorithm}: {}\n", cells.join(", "));
    }
    write_intervals(file, SCALED, &groups)?;
    Ok(said)
}

fn profiles(scores: &[Score], file: &Path) -> Result<String> {
    let thresholds: Vec<f64> = (0..=50).map(|i| f64::from(i) / 50.0).collect();
    let mut bands = Vec::new();
    for (algorithm, matrix) in matrices(scores)? {
        let values = matrix.profile(&thresholds);
        let intervals =
            stratified(&[&matrix], RESAMPLES, CONFIDENCE, 0, |drawn| drawn[0].profile(&thresholds));
        let band: Vec<(f64, f64, f64, f64)> = thresholds
            .iter()
            .zip(values)
            .zip(intervals)
            .map(|((at, value), interval)| (*at, interval.low, value, interval.high))
            .collect();
        bands.push((algorithm, band));
    }
    softq::report::curve::write_profiles(file, &format!("Share of runs above a score: {SCALED}"), &bands)?;
    Ok(String::new())
}

fn improvement(scores: &[Score], file: &Path) -> Result<String> {
    let all = matrices(scores)?;
    let Some(((first, base), others)) = all.split_first().filter(|(_, others)| !others.is_empty()) else {
        let hint = "Plot an experiment with two algorithms or more.";
        return Err(Error::invalid(
            "scores",
            format!("those of {} algorithm", all.len()),
            "of at least two",
            hint,
        ));
    };
    let mut said = format!("probability that a run is better than one of {first}, with its 95% interval\n");
    let mut rows = Vec::new();
    for (algorithm, matrix) in others {
        let value = matrix.probability_of_improvement(base);
        let interval = stratified(&[matrix, base], RESAMPLES, CONFIDENCE, 0, |drawn| {
            vec![drawn[0].probability_of_improvement(&drawn[1])]
        });
        let Some(interval) = interval.first() else { continue };
        let (low, high) = (interval.low, interval.high);
        said += &format!("  {algorithm}: {value:.3} [{low:.3}, {high:.3}]\n");
        rows.push(Row { label: algorithm.clone(), value, low, high });
    }
    let title = format!("Probability that a run is better than one of {first}: {SCALED}");
    write_intervals(file, &title, &[(String::new(), rows)])?;
    Ok(said)
}
