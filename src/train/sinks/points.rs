//! Points of a learning curve in bounded room: a run of a billion steps keeps as many as a picture can show, and
//! a checkpoint's size does not grow with the run's length.

use serde::{Deserialize, Serialize};

use crate::report::curve::CurvePoint;

/// Points of a line, at most. A multiple of 4, and no fewer than a picture draws.
const MOST_POINTS: usize = 2_000;

/// Evaluations of a population, at most.
const MOST_ROUNDS: usize = 1_000;

/// A line that keeps the lowest and the highest point of every stretch, and the last point. Stretches begin as two points, which
/// loses nothing, and double whenever the room is full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Columns", from = "Columns")]
pub struct Line {
    /// A pair for every finished stretch, then what is kept of the one at hand.
    points: Vec<CurvePoint>,
    pairs: usize,
    stretch: usize,
    /// Points that the stretch at hand has had.
    open: usize,
}

impl Default for Line {
    fn default() -> Line {
        Line { points: Vec::new(), pairs: 0, stretch: 2, open: 0 }
    }
}

impl Line {
    /// Takes the next point.
    pub fn push(&mut self, point: CurvePoint) {
        let finished = 2 * self.pairs;
        self.open += 1;
        // Of those before, two say how far the stretch goes.
        if self.points.len() - finished > 2 {
            let pair = extremes(&self.points[finished..]);
            self.points.truncate(finished);
            self.points.extend(pair);
        }
        self.points.push(point);
        if self.open >= self.stretch {
            let pair = extremes(&self.points[finished..]);
            self.points.truncate(finished);
            self.points.extend(pair);
            (self.pairs, self.open) = (self.pairs + 1, 0);
        }
        if 2 * self.pairs >= MOST_POINTS {
            self.points = self.points.chunks(4).flat_map(extremes).collect();
            (self.pairs, self.stretch) = (self.pairs / 2, self.stretch.saturating_mul(2));
        }
    }

    /// The points kept, in their order.
    pub fn points(&self) -> &[CurvePoint] {
        &self.points
    }
}

/// The lowest and the highest of some points, in their order; of a lone one, that twice.
fn extremes(points: &[CurvePoint]) -> [CurvePoint; 2] {
    let by_mean = |i: &usize, j: &usize| points[*i].mean.total_cmp(&points[*j].mean);
    let low = (0..points.len()).min_by(by_mean).unwrap_or(0);
    let high = (0..points.len()).max_by(by_mean).unwrap_or(0);
    [points[low.min(high)], points[low.max(high)]]
}

/// How a line lies in a checkpoint: columns of numbers take a tenth of the room of as many maps.
#[derive(Serialize, Deserialize)]
struct Columns {
    stretch: usize,
    pairs: usize,
    open: usize,
    env_steps: Vec<u64>,
    mean: Vec<f64>,
}

impl From<Line> for Columns {
    fn from(line: Line) -> Columns {
        let (env_steps, mean) = line.points.iter().map(|point| (point.env_steps, point.mean)).unzip();
        Columns { stretch: line.stretch, pairs: line.pairs, open: line.open, env_steps, mean }
    }
}

impl From<Columns> for Line {
    fn from(columns: Columns) -> Line {
        let points: Vec<CurvePoint> = columns
            .env_steps
            .into_iter()
            .zip(columns.mean)
            .map(|(env_steps, mean)| CurvePoint { env_steps, mean })
            .collect();
        // A file may say anything; the line goes on from what it can hold.
        let pairs = columns.pairs.min(points.len() / 2).min(MOST_POINTS / 2 - 1);
        let (stretch, open) = (columns.stretch.max(2), columns.open.min(columns.stretch));
        Line { points, pairs, stretch, open }
    }
}

/// The evaluations of every agent of a population. Agents are compared at the same steps, so that all lose the same rounds: where
/// the room is full, every second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rounds {
    /// Environment steps of each round kept.
    env_steps: Vec<u64>,
    /// Mean returns, `[agent][round]`.
    means: Vec<Vec<f64>>,
    /// Of so many rounds one is kept, and the last.
    stride: u64,
    taken: u64,
}

impl Default for Rounds {
    fn default() -> Rounds {
        Rounds { env_steps: Vec::new(), means: Vec::new(), stride: 1, taken: 0 }
    }
}

impl Rounds {
    /// Takes the mean returns of all agents at one moment.
    pub fn push(&mut self, env_steps: u64, means: impl ExactSizeIterator<Item = f64>) {
        // The last round gives way unless its turn has come.
        if !self.taken.is_multiple_of(self.stride) {
            self.env_steps.pop();
            for means in &mut self.means {
                means.pop();
            }
        }
        self.taken += 1;
        self.env_steps.push(env_steps);
        self.means.resize_with(means.len(), Vec::new);
        self.means.iter_mut().zip(means).for_each(|(agent, mean)| agent.push(mean));
        if self.env_steps.len() == MOST_ROUNDS {
            every_second(&mut self.env_steps);
            self.means.iter_mut().for_each(every_second);
            self.stride *= 2;
        }
    }

    /// Environment steps of each round kept.
    pub fn env_steps(&self) -> &[u64] {
        &self.env_steps
    }

    /// Mean returns of an agent in the rounds kept.
    pub fn means(&self, agent: usize) -> &[f64] {
        self.means.get(agent).map_or(&[], Vec::as_slice)
    }
}

fn every_second<T: Copy>(values: &mut Vec<T>) {
    *values = values.iter().skip(1).step_by(2).copied().collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at: u64) -> CurvePoint {
        // A sawtooth of period 7, so that every long stretch has the same extremes.
        CurvePoint { env_steps: at, mean: (at % 7) as f64 }
    }

    #[test]
    fn a_short_line_keeps_every_point() {
        let mut line = Line::default();
        (0..1_999).for_each(|at| line.push(point(at)));
        assert_eq!(line.points(), (0..1_999).map(point).collect::<Vec<_>>());
    }

    #[test]
    fn a_long_line_stays_small_and_keeps_its_range_in_order() {
        let mut line = Line::default();
        for at in 0..1_000_000 {
            line.push(point(at));
            assert!(line.points().len() <= MOST_POINTS + 3);
            // But where a stretch ends with it, the last point is there whatever its value.
            assert!(line.open == 0 || line.points().last() == Some(&point(at)));
        }
        let points = line.points();
        assert!(points.len() > MOST_POINTS / 2 && line.stretch <= 2_048, "{} {}", points.len(), line.stretch);
        assert!(points.windows(2).all(|pair| pair[0].env_steps <= pair[1].env_steps));
        assert!(points[..2 * line.pairs].chunks(2).all(|pair| (pair[0].mean - pair[1].mean).abs() == 6.0));
    }

    #[test]
    fn a_line_goes_on_from_a_checkpoint_as_if_it_had_not_stopped() {
        for stop in [0, 1, 5, 1_999, 2_000, 2_001, 9_999] {
            let mut line = Line::default();
            (0..stop).for_each(|at| line.push(point(at)));
            let text = serde_json::to_string(&line).expect("json");
            let mut back: Line = serde_json::from_str(&text).expect("line");
            assert_eq!(back, line, "{stop}");
            for at in stop..stop + 5_000 {
                line.push(point(at));
                back.push(point(at));
            }
            assert_eq!(back, line, "{stop}");
        }
    }

    #[test]
    fn a_line_from_a_damaged_file_takes_points() {
        for (stretch, pairs) in [(0, 0), (0, 9), (2, usize::MAX), (usize::MAX, 1), (3, 1)] {
            let columns =
                Columns { stretch, pairs, open: pairs, env_steps: (0..5).collect(), mean: vec![1.0; 5] };
            let mut line = Line::from(columns);
            (5..9_000).for_each(|at| line.push(point(at)));
            let steps: Vec<u64> = line.points().iter().map(|point| point.env_steps).collect();
            assert!(
                steps.len() <= MOST_POINTS + 3 && steps.is_sorted() && steps.last() > Some(&8_990),
                "{steps:?}"
            );
        }
    }

    #[test]
    fn rounds_of_a_population_stay_aligned_and_keep_the_last() {
        let mut rounds = Rounds::default();
        for at in 1..=5_000u64 {
            rounds.push(at, [at as f64, 2.0 * at as f64].into_iter());
            assert!(rounds.env_steps().len() < MOST_ROUNDS);
            assert_eq!(rounds.env_steps().last(), Some(&at));
        }
        let steps = rounds.env_steps();
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]) && steps.len() >= MOST_ROUNDS / 2);
        assert!(steps.iter().zip(rounds.means(1)).all(|(at, mean)| *mean == 2.0 * *at as f64));
        assert_eq!(rounds.means(0).len(), steps.len());
        assert!(rounds.means(2).is_empty());
    }
}
