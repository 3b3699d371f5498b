//! The results of a sweep on disk: the file of the sweep, and a line of JSON per finished trial, appended and synced as
//! populations end. Several processes may share a directory, each with a file of its own; all read all files.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files;
use crate::train::sweep::{Sweep, Trial};

/// The copy of the sweep.
const SWEEP_FILE: &str = "sweep.toml";

/// Part `index` of `count` of a sweep's trials: those whose number is `index` modulo `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 0 on.
    pub index: u64,
    /// Of how many.
    pub count: u64,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Shard, String> {
        let parsed = text.split_once('/').and_then(|(index, count)| {
            Some(Shard { index: index.trim().parse().ok()?, count: count.trim().parse().ok()? })
        });
        parsed
            .filter(|shard| shard.index < shard.count)
            .ok_or_else(|| format!("'{text}' is no part of a whole such as 0/4, 1/4, 2/4 and 3/4"))
    }
}

impl Shard {
    /// All trials.
    pub const WHOLE: Shard = Shard { index: 0, count: 1 };

    /// Whether it is the part of this trial.
    pub fn has(&self, trial: u64) -> bool {
        trial % self.count == self.index
    }

    fn file(&self) -> String {
        match self.count {
            1 => "trials.jsonl".into(),
            _ => format!("trials.{}-of-{}.jsonl", self.index, self.count),
        }
    }
}

/// An open directory of results.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    file: File,
}

impl Store {
    /// Opens or makes `dir` for `sweep`, whose file reads `text`, to write the trials of `shard`. A sweep that is there already may
    /// have had fewer trials, or been trained otherwise side by side, but must else be the same.
    pub fn open(dir: &Path, sweep: &Sweep, text: &str, shard: Shard) -> Result<Store> {
        fs::create_dir_all(dir).map_err(|e| Error::file("create directory", dir, e))?;
        belongs(dir, sweep)?;
        let copy = dir.join(SWEEP_FILE);
        let own = format!("{SWEEP_FILE}.{}", std::process::id());
        fs::write(dir.join(&own), text)
            .and_then(|()| fs::rename(dir.join(&own), &copy))
            .map_err(|e| Error::file("write", &copy, e))?;
        let path = dir.join(shard.file());
        let fail = |e: std::io::Error| Error::file("open", &path, e);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(fail)?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            let message = "another process writes trials there. Wait for its end, or stop it, or share the trials with --shard";
            return Err(Error::file("use", &path, message));
        }
        // What a crash cut off.
        let bytes = files::read(&path, files::MOST_DATA).map_err(fail)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1) as u64;
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(fail)?;
        Ok(Store { path, file })
    }

    /// Appends finished trials.
    pub fn add(&mut self, trials: &[Trial]) -> Result<()> {
        let fail = |e: &dyn std::fmt::Display| Error::file("write", &self.path, e);
        let mut lines = String::new();
        for trial in trials {
            lines += &serde_json::to_string(trial).map_err(|e| fail(&e))?;
            lines.push('\n');
        }
        self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_data()).map_err(|e| fail(&e))
    }
}

/// Refuses a directory with the results of another sweep.
fn belongs(dir: &Path, sweep: &Sweep) -> Result<()> {
    let copy = dir.join(SWEEP_FILE);
    if !copy.exists() {
        return Ok(());
    }
    let (before, _) = Sweep::read(&copy)?;
    let same = Sweep { trials: sweep.trials, agents: sweep.agents, ..before.clone() } == *sweep;
    if !same || before.is_grid && before.trials != sweep.trials {
        let message = "it holds the results of another sweep, whose sweep.toml lies beside them. Give --dir a new path, \
                       or the sweep as it was; only `trials` and `agents` may change";
        return Err(Error::file("use directory", dir, message));
    }
    Ok(())
}

/// All finished trials in `dir`, of all processes, by number.
///
/// # Errors
///
/// If the directory holds another sweep, or a line that is no trial of this one.
pub fn finished(dir: &Path, sweep: &Sweep) -> Result<BTreeMap<u64, Trial>> {
    belongs(dir, sweep)?;
    let mut found = BTreeMap::new();
    let paths = fs::read_dir(dir).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut paths: Vec<PathBuf> = paths.map_err(|e| Error::file("read directory", dir, e))?;
    paths.retain(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("trials.") && name.ends_with("jsonl")
    });
    paths.sort();
    for path in paths {
        let bytes = files::read(&path, files::MOST_DATA).map_err(|e| Error::file("read", &path, e))?;
        // The last line may be on its way.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let text = String::from_utf8_lossy(&bytes[..whole]);
        for (index, line) in text.lines().enumerate() {
            let wrong = |message: String| {
                let message =
                    format!("line {}: {message}. Remove the line to have the trial trained again", index + 1);
                Error::file("read", &path, message)
            };
            let trial: Trial =
                serde_json::from_str(line).map_err(|e| wrong(format!("no finished trial: {e}")))?;
            if trial.trial >= sweep.len() {
                continue;
            }
            if trial.settings != sweep.own(trial.trial)? {
                return Err(wrong(format!("trial {} has other settings in this sweep", trial.trial)));
            }
            found.insert(trial.trial, trial);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::trials::Outcome;

    const TEXT: &str = "trials = 4\n[settings]\nenv = \"cartpole\"\n[parameters]\n\
                        gamma = { distribution = \"uniform\", min = 0.9, max = 0.99 }\n";

    fn trial(sweep: &Sweep, trial: u64) -> Trial {
        let outcome = Outcome {
            env_steps: Some(7),
            solved_at_env_steps: None,
            diverged_at_update: Some(3),
            eval_greedy_mean: Some(0.1 + 0.2),
            eval_greedy_std: None,
            eval_softmax_mean: None,
            eval_softmax_std: None,
        };
        Trial { trial, settings: sweep.own(trial).expect("settings"), outcome }
    }

    #[test]
    fn finished_trials_are_found_again_and_torn_lines_are_not() {
        let dir = tempfile::tempdir().expect("folder");
        let sweep = Sweep::parse(TEXT).expect("a sweep");
        let mut store = Store::open(dir.path(), &sweep, TEXT, Shard::WHOLE).expect("open");
        let second = Store::open(dir.path(), &sweep, TEXT, Shard::WHOLE).expect_err("locked").to_string();
        assert!(second.contains("another process"), "{second}");
        let mut part = Store::open(dir.path(), &sweep, TEXT, Shard { index: 1, count: 2 }).expect("a part");
        store.add(&[trial(&sweep, 0), trial(&sweep, 2)]).expect("added");
        part.add(&[trial(&sweep, 3)]).expect("added");
        drop(store);
        let path = dir.path().join("trials.jsonl");
        let whole = fs::read(&path).expect("read");
        let last = whole.len() - 1;
        let start = whole[..last].iter().rposition(|byte| *byte == b'\n').expect("two lines") + 1;
        for cut in start..whole.len() {
            fs::write(&path, &whole[..cut]).expect("write");
            let found = finished(dir.path(), &sweep).expect("read");
            assert_eq!(found.keys().copied().collect::<Vec<_>>(), [0, 3], "{cut}");
            let mut store = Store::open(dir.path(), &sweep, TEXT, Shard::WHOLE).expect("open");
            store.add(&[trial(&sweep, 2)]).expect("added");
            assert_eq!(fs::read(&path).expect("read"), whole, "{cut}");
            assert_eq!(finished(dir.path(), &sweep).expect("read")[&2], trial(&sweep, 2));
        }
    }

    #[test]
    fn other_sweeps_and_broken_lines_are_named() {
        let dir = tempfile::tempdir().expect("folder");
        let open = |text: &str| {
            let sweep = Sweep::parse(text).expect("a sweep");
            Store::open(dir.path(), &sweep, text, Shard::WHOLE).map(|mut store| {
                store.add(&[trial(&sweep, 0)]).expect("added");
                sweep
            })
        };
        let sweep = open(TEXT).expect("open");
        let longer = open(&TEXT.replace("trials = 4", "trials = 9\nagents = 3")).expect("longer");
        assert_eq!(finished(dir.path(), &longer).expect("read").len(), 1);
        let error = open(&TEXT.replace("0.99", "0.98")).expect_err("another").to_string();
        assert!(error.contains("another sweep"), "{error}");
        let other = Sweep::parse(&TEXT.replace("cartpole", "catch")).expect("a sweep");
        let error = finished(dir.path(), &other).expect_err("another").to_string();
        assert!(error.contains("another sweep"), "{error}");
        let path = dir.path().join("trials.jsonl");
        let line = fs::read_to_string(&path).expect("read");
        for (broken, part) in [
            (line.replacen("\"gamma\":0.9", "\"gamma\":0.8", 1), "other settings"),
            (format!("{{}}\n{line}"), "line 1: no finished trial"),
        ] {
            fs::write(&path, broken).expect("write");
            let error = finished(dir.path(), &sweep).expect_err(part).to_string();
            assert!(error.contains(part) && error.contains("Remove the line"), "{error}");
        }
        for text in ["4/4", "1", "a/b", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert_eq!("1/4".parse::<Shard>(), Ok(Shard { index: 1, count: 4 }));
    }
}
