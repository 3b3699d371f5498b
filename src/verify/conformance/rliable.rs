//! `rliable_*.json`: what Google's rliable makes of two matrices of scores, X and Y: point estimates, performance profiles,
//! probability of improvement, and stratified bootstrap intervals of all of these. A file of its own, without tensors; the
//! device has no part in it.
//!
//! Points are exact but for rounding. Intervals are drawn again, so that each end may be off by the tolerance that the file
//! gives: how far rliable's own ends scatter over five seeds, and how far the values are apart where a percentile falls.

use serde_json::Value;

use crate::statistics::bootstrap::{Interval, stratified};
use crate::statistics::scores::Scores;
use crate::verify::conformance::case::number_at;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::report::{Outcome, Problem, malformed, unsupported};

/// The only version of the format.
pub const FORMAT: &str = "sqn-conformance-rliable/1";

/// Allowed of everything that is not drawn.
const POINT_BOUND: f64 = 1e-9;
/// Resamples of every interval: more than the 20,000 of the records, so that less of the tolerance goes to this side.
const RESAMPLES: usize = 50_000;
/// Most comparisons of scores, with thresholds or with each other, that a resample may need.
const MOST_COMPARISONS: usize = 400_000;
/// Of the resamples, so that a file gives the same numbers every time.
const SEED: u64 = 0;
/// The estimates of a matrix, as a file names them.
const ESTIMATES: [&str; 4] = ["mean", "median", "iqm", "optimality_gap"];

/// Compares everything that the file says about its matrices.
pub fn replay(text: &[u8], comparison: &mut Comparison) -> Outcome<()> {
    let file: Value = serde_json::from_slice(text)
        .map_err(|error| Problem::Malformed(format!("the description is not JSON: {error}")))?;
    match file.get("config").and_then(|config| config.get("method")).and_then(Value::as_str) {
        Some("percentile") => {}
        other => return unsupported(format!("intervals of method {other:?}; here are 'percentile' ones")),
    }
    let confidence = number_at(&file, &["config", "confidence"])?;
    if !(confidence > 0.0 && confidence < 1.0) {
        return malformed(format!("config.confidence is {confidence}"));
    }
    let gamma = number_at(&file, &["config", "optimality_gap_gamma"])?;
    let thresholds = numbers(&file, &["taus"])?;
    let (x, y) = (matrix(&file, "X")?, matrix(&file, "Y")?);
    if x.tasks() != y.tasks() {
        return malformed(format!("X has {} tasks, Y {}", x.tasks(), y.tasks()));
    }
    let pairs = x.runs() * y.runs() * x.tasks();
    let levels = x.runs().max(y.runs()) * x.tasks() * thresholds.len();
    if pairs.max(levels) > MOST_COMPARISONS {
        return unsupported(format!(
            "more than {MOST_COMPARISONS} pairs of scores, or of a score and a threshold"
        ));
    }
    for (name, scores) in [("X", &x), ("Y", &y)] {
        let Some(results) = file.get("results").and_then(|results| results.get(name)) else {
            return malformed(format!("there are no results of {name}"));
        };
        Results { name, scores, results, gamma, thresholds: &thresholds, confidence }.compare(comparison)?;
    }
    improvement(&file, &x, &y, confidence, comparison)
}

/// What is recorded of one matrix.
struct Results<'a> {
    name: &'a str,
    scores: &'a Scores,
    results: &'a Value,
    gamma: f64,
    thresholds: &'a [f64],
    confidence: f64,
}

impl Results<'_> {
    fn compare(&self, comparison: &mut Comparison) -> Outcome<()> {
        let label = |what: &str| format!("{}.{what}", self.name);
        let intervals = stratified(&[self.scores], RESAMPLES, self.confidence, SEED, |drawn| {
            let mut all = estimates(&drawn[0], self.gamma).to_vec();
            all.extend(drawn[0].profile(self.thresholds));
            all
        });
        let points = estimates(self.scores, self.gamma);
        for ((key, point), interval) in ESTIMATES.into_iter().zip(points).zip(&intervals) {
            let Some(recorded) = self.results.get(key) else {
                return malformed(format!("there is no result {}", label(key)));
            };
            let want = number_at(recorded, &["point"])?;
            comparison.value(key, point, want, POINT_BOUND, || label(&format!("{key}.point")));
            ends(&format!("{key}_interval"), *interval, recorded, &label(key), comparison)?;
        }
        let profiles = [
            ("profile", self.scores.profile(self.thresholds)),
            ("average_profile", self.scores.profile_of_means(self.thresholds)),
        ];
        for (key, profile) in profiles {
            let want = self.list(key)?;
            for (index, (got, want)) in profile.iter().zip(&want).enumerate() {
                comparison.value(key, *got, *want, POINT_BOUND, || label(&format!("{key}[{index}]")));
            }
            comparison.cases += 1;
        }
        if ["profile_low", "profile_high"].iter().any(|end| self.results.get(*end).is_some()) {
            self.profile_interval(&intervals[ESTIMATES.len()..], comparison)?;
        }
        Ok(())
    }

    /// Ends of the interval of the profile, threshold by threshold.
    fn profile_interval(&self, intervals: &[Interval], comparison: &mut Comparison) -> Outcome<()> {
        for (key, end) in
            [("profile_low", (|interval| interval.low) as fn(&Interval) -> f64), ("profile_high", |i| i.high)]
        {
            let bounds = self.list(&format!("{key}_tolerance"))?;
            for (index, (want, bound)) in self.list(key)?.into_iter().zip(bounds).enumerate() {
                let place = || format!("{}.{key}[{index}]", self.name);
                comparison.value("profile_interval", end(&intervals[index]), want, bound, place);
            }
            comparison.cases += 1;
        }
        Ok(())
    }

    /// A number per threshold.
    fn list(&self, key: &str) -> Outcome<Vec<f64>> {
        let list = numbers(self.results, &[key])?;
        match list.len() == self.thresholds.len() {
            true => Ok(list),
            false => malformed(format!(
                "{}.{key} has {} values for {} thresholds",
                self.name,
                list.len(),
                self.thresholds.len()
            )),
        }
    }
}

/// In the order of [`ESTIMATES`].
fn estimates(scores: &Scores, gamma: f64) -> [f64; 4] {
    [scores.mean(), scores.median(), scores.iqm(), scores.optimality_gap(gamma)]
}

/// Probability of improvement, both ways, with the interval of the first.
fn improvement(
    file: &Value,
    x: &Scores,
    y: &Scores,
    confidence: f64,
    comparison: &mut Comparison,
) -> Outcome<()> {
    const KEY: &str = "probability_of_improvement";
    let Some(recorded) = file.get(KEY) else { return malformed(format!("there is no '{KEY}'")) };
    for (key, got) in
        [("x_over_y", x.probability_of_improvement(y)), ("y_over_x", y.probability_of_improvement(x))]
    {
        comparison.value(KEY, got, number_at(recorded, &[key])?, POINT_BOUND, || format!("{KEY}.{key}"));
    }
    comparison.cases += 1;
    // rliable itself needs minutes for this one where there are many tasks, so that a record may do without.
    if ["low", "high"].iter().all(|end| recorded.get(*end).is_none()) {
        return Ok(());
    }
    let intervals = stratified(&[x, y], RESAMPLES, confidence, SEED, |drawn| {
        vec![drawn[0].probability_of_improvement(&drawn[1])]
    });
    ends(&format!("{KEY}_interval"), intervals[0], recorded, KEY, comparison)
}

/// Both ends of an interval, each within its own tolerance.
fn ends(
    quantity: &str,
    got: Interval,
    recorded: &Value,
    label: &str,
    comparison: &mut Comparison,
) -> Outcome<()> {
    for (key, got) in [("low", got.low), ("high", got.high)] {
        let bound = number_at(recorded, &[&format!("{key}_tolerance")])?;
        comparison.value(quantity, got, number_at(recorded, &[key])?, bound, || format!("{label}.{key}"));
    }
    comparison.cases += 1;
    Ok(())
}

/// A matrix `[run][task]`.
fn matrix(file: &Value, name: &str) -> Outcome<Scores> {
    let rows: Option<Vec<Vec<f64>>> =
        file.get(name).and_then(|rows| serde_json::from_value(rows.clone()).ok());
    let Some(rows) = rows else { return malformed(format!("'{name}' is no matrix of numbers")) };
    Scores::new(&rows).map_err(|why| Problem::Malformed(format!("'{name}': {why}")))
}

/// A list of finite numbers.
fn numbers(value: &Value, path: &[&str]) -> Outcome<Vec<f64>> {
    let found = path.iter().try_fold(value, |value, key| value.get(*key));
    let list: Option<Vec<f64>> = found.and_then(|list| serde_json::from_value(list.clone()).ok());
    match list {
        Some(list) if list.iter().all(|number| number.is_finite()) => Ok(list),
        _ => malformed(format!("there is no list of numbers '{}'", path.join("."))),
    }
}
