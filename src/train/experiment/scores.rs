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
    let scores = rows(path, HEADER, |cells| match cells {
        [algorithm, environment, seed, step, episode_return] => Some(Score {
            algorithm: (*algorithm).to_owned(),
            environment: (*environment).to_owned(),
            seed: seed.parse().ok()?,
            step: step.parse().ok()?,
            episode_return: episode_return.parse().ok()?,
        }),
        _ => None,
    })?;
    // One that is left out would change its line without a word.
    match scores.iter().position(|score| !score.episode_return.is_finite()) {
        None => Ok(scores),
        Some(index) => {
            let (line, value) = (index + 2, scores[index].episode_return);
            let message = format!("line {line}: {value} is not finite; leave out what has diverged");
            Err(Error::file("read", path, message))
        }
    }
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

/// Something by environment and algorithm, which stay in the order in which they come.
pub type Sorted<'a, T> = Vec<(&'a str, Vec<(&'a str, T)>)>;

/// The returns of all seeds by step.
pub type Curves<'a> = Sorted<'a, BTreeMap<u64, Vec<f64>>>;

/// The last step of every seed, and the return there.
pub type Ends<'a> = Sorted<'a, BTreeMap<u64, (u64, f64)>>;

/// Sorts scores into curves.
pub fn curves(scores: &[Score]) -> Curves<'_> {
    sorted(scores, |curve: &mut BTreeMap<u64, Vec<f64>>, score| {
        curve.entry(score.step).or_default().push(score.episode_return);
    })
}

/// The end of every run, wherever it was: one that stops when it has solved its environment ends before others.
pub fn ends(scores: &[Score]) -> Ends<'_> {
    sorted(scores, |ends: &mut BTreeMap<u64, (u64, f64)>, score| {
        let end = ends.entry(score.seed).or_insert((score.step, score.episode_return));
        if end.0 <= score.step {
            *end = (score.step, score.episode_return);
        }
    })
}

fn sorted<T: Default>(scores: &[Score], add: impl Fn(&mut T, &Score)) -> Sorted<'_, T> {
    let mut sorted: Sorted<T> = Vec::new();
    for score in scores {
        let algorithms = of(&mut sorted, &score.environment);
        add(of(algorithms, &score.algorithm), score);
    }
    sorted
}

/// What has this name, at the end if it is new.
fn of<'a, 'b, T: Default>(named: &'b mut Vec<(&'a str, T)>, name: &'a str) -> &'b mut T {
    let at = named.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
        named.push((name, T::default()));
        named.len() - 1
    });
    &mut named[at].1
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
        let longer = [&scores[..], &[score("sqn; slow", 1, 200, 0.75)]].concat();
        let ends = ends(&longer);
        assert_eq!(ends[0].1[0], ("sqn; slow", BTreeMap::from([(0, (100, -0.5)), (1, (200, 0.75))])));
        std::fs::write(&path, format!("{HEADER}\n{text}sqn,x\n")).expect("write");
        assert!(read(&path).expect_err("wrong").to_string().contains("line 5"));
        std::fs::write(&path, "a,b\n").expect("write");
        assert!(read(&path).expect_err("wrong").to_string().contains("first line"));
    }
}
