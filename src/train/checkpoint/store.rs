//! Where the checkpoints of a run lie, `checkpoints/step_<environment steps>.safetensors`, when the next one is due, and
//! which of them is good. The last two are kept: should the newest be damaged, the one before is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::engine::clock::Instant;
use crate::error::{Error, Result};
use crate::files;
use crate::train::checkpoint::Checkpoint;
use crate::train::course::Course;
use crate::train::run_dir::{CHECKPOINTS, RunDir};

/// How many checkpoints stay.
const KEPT: usize = 2;
/// Most bytes of one.
const MOST_BYTES: u64 = 64 << 30;

/// How often a checkpoint is taken. One at the end of training comes with either.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Every {
    /// After so many environment steps.
    Steps(u64),
    /// After so much time.
    Time(Duration),
    /// Never, not at the end nor at a signal.
    Never,
}

impl Default for Every {
    fn default() -> Every {
        Every::Time(Duration::from_secs(300))
    }
}

impl FromStr for Every {
    type Err = Error;

    /// `30s`, `5m`, `1h`, `20000` (environment steps) or `never`.
    fn from_str(text: &str) -> Result<Every> {
        let wrong = || {
            Error::invalid(
                "checkpoint-every",
                format!("'{text}'"),
                "a time such as 30s, 5m or 1h, a number of environment steps from 1, or never",
                "The default is 5m.",
            )
        };
        let number = |digits: &str| digits.parse::<u64>().ok().filter(|n| *n > 0).ok_or_else(wrong);
        if text == "never" {
            return Ok(Every::Never);
        }
        for (unit, seconds) in [("s", 1), ("m", 60), ("h", 3600)] {
            if let Some(digits) = text.strip_suffix(unit) {
                let seconds = number(digits)?.checked_mul(seconds).ok_or_else(wrong)?;
                return Ok(Every::Time(Duration::from_secs(seconds)));
            }
        }
        number(text).map(Every::Steps)
    }
}

/// The checkpoints of a run that goes on.
pub struct Store {
    run: RunDir,
    every: Every,
    /// Environment steps at the last one, and when it was.
    last: (u64, Instant),
    /// Whether the one at the end of training is there.
    at_end: bool,
}

impl Store {
    /// For a run that stands at `course`.
    pub fn new(run: &RunDir, every: Every, course: &Course) -> Store {
        Store { run: run.clone(), every, last: (course.env_steps, Instant::now()), at_end: false }
    }

    /// Whether there are to be none.
    pub fn never(&self) -> bool {
        self.every == Every::Never
    }

    /// Whether one should be taken now.
    pub fn due(&self, course: &Course) -> bool {
        let elapsed = match self.every {
            Every::Never => return false,
            Every::Steps(steps) => course.env_steps >= self.last.0.saturating_add(steps),
            Every::Time(time) => self.last.1.elapsed() >= time,
        };
        match course.closing() {
            true => !self.at_end,
            false => elapsed,
        }
    }

    /// Writes one, and removes those that are no longer needed: older ones, and those of a later moment, which a run that
    /// went on from an earlier one will come to again.
    pub fn write(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let steps = checkpoint.course.env_steps;
        let dir = self.run.inner(CHECKPOINTS)?;
        let name = name(steps);
        dir.write(&name, &checkpoint.bytes(&name)?)?;
        self.last = (steps, Instant::now());
        self.at_end = checkpoint.course.closing();
        let all = list(dir.path())?;
        let (later, earlier): (Vec<_>, Vec<_>) = all.into_iter().partition(|(at, _)| *at > steps);
        for (_, path) in later.into_iter().chain(earlier.into_iter().skip(KEPT)) {
            fs::remove_file(&path).map_err(|e| Error::file("remove", path, e))?;
        }
        Ok(())
    }
}

fn name(steps: u64) -> String {
    format!("step_{steps}.safetensors")
}

/// The checkpoints in a directory, newest first.
fn list(dir: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let fail = |e: std::io::Error| Error::file("read directory", dir, e);
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let named = path.file_name().and_then(|name| name.to_str());
        let steps =
            named.and_then(|name| name.strip_prefix("step_")?.strip_suffix(".safetensors")?.parse().ok());
        found.extend(steps.map(|steps: u64| (steps, path)));
    }
    found.sort_by(|a, b| b.cmp(a));
    Ok(found)
}

/// The newest good checkpoint of the run in `path`; what is said of those that are not good is added to `warnings`. None
/// where the run had not come to its first one; an error where all are damaged.
pub fn newest(path: &Path, warnings: &mut Vec<String>) -> Result<Option<Checkpoint>> {
    let dir = path.join(CHECKPOINTS);
    if !dir.is_dir() {
        return Ok(None);
    }
    let mut first = None;
    for (_, file) in list(&dir)? {
        let bytes = files::read(&file, MOST_BYTES).map_err(|e| Error::file("read", &file, e));
        match bytes.and_then(|bytes| Checkpoint::read(&file, &bytes)) {
            Ok(checkpoint) => {
                let steps = checkpoint.course.env_steps;
                warnings.extend(first.map(|error| {
                    format!(
                        "{error}. The run goes on from the checkpoint before, at {steps} environment steps."
                    )
                }));
                return Ok(Some(checkpoint));
            }
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    first.map_or(Ok(None), Err)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Config;
    use crate::shared::agent::Agent;

    #[test]
    fn how_often_is_said_in_time_or_in_steps() {
        let read = |text: &str| text.parse::<Every>().map_err(|e| e.to_string());
        assert_eq!(read("30s"), Ok(Every::Time(Duration::from_secs(30))));
        assert_eq!(read("5m"), Ok(Every::default()));
        assert_eq!(read("2h"), Ok(Every::Time(Duration::from_secs(7200))));
        assert_eq!((read("20000"), read("never")), (Ok(Every::Steps(20_000)), Ok(Every::Never)));
        for wrong in ["", "0", "0s", "s", "-5", "1.5m", "5 m", "99999999999999999999", "9999999999999999999h"]
        {
            assert!(read(wrong).expect_err(wrong).contains("30s, 5m or 1h"), "{wrong}");
        }
    }

    #[test]
    fn the_last_two_stay_and_a_damaged_one_is_passed_over() {
        let root = tempfile::tempdir().expect("temporary directory");
        let run = RunDir::create(root.path()).expect("directory");
        let mut course = Course::new(&Config::default(), &[Agent::default()]);
        let mut store = Store::new(&run, Every::Steps(10), &course);
        let mut warnings = Vec::new();
        assert!(newest(run.path(), &mut warnings).expect("none yet").is_none());
        let mut write = |steps: u64| {
            course.env_steps = steps;
            assert!(store.due(&course));
            let checkpoint = Checkpoint {
                course: course.clone(),
                memory: Vec::new(),
                sinks: BTreeMap::new(),
                files: BTreeMap::new(),
            };
            store.write(&checkpoint).expect("write");
            assert!(!store.due(&course));
        };
        [10, 20, 100].into_iter().for_each(&mut write);
        let steps = || -> Vec<u64> {
            list(&run.path().join(CHECKPOINTS)).expect("list").into_iter().map(|(steps, _)| steps).collect()
        };
        assert_eq!(steps(), [100, 20]);
        let newest_steps = |warnings: &mut Vec<String>| {
            newest(run.path(), warnings).map(|found| found.expect("one").course.env_steps)
        };
        assert_eq!((newest_steps(&mut warnings).expect("good"), warnings.len()), (100, 0));
        let damaged = |steps: u64| fs::write(run.path().join(CHECKPOINTS).join(name(steps)), b"no tensors");
        damaged(100).expect("write");
        assert_eq!(newest_steps(&mut warnings).expect("the one before"), 20);
        assert!(
            warnings[0].contains("step_100.safetensors") && warnings[0].contains("at 20 "),
            "{warnings:?}"
        );
        damaged(20).expect("write");
        let error = newest_steps(&mut warnings).expect_err("none is left");
        assert!(error.exit_code() == 6 && error.to_string().contains("step_100"), "{error}");
        // A run that went on from an earlier moment comes to the later ones again.
        let mut store = Store::new(&run, Every::Steps(1), &Course { env_steps: 15, ..course.clone() });
        course.env_steps = 16;
        let checkpoint = Checkpoint {
            course: course.clone(),
            memory: Vec::new(),
            sinks: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        store.write(&checkpoint).expect("write");
        assert_eq!(steps(), [16]);
    }
}
