//! Scores of one algorithm, a row per run and a column per task, and what they come to in one number or one profile.
//!
//! Scores are meant to be normalised, 0 for random play and 1 for the reference of each task, so that tasks can be averaged.

use std::fmt;

use crate::statistics::{mean, quantile};

/// Share of the scores that the interquartile mean leaves out at each end.
const TRIMMED: f64 = 0.25;

/// Scores `[run][task]`, all finite, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    runs: usize,
    tasks: usize,
    /// Task after task, since resampling draws runs of one task.
    values: Vec<f64>,
}

/// Why rows are no matrix of scores.
///
/// ```
/// use softq::statistics::scores::{Scores, Unfit};
///
/// let scores = Scores::new(&[vec![1.0, 4.0], vec![3.0, 6.0]]).expect("a matrix");
/// assert_eq!((scores.runs(), scores.tasks(), scores.mean()), (2, 2, 3.5));
/// let error = Scores::new(&[vec![1.0, 4.0], vec![3.0]]).expect_err("a score is missing");
/// assert_eq!(error, Unfit::Ragged { run: 1, tasks: 1, expected: 2 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unfit {
    /// No run or no task.
    Empty,
    /// A run with another number of tasks than the first.
    Ragged {
        /// Its index.
        run: usize,
        /// Its number of tasks.
        tasks: usize,
        /// That of the first.
        expected: usize,
    },
    /// A score that is NaN or infinite.
    NotFinite {
        /// Index of the run.
        run: usize,
        /// Index of the task.
        task: usize,
    },
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Empty => write!(f, "there are no scores; at least one run of one task is needed"),
            Unfit::Ragged { run, tasks, expected } => {
                write!(
                    f,
                    "run {run} has scores of {tasks} tasks, the first of {expected}; every run needs all tasks"
                )
            }
            Unfit::NotFinite { run, task } => {
                write!(
                    f,
                    "the score of run {run} in task {task} is not finite; leave that run out of all tasks"
                )
            }
        }
    }
}

impl Scores {
    /// From one row of tasks per run.
    pub fn new(rows: &[Vec<f64>]) -> Result<Scores, Unfit> {
        let (runs, tasks) = (rows.len(), rows.first().map_or(0, Vec::len));
        if runs * tasks == 0 {
            return Err(Unfit::Empty);
        }
        for (run, row) in rows.iter().enumerate() {
            if row.len() != tasks {
                return Err(Unfit::Ragged { run, tasks: row.len(), expected: tasks });
            }
            if let Some(task) = row.iter().position(|score| !score.is_finite()) {
                return Err(Unfit::NotFinite { run, task });
            }
        }
        let values = (0..tasks).flat_map(|task| rows.iter().map(move |row| row[task])).collect();
        Ok(Scores { runs, tasks, values })
    }

    /// Number of runs.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Number of tasks.
    pub fn tasks(&self) -> usize {
        self.tasks
    }

    /// The scores of each task, a slice of runs.
    pub fn columns(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.runs)
    }

    /// The same, to be overwritten by a resample.
    pub(super) fn columns_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        self.values.chunks_exact_mut(self.runs)
    }

    /// Mean over runs of each task.
    fn task_means(&self) -> Vec<f64> {
        self.columns().map(mean).collect()
    }

    /// Mean over tasks of the means over runs.
    pub fn mean(&self) -> f64 {
        mean(&self.task_means())
    }

    /// Median over tasks of the means over runs; of an even number the mean of the two in the middle.
    pub fn median(&self) -> f64 {
        let mut means = self.task_means();
        means.sort_by(f64::total_cmp);
        quantile(&means, 0.5)
    }

    /// Interquartile mean: the mean of all scores of all tasks without the `floor(n / 4)` lowest and as many highest.
    pub fn iqm(&self) -> f64 {
        let mut all = self.values.clone();
        all.sort_by(f64::total_cmp);
        let cut = (TRIMMED * all.len() as f64) as usize;
        mean(&all[cut..all.len() - cut])
    }

    /// How far scores fall short of `gamma` on average, where more than that counts as that.
    pub fn optimality_gap(&self, gamma: f64) -> f64 {
        gamma - mean(&self.values.iter().map(|score| score.min(gamma)).collect::<Vec<f64>>())
    }

    /// Performance profile: for each threshold the share of all scores strictly above it.
    pub fn profile(&self, thresholds: &[f64]) -> Vec<f64> {
        shares_above(&self.values, thresholds)
    }

    /// For each threshold the share of tasks whose mean over runs is strictly above it.
    pub fn profile_of_means(&self, thresholds: &[f64]) -> Vec<f64> {
        shares_above(&self.task_means(), thresholds)
    }

    /// Probability that a run of these is better than one of `other`, on the same tasks: the share of pairs that it wins,
    /// half of those that it ties, averaged over tasks. Tasks beyond those of the shorter matrix are not looked at.
    pub fn probability_of_improvement(&self, other: &Scores) -> f64 {
        let won = |(own, other): (&[f64], &[f64])| {
            let pair = |x: f64, y: f64| if x > y { 1.0 } else { f64::from(u8::from(x == y)) / 2.0 };
            let wins: f64 = own.iter().map(|x| other.iter().map(|y| pair(*x, *y)).sum::<f64>()).sum();
            wins / (own.len() * other.len()) as f64
        };
        mean(&self.columns().zip(other.columns()).map(won).collect::<Vec<f64>>())
    }
}

fn shares_above(values: &[f64], thresholds: &[f64]) -> Vec<f64> {
    let above = |threshold: &f64| values.iter().filter(|value| *value > threshold).count();
    thresholds.iter().map(|threshold| above(threshold) as f64 / values.len() as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(rows: &[&[f64]]) -> Scores {
        Scores::new(&rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>()).expect("a matrix")
    }

    #[test]
    fn point_estimates_by_hand() {
        // Task means 2, 5, 1.
        let three = scores(&[&[1.0, 4.0, 0.0], &[3.0, 6.0, 2.0]]);
        assert_eq!((three.runs(), three.tasks()), (2, 3));
        assert_eq!(three.mean(), 8.0 / 3.0);
        assert_eq!(three.median(), 2.0);
        // Six scores: one is cut at each end.
        assert_eq!(three.iqm(), (1.0 + 2.0 + 3.0 + 4.0) / 4.0);
        assert_eq!(three.optimality_gap(1.0), 1.0 - 5.0 / 6.0);
        assert_eq!(three.optimality_gap(6.0), 6.0 - 16.0 / 6.0);
        // An even number of tasks, and too few scores to cut any.
        let two = scores(&[&[1.0, 4.0]]);
        assert_eq!((two.median(), two.iqm()), (2.5, 2.5));
    }

    #[test]
    fn profiles_are_strict() {
        let four = scores(&[&[1.0, 4.0], &[3.0, 4.0]]);
        assert_eq!(four.profile(&[0.0, 1.0, 3.5, 4.0]), [1.0, 0.75, 0.5, 0.0]);
        assert_eq!(four.profile_of_means(&[1.0, 2.0, 4.0]), [1.0, 0.5, 0.0]);
    }

    #[test]
    fn improvement_counts_ties_half_and_averages_tasks() {
        let (x, y) = (scores(&[&[1.0, 0.0], &[2.0, 0.0]]), scores(&[&[1.0, 5.0], &[0.0, 5.0], &[3.0, 5.0]]));
        // Task 0: of six pairs three are won and one is tied; task 1: none.
        assert_eq!(x.probability_of_improvement(&y), 3.5 / 6.0 / 2.0);
        assert_eq!(y.probability_of_improvement(&x), (2.5 / 6.0 + 1.0) / 2.0);
        assert_eq!(x.probability_of_improvement(&x), 0.5);
    }

    #[test]
    fn what_is_no_matrix_is_refused_with_its_place() {
        let why = |rows: &[Vec<f64>]| Scores::new(rows).expect_err("no matrix").to_string();
        assert!(why(&[]).contains("no scores"));
        assert!(why(&[vec![], vec![]]).contains("no scores"));
        assert!(why(&[vec![1.0], vec![1.0, 2.0]]).contains("run 1 has scores of 2 tasks, the first of 1"));
        assert!(why(&[vec![1.0, f64::NAN]]).contains("run 0 in task 1"));
    }
}
