//! All environments together: interquartile means with intervals, performance profiles, probabilities of improvement.

use std::collections::BTreeMap;
use std::path::Path;

use softq::config::thousands;
use softq::error::{Error, Result};
use softq::report::curve::write_profiles;
use softq::report::intervals::{Row, write_intervals};
use softq::statistics::bootstrap::{CONFIDENCE, stratified};
use softq::statistics::scores::Scores;
use softq::train::experiment::scores::{Score, ends};

use super::RESAMPLES;

/// Whether the scale of scores matters, or their order alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scale {
    Needed,
    Order,
}

/// The last score of every run, by algorithm as `[run][environment]`, 0 for the worst and 1 for the best run of any algorithm in
/// that environment. What else there is to know of them is added to `notes`.
fn matrices(scores: &[Score], scale: Scale, notes: &mut String) -> Result<Vec<(String, Scores)>> {
    let environments = ends(scores);
    let mut rows: Vec<(String, BTreeMap<usize, Vec<f64>>)> = Vec::new();
    let mut tasks = 0;
    for (environment, algorithms) in &environments {
        let last: Vec<(&str, Vec<f64>)> = algorithms
            .iter()
            .map(|(algorithm, ends)| (*algorithm, ends.values().map(|(_, score)| *score).collect()))
            .collect();
        for (algorithm, ends) in algorithms {
            let longest = ends.values().map(|(step, _)| *step).max().unwrap_or(0);
            let sooner = ends.values().filter(|(step, _)| *step < longest).count();
            if sooner > 0 {
                let (runs, longest) = (ends.len(), thousands(longest));
                *notes += &format!(
                    "{environment}, {algorithm}: {sooner} of {runs} runs end before step {longest}, and count with their own last scores\n"
                );
            }
        }
        let all = || last.iter().flat_map(|(_, returns)| returns.iter().copied());
        let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        if let Some(value) = all().find(|value| !value.is_finite()) {
            let hint = "Leave out what has diverged.";
            return Err(Error::invalid(
                "scores",
                format!("{value} in {environment}"),
                "finite numbers",
                hint,
            ));
        }
        // There is no worst and no best run to put scores between.
        if low == high && scale == Scale::Needed {
            *notes += &format!("{environment}: left out, since every run ends at {low}\n");
            continue;
        }
        let scaled = |value: &f64| if high > low { (value - low) / (high - low) } else { 0.0 };
        for (algorithm, returns) in last {
            let at = rows.iter().position(|(name, _)| name == algorithm).unwrap_or_else(|| {
                rows.push((algorithm.to_owned(), BTreeMap::new()));
                rows.len() - 1
            });
            rows[at].1.insert(tasks, returns.iter().map(scaled).collect());
        }
        tasks += 1;
    }
    if tasks == 0 {
        let hint = "There is nothing to put scores between; --kind curves shows them as they are.";
        let what = "the same of every run in every environment";
        return Err(Error::invalid("scores", what, "of runs that end differently", hint));
    }
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
const SCALED: &str = "scores at the end of each run, 0 the worst and 1 the best run in each environment; 95% stratified bootstrap";

pub(super) fn aggregate(scores: &[Score], file: &Path) -> Result<String> {
    let mut said = "algorithm: IQM, median, mean, optimality gap, each with its 95% interval\n".to_owned();
    let mut notes = String::new();
    let statistics =
        |scores: &Scores| vec![scores.iqm(), scores.median(), scores.mean(), scores.optimality_gap(1.0)];
    let names = ["IQM", "median", "mean", "optimality gap"];
    let mut groups: Vec<(String, Vec<Row>)> =
        names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
    for (algorithm, matrix) in matrices(scores, Scale::Needed, &mut notes)? {
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
    Ok(said + &notes)
}

pub(super) fn profiles(scores: &[Score], file: &Path) -> Result<String> {
    let thresholds: Vec<f64> = (0..=50).map(|i| f64::from(i) / 50.0).collect();
    let (mut bands, mut notes) = (Vec::new(), String::new());
    for (algorithm, matrix) in matrices(scores, Scale::Needed, &mut notes)? {
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
    write_profiles(file, &format!("Share of runs above a score: {SCALED}"), &bands)?;
    Ok(notes)
}

pub(super) fn improvement(scores: &[Score], file: &Path) -> Result<String> {
    let mut notes = String::new();
    let all = matrices(scores, Scale::Order, &mut notes)?;
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
    Ok(said + &notes)
}
