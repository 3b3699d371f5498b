//! `scores.csv` of an experiment, in the shape that rliable's users keep: a row per algorithm, environment, seed and step.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::files;
use crate::train::sinks::evaluations_csv;

/// Names of the columns.
pub const HEADER: &str = "algorithm,environment,seed,step,return";
/// Name of the file.
pub const SCORES_FILE: &str = "scores.csv";

/// One evaluation of one agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Algorithm, with the name of its variant.
    pub algorithm: String,
    /// Id of the environment.
    pub environment: String,
    /// Seed.
    pub seed: u64,
    /// Environment steps.
    pub step: u64,
    /// Mean return of the episodes.
    pub episode_return: f64,
}

impl Score {
    /// Its row.
    pub fn row(&self) -> String {
        let Score { algorithm, environment, seed, step, episode_return } = self;
        format!("{algorithm},{environment},{seed},{step},{episode_return}\n")
    }
}

/// The scores in a `scores.csv`.
pub fn read(path: &Path) -> Result<Vec<Score>> {
    rows(path, HEADER, |cells| match cells {
        [algorithm, environment, seed, step, episode_return] => Some(Score {
            algorithm: (*algorithm).to_owned(),
            environment: (*environment).to_owned(),
            seed: seed.parse().ok()?,
            step: step.parse().ok()?,
            episode_return: episode_return.parse().ok()?,
        }),
        _ => None,
    })
}

/// The scores in the `evaluations.csv` of a run; `algorithm` names that of each agent.
pub fn of_run(path: &Path, algorithm: &dyn Fn(usize) -> String, environment: &str) -> Result<Vec<Score>> {
    rows(path, evaluations_csv::HEADER, |cells| match cells {
        [step, agent, seed, episode_return, _] => Some(Score {
            algorithm: algorithm(agent.parse().ok()?),
            environment: environment.to_owned(),
            seed: seed.parse().ok()?,
            step: step.parse().ok()?,
            episode_return: episode_return.parse().ok()?,
        }),
        _ => None,
    })
}

fn rows<T>(path: &Path, header: &str, row: impl Fn(&[&str]) -> Option<T>) -> Result<Vec<T>> {
    let text = files::read_text(path, files::MOST_DATA).map_err(|e| Error::file("read", path, e))?;
    let mut lines = text.lines();
    if lines.next() != Some(header) {
        return Err(Error::file("read", path, format!("its first line is not '{header}'")));
    }
    lines
        .enumerate()
        .map(|(index, line)| {
            row(&line.split(',').collect::<Vec<_>>()).ok_or_else(|| {
                let message = format!("line {} is no row of '{header}'", index + 2);
                Error::file("read", path, message)
            })
        })
        .collect()
}

/// Scores by environment, algorithm and step: the return of every seed. Environments and algorithms stay in the order in
/// which they come.
pub type Curves<'a> = Vec<(&'a str, Vec<(&'a str, BTreeMap<u64, Vec<f64>>)>)>;

/// Sorts scores into curves.
pub fn curves(scores: &[Score]) -> Curves<'_> {
    let mut curves: Curves = Vec::new();
    for score in scores {
        let environment = score.environment.as_str();
        let at = curves.iter().position(|(name, _)| *name == environment).unwrap_or_else(|| {
            curves.push((environment, Vec::new()));
            curves.len() - 1
        });
        let algorithms = &mut curves[at].1;
        let algorithm = score.algorithm.as_str();
        let at = algorithms.iter().position(|(name, _)| *name == algorithm).unwrap_or_else(|| {
            algorithms.push((algorithm, BTreeMap::new()));
            algorithms.len() - 1
        });
        algorithms[at].1.entry(score.step).or_default().push(score.episode_return);
    }
    curves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_come_back_and_a_wrong_row_is_named() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join(SCORES_FILE);
        let score = |algorithm: &str, seed, step, episode_return| Score {
            algorithm: algorithm.into(),
            environment: "Catch-bsuite".into(),
            seed,
            step,
            episode_return,
        };
        let scores =
            [score("sqn; slow", 0, 100, -0.5), score("sqn; slow", 1, 100, 0.25), score("dqn", 0, 100, 1.0)];
        let text: String = scores.iter().map(Score::row).collect();
        std::fs::write(&path, format!("{HEADER}\n{text}")).expect("write");
        let back = read(&path).expect("read");
        assert_eq!(back, scores);
        let curves = curves(&back);
        assert_eq!(curves[0].1[0], ("sqn; slow", BTreeMap::from([(100, vec![-0.5, 0.25])])));
        assert_eq!(curves[0].1[1].0, "dqn");
        std::fs::write(&path, format!("{HEADER}\n{text}sqn,x\n")).expect("write");
        assert!(read(&path).expect_err("wrong").to_string().contains("line 5"));
        std::fs::write(&path, "a,b\n").expect("write");
        assert!(read(&path).expect_err("wrong").to_string().contains("first line"));
    }
}
