//! Learning curves as SVG or PNG, by the ending of the file's name: one run with its training return and its evaluations, or several algorithms as medians
//! over seeds with shaded 95% bands.
//!
//! Points that are not finite are skipped, and an empty list still gives a valid picture, because a run may be
//! stopped before its first episode ends.

use std::path::Path;

use plotters::style::RGBColor;
use serde::{Deserialize, Serialize};

use super::axis::drawable;
use super::chart::{Axes, Plot, Series, render};
use super::picture::write_chart;
use crate::error::{Error, Result};

/// Colours of Okabe and Ito (2008), which stay apart for colour-blind readers and in print.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// More points than this per line cannot be told apart at the width of the picture.
const MOST_POINTS: usize = 1600;

/// One point of a learning curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Environment steps taken so far, over all environments of the run.
    pub env_steps: u64,
    /// Mean episode return around that moment.
    pub mean: f64,
}

/// Median and 95% interval over several runs at one moment; [`crate::statistics::bootstrap::median_band`] computes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Environment steps taken so far.
    pub env_steps: u64,
    /// Lower end of the interval.
    pub low: f64,
    /// Median over the runs.
    pub median: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Writes the learning curve of one run: the training return as a line, the evaluations as a line with dots, and
/// the return that counts as solved, if the environment has one, as a dashed line.
///
/// ```
/// use softq::report::curve::{CurvePoint, write_curve_svg};
///
/// let path = std::env::temp_dir().join(format!("softq_curve_{}.svg", std::process::id()));
/// let points = [CurvePoint { env_steps: 0, mean: 20.0 }, CurvePoint { env_steps: 10_000, mean: 500.0 }];
/// write_curve_svg(&path, "CartPole-v1", &points, &points, Some(475.0))?;
/// assert!(std::fs::read_to_string(&path).expect("written").starts_with("<svg"));
/// # std::fs::remove_file(&path).expect("its own");
/// # Ok::<(), softq::Error>(())
/// ```
pub fn write_curve_svg(
    path: &Path,
    title: &str,
    training: &[CurvePoint],
    evaluation: &[CurvePoint],
    threshold: Option<f64>,
) -> Result<()> {
    let series = |label: &str, colour: RGBColor, points: &[CurvePoint], dots: bool| Series {
        label: label.to_owned(),
        colour,
        line: thinned(line(points)),
        // Single episodes scatter; a thin line keeps them behind the evaluations.
        stroke: if dots { 2.0 } else { 1.25 },
        dots,
        band: Vec::new(),
    };
    let mut all = vec![series("training", COLOURS[0], training, false)];
    // A run without evaluations has no use for an entry in the legend.
    if !evaluation.is_empty() {
        all.push(series("evaluation", COLOURS[1], evaluation, true));
    }
    let threshold = threshold.filter(|t| drawable(*t));
    let axes = Axes::Steps(Measure::Return);
    write_plots(path, &[Plot { title: title.to_owned(), series: all, threshold, axes }], 1)
}

/// What a curve shows over environment steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Return of episodes.
    Return,
    /// Temperature of a soft policy.
    Alpha,
    /// Entropy of a policy in nats, the mean over a batch of updates.
    Entropy,
}

impl Measure {
    pub(super) fn name(self) -> &'static str {
        match self {
            Measure::Return => "episode return",
            Measure::Alpha => "temperature alpha",
            Measure::Entropy => "entropy of the policy, nats",
        }
    }
}

/// Curves of one measure in one environment.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Its title.
    pub title: String,
    /// What it shows.
    pub measure: Measure,
    /// Return at which the environment counts as solved.
    pub threshold: Option<f64>,
    /// A labelled line with its interval per algorithm. The colour is that of its place, and one without points takes no more than
    /// that, so that panels side by side agree.
    pub bands: Vec<(String, Vec<Band>)>,
}

/// Writes one median line with a shaded interval per labelled list of bands.
///
/// ```
/// use softq::report::curve::{Band, write_band_svg};
/// use softq::statistics::bootstrap::median_band;
///
/// let dir = tempfile::tempdir().expect("a directory");
/// let path = dir.path().join("median.svg");
/// // Returns of three runs at two moments.
/// let bands = [(0, [9.0, 10.0, 12.0]), (1_000, [40.0, 70.0, 90.0])].map(|(env_steps, returns)| {
///     let (low, median, high) = median_band(&returns, 1_000, 0);
///     Band { env_steps, low, median, high }
/// });
/// assert_eq!(bands[1].median, 70.0);
/// write_band_svg(&path, "CartPole-v1", &[("sqn".into(), bands.to_vec())], Some(475.0))?;
/// let svg = std::fs::read_to_string(&path).expect("written");
/// assert!(svg.contains("<polygon") && svg.contains("threshold 475"));
/// # Ok::<(), softq::Error>(())
/// ```
pub fn write_band_svg(
    path: &Path,
    title: &str,
    bands: &[(String, Vec<Band>)],
    threshold: Option<f64>,
) -> Result<()> {
    let (title, measure) = (title.to_owned(), Measure::Return);
    write_panels(path, &[Panel { title, measure, threshold, bands: bands.to_vec() }], 1)
}

/// Writes several such plots into one picture, at most `columns` in a row.
///
/// ```
/// use softq::report::curve::{Band, Measure, Panel, write_panels};
///
/// let dir = tempfile::tempdir().expect("a directory");
/// let path = dir.path().join("panels.svg");
/// let at = |env_steps, median| Band { env_steps, low: median, median, high: median };
/// let panel = |title: &str, measure, last| Panel {
///     title: title.into(),
///     measure,
///     threshold: None,
///     bands: vec![("sqn".into(), vec![at(0, 1.0), at(1_000, last)])],
/// };
/// write_panels(&path, &[panel("Catch", Measure::Return, 0.5), panel("Catch", Measure::Alpha, 0.1)], 2)?;
/// let svg = std::fs::read_to_string(&path).expect("written");
/// assert!(svg.contains("episode return") && svg.contains("temperature alpha"));
/// # Ok::<(), softq::Error>(())
/// ```
pub fn write_panels(path: &Path, panels: &[Panel], columns: usize) -> Result<()> {
    let plot = |panel: &Panel| Plot {
        title: panel.title.clone(),
        series: panel.bands.iter().enumerate().map(banded).filter(|series| !series.line.is_empty()).collect(),
        threshold: panel.threshold.filter(|t| drawable(*t)),
        axes: Axes::Steps(panel.measure),
    };
    write_plots(path, &panels.iter().map(plot).collect::<Vec<_>>(), columns)
}

fn banded((index, (label, bands)): (usize, &(String, Vec<Band>))) -> Series {
    let mut bands: Vec<Band> =
        bands.iter().copied().filter(|b| [b.low, b.median, b.high].into_iter().all(drawable)).collect();
    bands.sort_by_key(|b| b.env_steps);
    Series {
        label: label.clone(),
        colour: colour(index),
        line: bands.iter().map(|b| (b.env_steps as f64, b.median)).collect(),
        stroke: 2.0,
        dots: false,
        band: bands.iter().map(|b| (b.env_steps as f64, b.low, b.high)).collect(),
    }
}

/// The colour of a series by its place.
pub(super) fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

/// `(score, low, share, high)` at each of the scores of a performance profile.
pub type Profile = Vec<(f64, f64, f64, f64)>;

/// Writes performance profiles (Agarwal et al. 2021): for each labelled list the share of runs above each score.
///
/// ```
/// use softq::report::curve::{Profile, write_profiles};
/// use softq::statistics::bootstrap::{CONFIDENCE, stratified};
/// use softq::statistics::scores::Scores;
///
/// // Three runs of two tasks.
/// let scores = Scores::new(&[vec![0.2, 0.9], vec![0.4, 1.0], vec![0.6, 0.8]]).expect("a matrix");
/// let above = [0.0, 0.5, 1.0];
/// let shares = scores.profile(&above);
/// let intervals = stratified(&[&scores], 200, CONFIDENCE, 0, |drawn| drawn[0].profile(&above));
/// let profile: Profile =
///     (0..3).map(|i| (above[i], intervals[i].low, shares[i], intervals[i].high)).collect();
/// assert_eq!(profile[1].2, 4.0 / 6.0);
///
/// let dir = tempfile::tempdir().expect("a directory");
/// let path = dir.path().join("profiles.svg");
/// write_profiles(&path, "Two tasks", &[("sqn".into(), profile)])?;
/// assert!(std::fs::read_to_string(&path).expect("written").contains("share of runs above it"));
/// # Ok::<(), softq::Error>(())
/// ```
pub fn write_profiles(path: &Path, title: &str, profiles: &[(String, Profile)]) -> Result<()> {
    let series = |(index, (label, points)): (usize, &(String, Profile))| Series {
        label: label.clone(),
        colour: colour(index),
        line: points.iter().map(|(score, _, share, _)| (*score, *share)).collect(),
        stroke: 2.0,
        dots: false,
        band: points.iter().map(|(score, low, _, high)| (*score, *low, *high)).collect(),
    };
    let series = profiles.iter().enumerate().map(series).collect();
    write_plots(path, &[Plot { title: title.to_owned(), series, threshold: None, axes: Axes::Share }], 1)
}

fn write_plots(path: &Path, plots: &[Plot], columns: usize) -> Result<()> {
    let svg = render(plots, columns).map_err(|error| Error::file("draw", path, error))?;
    write_chart(path, &svg)
}

/// The drawable points in order of steps.
fn line(points: &[CurvePoint]) -> Vec<(f64, f64)> {
    let mut points: Vec<CurvePoint> = points.iter().copied().filter(|p| drawable(p.mean)).collect();
    points.sort_by_key(|p| p.env_steps);
    points.iter().map(|p| (p.env_steps as f64, p.mean)).collect()
}

/// Keeps the lowest and the highest point of each short stretch, so that a run of a million episodes stays a small
/// file and still shows its full spread.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if points.len() <= MOST_POINTS {
        return points;
    }
    let stretch = points.len().div_ceil(MOST_POINTS / 2);
    let mut kept = Vec::with_capacity(MOST_POINTS);
    for points in points.chunks(stretch) {
        let by_return = |i: &usize, j: &usize| points[*i].1.total_cmp(&points[*j].1);
        if let (Some(low), Some(high)) =
            ((0..points.len()).min_by(by_return), (0..points.len()).max_by(by_return))
        {
            kept.extend([points[low.min(high)], points[low.max(high)]]);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(means: &[f64]) -> Vec<CurvePoint> {
        means
            .iter()
            .enumerate()
            .map(|(i, mean)| CurvePoint { env_steps: 1000 * i as u64, mean: *mean })
            .collect()
    }

    fn svg(draw: impl Fn(&Path) -> Result<()>) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("curve.svg");
        draw(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_well_formed(&text);
        text
    }

    /// Tags nest and close, quotes pair up, and nothing follows the root.
    fn assert_well_formed(svg: &str) {
        let mut open = Vec::new();
        let mut rest = svg.trim();
        while let Some(start) = rest.find('<') {
            assert!(!rest[..start].contains('>'), "stray bracket: {}", &rest[..start]);
            assert!(start == 0 || !open.is_empty(), "text outside the root: {}", &rest[..start]);
            let end = start + rest[start..].find('>').unwrap();
            let tag = &rest[start + 1..end];
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            let name = tag.trim_start_matches('/').split_whitespace().next().unwrap();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(name);
            }
            rest = &rest[end + 1..];
        }
        assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    /// Number of points of every polyline of a colour that is a data line and not a legend key.
    fn lines(svg: &str, colour: RGBColor) -> Vec<usize> {
        let stroke = format!("stroke=\"#{:02X}{:02X}{:02X}\"", colour.0, colour.1, colour.2);
        let count = |line: &str| line.split("points=\"").nth(1).unwrap().matches(',').count();
        svg.lines().filter(|l| l.starts_with("<polyline") && l.contains(&stroke)).map(count).skip(1).collect()
    }

    #[test]
    fn a_curve_has_every_finite_point_and_its_labels() {
        let training = points(&[10.0, f64::NAN, 30.0, f64::INFINITY, 200.0, 480.0]);
        let evaluation = points(&[20.0, 100.0, 500.0]);
        let text = svg(|path| {
            write_curve_svg(path, "SQN <CartPole> & \u{1}co", &training, &evaluation, Some(475.0))
        });
        assert_eq!(lines(&text, COLOURS[0]), [4]);
        assert_eq!(lines(&text, COLOURS[1]), [3]);
        assert_eq!(text.matches("<circle").count(), 3 + 1);
        for label in [
            "SQN &lt;CartPole&gt; &amp;  co",
            "environment steps",
            "episode return",
            "training",
            "evaluation",
            "threshold 475",
        ] {
            assert!(text.contains(&format!("{label}\n</text>")), "{label} is missing");
        }
    }

    #[test]
    fn odd_inputs_still_give_a_picture() {
        for means in
            [&[][..], &[f64::NAN], &[7.0], &[3.0; 5], &[-1e300, 1e300], &[f64::MAX, 1.0], &[1e-320, 0.0]]
        {
            for threshold in [None, Some(475.0), Some(f64::NAN)] {
                let text = svg(|path| write_curve_svg(path, "", &points(means), &[], threshold));
                let drawn = means.iter().any(|m| drawable(*m));
                assert_eq!(text.contains("no episodes yet"), !drawn, "{means:?}");
                assert!(!text.contains("evaluation"));
            }
        }
        svg(|path| write_band_svg(path, "nothing", &[], None));
        svg(|path| write_band_svg(path, "no bands", &[("sqn".to_owned(), vec![])], Some(1.0)));
    }

    #[test]
    fn long_runs_are_thinned_without_losing_extremes() {
        let mut means: Vec<f64> = (0..50_000).map(|i| (i % 97) as f64).collect();
        means[31_234] = -1000.0;
        let kept = thinned(line(&points(&means)));
        assert!(kept.len() <= MOST_POINTS, "{}", kept.len());
        assert!(kept.iter().any(|p| p.1 == -1000.0));
        assert!(kept.windows(2).all(|w| w[0].0 <= w[1].0));
    }

    #[test]
    fn bands_are_shaded_under_their_median() {
        let band =
            |i: u64| Band { env_steps: i * 500, low: i as f64, median: i as f64 + 1.0, high: i as f64 + 3.0 };
        let mut first: Vec<Band> = (0..8).map(band).collect();
        first[3].low = f64::NAN;
        let bands = [("sqn".to_owned(), first), ("dqn".to_owned(), vec![band(4)])];
        let text = svg(|path| write_band_svg(path, "Bands", &bands, None));
        assert_eq!(lines(&text, COLOURS[0]), [7]);
        let polygon = text.lines().find(|l| l.starts_with("<polygon")).unwrap();
        assert_eq!(polygon.split("points=\"").nth(1).unwrap().matches(',').count(), 14);
        // A single band is an error bar with a dot.
        assert_eq!(lines(&text, COLOURS[1]), [2]);
        assert_eq!(text.matches("<circle").count(), 1);
    }
}
