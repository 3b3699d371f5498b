//! Curves over environment steps, with bands over seeds: returns of evaluations, and temperature and entropy of windows of training.

use std::collections::BTreeMap;
use std::path::Path;

use softq::config::counted;
use softq::error::Result;
use softq::report::curve::{Band, Panel, write_panels};
use softq::statistics::bootstrap::{CONFIDENCE, stratified};
use softq::statistics::scores::Scores;
use softq::train::experiment::scores::curves;

use super::{RESAMPLES, Read, Shown, Statistic};

/// Lines of a panel, which have a colour each.
const MOST_LINES: usize = 6;

/// Windows of one line; of longer runs every second, third and so on is drawn.
const MOST_WINDOWS: usize = 400;

pub(super) fn draw(read: &Read, shown: &[Shown], statistic: Statistic, file: &Path) -> Result<String> {
    let (mut panels, mut said) = (Vec::new(), String::new());
    for (environment, mut algorithms) in curves(&read.scores) {
        let lines = algorithms.len();
        if lines > MOST_LINES {
            let last = |returns: &BTreeMap<u64, Vec<f64>>| {
                let last = returns.last_key_value().and_then(|(step, values)| band(*step, values, statistic));
                last.map_or(f64::NEG_INFINITY, |band| band.median)
            };
            algorithms.sort_by(|a, b| last(&b.1).total_cmp(&last(&a.1)));
            algorithms.truncate(MOST_LINES);
            said += &format!(
                "{environment}: the best {MOST_LINES} of {lines} lines at their end, as many as there are colours\n"
            );
        }
        for shown in shown {
            let line = |(algorithm, returns): &(&str, BTreeMap<u64, Vec<f64>>)| {
                let windows = || windows(read, environment, algorithm, *shown);
                let steps = if *shown == Shown::Return { returns } else { &windows() };
                let seeds = returns.values().map(Vec::len).max().unwrap_or(0);
                let end = returns.last_key_value().map_or(0, |(_, values)| values.len());
                let fewer = if end < seeds { format!(", {end} at the end") } else { String::new() };
                let label = format!("{algorithm} ({}{fewer})", counted(seeds, "seed"));
                let bands =
                    steps.iter().filter_map(|(step, values)| band(*step, values, statistic)).collect();
                (label, bands)
            };
            let of = match shown {
                Shown::Return => "",
                Shown::Alpha => "alpha, ",
                Shown::Entropy => "entropy, ",
            };
            panels.push(Panel {
                title: format!("{environment}: {of}{} over seeds, 95% bootstrap interval", statistic.name()),
                measure: shown.measure(),
                threshold: read.threshold(environment).filter(|_| *shown == Shown::Return),
                bands: algorithms.iter().map(line).collect(),
            });
        }
    }
    // A row for each environment; returns alone are two in a row.
    write_panels(file, &panels, shown.len().max(2))?;
    Ok(said + &ended(read))
}

/// Where some seeds of a line have ended before others, the rest of it is that of the others.
fn ended(read: &Read) -> String {
    let mut said = String::new();
    for (environment, algorithms) in curves(&read.scores) {
        for (algorithm, returns) in algorithms {
            let most = returns.values().map(Vec::len).max().unwrap_or(0);
            let whole = returns.iter().rev().find(|(_, all)| all.len() == most);
            if let (Some((step, _)), Some((_, last))) = (whole, returns.last_key_value())
                && last.len() < most
            {
                let some = last.len();
                said += &format!(
                    "{environment}, {algorithm}: behind {step} steps fewer than all {most} seeds, {some} at the end\n"
                );
            }
        }
    }
    said
}

/// The values of every agent by step.
fn windows(read: &Read, environment: &str, algorithm: &str, shown: Shown) -> BTreeMap<u64, Vec<f64>> {
    let mut steps: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    let own = read.windows.iter().filter(|w| w.environment == environment && w.algorithm == algorithm);
    for window in own {
        let value = if shown == Shown::Alpha { Some(window.alpha) } else { window.entropy };
        if let Some(value) = value {
            steps.entry(window.step).or_default().push(value);
        }
    }
    let every = steps.len().div_ceil(MOST_WINDOWS).max(1);
    steps.into_iter().step_by(every).collect()
}

fn band(env_steps: u64, values: &[f64], statistic: Statistic) -> Option<Band> {
    let rows: Vec<Vec<f64>> = values.iter().map(|value| vec![*value]).collect();
    let scores = Scores::new(&rows).ok()?;
    let interval = stratified(&[&scores], RESAMPLES, CONFIDENCE, 0, |drawn| vec![statistic.of(&drawn[0])]);
    let interval = interval.first()?;
    Some(Band { env_steps, low: interval.low, median: statistic.of(&scores), high: interval.high })
}
