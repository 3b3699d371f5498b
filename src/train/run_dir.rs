//! The directory of one run, `runs/<env>__<algo>__<seed>__<unix time>`, and how files get into it: written to a
//! temporary name in the same directory, fsynced, renamed, and the directory fsynced. A file that is there is whole.
//!
//! ```
//! use softq::config::Config;
//! use softq::train::run_dir::{Lock, REPORT_FILE, RunDir, SUMS_FILE};
//!
//! let root = tempfile::tempdir().expect("temporary directory");
//! let dir = RunDir::create_in(root.path(), &Config::default())?;
//! let lock: Lock = dir.lock()?;
//! dir.write(REPORT_FILE, b"{}")?;
//! // Digests of what is there, as `sha256sum --check` reads them.
//! dir.seal(true)?;
//! let sums = std::fs::read_to_string(dir.file(SUMS_FILE)).expect("written");
//! assert!(sums.lines().count() == 1 && sums.trim_end().ends_with(REPORT_FILE));
//!
//! let second = RunDir::existing(dir.path()).lock().expect_err("one process at a time").to_string();
//! assert!(second.contains("another process trains in it"), "{second}");
//! drop(lock);
//! RunDir::existing(dir.path()).lock()?;
//! # Ok::<(), softq::Error>(())
//! ```

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::files;
use crate::train::checksums::Checksums;

/// The resolved settings.
pub const CONFIG_FILE: &str = "config.toml";
/// The copy of a user's environment file.
pub const ENVIRONMENT_FILE: &str = "environment.wgsl";
/// The reference policy that the run is relative to.
pub const REFERENCE_FILE: &str = "reference.safetensors";
/// The command line.
pub const COMMAND_FILE: &str = "command.txt";
/// Device and versions.
pub const SYSTEM_FILE: &str = "system.json";
/// Every number over time.
pub const PROGRESS_FILE: &str = "progress.csv";
/// Every evaluation of every agent.
pub const EVALUATIONS_FILE: &str = "evaluations.csv";
/// The same and more, for programs, agent by agent.
pub const METRICS_FILE: &str = "metrics.jsonl";
/// Where event files for TensorBoard lie.
pub const TENSORBOARD: &str = "tensorboard";
/// The last weights.
pub const MODEL_FILE: &str = "model.safetensors";
/// The weights that evaluated best.
pub const BEST_FILE: &str = "best.safetensors";
/// The last weights of all agents of a population.
pub const AGENTS_FILE: &str = "agents.safetensors";
/// The agents of a population, best first.
pub const POPULATION_FILE: &str = "population.csv";
/// How the run ended.
pub const REPORT_FILE: &str = "report.json";
/// The learning curve.
pub const CURVE_FILE: &str = "curve.svg";
/// The trained agent at work.
pub const GIF_FILE: &str = "agent.gif";
/// Time per kernel of a profiled run.
pub const PROFILE_FILE: &str = "profile.csv";
/// Its dispatches in Chrome's trace format.
pub const TRACE_FILE: &str = "trace.json";
/// Where checkpoints lie.
pub const CHECKPOINTS: &str = "checkpoints";
/// Digests of all the others.
pub const SUMS_FILE: &str = "SHA256SUMS";

/// Everything that a run writes, but the digests.
const FILES: &[&str] = &[
    CONFIG_FILE,
    ENVIRONMENT_FILE,
    REFERENCE_FILE,
    COMMAND_FILE,
    SYSTEM_FILE,
    PROGRESS_FILE,
    EVALUATIONS_FILE,
    METRICS_FILE,
    MODEL_FILE,
    BEST_FILE,
    AGENTS_FILE,
    POPULATION_FILE,
    REPORT_FILE,
    CURVE_FILE,
    GIF_FILE,
    PROFILE_FILE,
    TRACE_FILE,
];

/// Those that grow while the run goes on.
const GROWING: &[&str] = &[PROGRESS_FILE, EVALUATIONS_FILE, METRICS_FILE];

/// Room held for the last weights until the run ends.
const RESERVE_FILE: &str = ".reserve";

/// Locked while a run goes on, so that no second process goes on with it.
const LOCK_FILE: &str = ".lock";

/// Held by the process that trains in a run directory; its end, however it comes, lets go.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    path: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // It may be gone with the directory.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether an open file is the one at `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |about: std::io::Result<fs::Metadata>| about.map(|about| (about.dev(), about.ino())).ok();
    number(file.metadata()) == number(fs::metadata(path))
}

/// Windows removes no file that is open.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// An existing, writable directory that belongs to one run.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Creates `path`, parents included. A directory that is already there is taken only when it is empty, so that no
    /// run writes over another one.
    pub fn create(path: &Path) -> Result<RunDir> {
        fs::create_dir_all(path).map_err(|e| Error::file("create run directory", path, e))?;
        let mut entries = fs::read_dir(path).map_err(|e| Error::file("read run directory", path, e))?;
        if entries.next().is_some() {
            return Err(Error::file(
                "use run directory",
                path,
                "it is not empty. Give --run-dir a new path, or remove what is there",
            ));
        }
        Ok(RunDir { path: path.to_owned() })
    }

    /// Creates the directory with the conventional name below `root`; a second run within the same second gets `-2`.
    pub fn create_in(root: &Path, config: &Config) -> Result<RunDir> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let name = format!("{}__{}__{}__{seconds}", file_name(&config.env), config.algo, config.seed);
        fs::create_dir_all(root).map_err(|e| Error::file("create run directory", root, e))?;
        for attempt in 1.. {
            let path = root.join(if attempt == 1 { name.clone() } else { format!("{name}-{attempt}") });
            match fs::create_dir(&path) {
                Ok(()) => return Ok(RunDir { path }),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::file("create run directory", path, e)),
            }
        }
        unreachable!("the loop ends only by returning")
    }

    /// The directory of a run that is there already.
    pub fn existing(path: &Path) -> RunDir {
        RunDir { path: path.to_owned() }
    }

    /// Keeps other processes from training here.
    pub fn lock(&self) -> Result<Lock> {
        let path = self.file(LOCK_FILE);
        loop {
            let file = File::create(&path).map_err(|e| Error::file("write", &path, e))?;
            match file.try_lock() {
                Err(fs::TryLockError::WouldBlock) => {
                    let message = "another process trains in it. Wait for its end, or stop it";
                    return Err(Error::file("use run directory", self.path.clone(), message));
                }
                // Its holder may have removed the file between the two calls above: whoever comes next locks another one.
                Ok(()) if !is_at(&file, &path) => {}
                // A file system without locks cannot tell.
                Ok(()) | Err(fs::TryLockError::Error(_)) => return Ok(Lock { _file: file, path }),
            }
        }
    }

    /// A directory inside this one, made if it is not there.
    pub fn inner(&self, name: &str) -> Result<RunDir> {
        let path = self.file(name);
        match fs::create_dir(&path) {
            // Whether it is one shows when something is written there.
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(Error::file("create directory", path, e))
            }
            _ => Ok(RunDir { path }),
        }
    }

    /// Path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of `name` inside the directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes the digests of all files that are there, so that later changes are noticed; while the run goes on, without
    /// those of files that grow.
    pub fn seal(&self, over: bool) -> Result<()> {
        let names: Vec<&str> = FILES.iter().copied().filter(|name| over || !GROWING.contains(name)).collect();
        self.write(SUMS_FILE, Checksums::of(&self.path, &names)?.text().as_bytes())
    }

    /// Removes the digests.
    pub fn unseal(&self) -> Result<()> {
        self.remove(SUMS_FILE)
    }

    /// Where `NAME.safetensors` can be kept from a run that begins anew: the first of `NAME_before_1.safetensors` and so on that is
    /// free. Nothing if there is no such file.
    pub fn aside(&self, name: &str) -> Option<PathBuf> {
        let (stem, ending) = name.rsplit_once('.').filter(|_| self.file(name).exists())?;
        (1..).map(|n| self.file(&format!("{stem}_before_{n}.{ending}"))).find(|path| !path.exists())
    }

    /// Removes `name`, if it is there, a directory with everything in it.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.file(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", path, e)),
            _ => Ok(()),
        }
    }

    /// Holds room on the disk for files of `bytes` that must be written even when everything else is full. Where there is
    /// no such room, the run may still fit.
    pub fn reserve(&self, bytes: u64) {
        // The curve, the digests and what a file system adds; on a disk that is almost full already, the weights alone.
        for more in [128 << 10, 16 << 10] {
            // Not zeros, which some file systems do not store.
            if fs::write(self.file(RESERVE_FILE), vec![0xa5; bytes as usize + more]).is_ok() {
                return;
            }
            self.release();
        }
    }

    /// Gives the room back.
    pub fn release(&self) {
        // It may be gone already.
        let _ = fs::remove_file(self.file(RESERVE_FILE));
    }

    /// Writes `name` atomically.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.file(name);
        files::write(&path, bytes).map_err(|error| Error::file("write", path, error))
    }
}

/// An environment may be named by a path; only its last part, without separators, goes into the directory's name.
fn file_name(env: &str) -> String {
    let stem =
        Path::new(env).file_stem().map_or_else(|| env.to_owned(), |s| s.to_string_lossy().into_owned());
    stem.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_directory_must_be_empty() {
        let root = tempfile::tempdir().expect("temporary directory");
        RunDir::create(root.path()).expect("an empty directory is fine");
        fs::write(root.path().join("model.safetensors"), "weights").expect("write");
        let error = RunDir::create(root.path()).expect_err("not empty");
        assert_eq!(error.exit_code(), 6);
        assert!(error.to_string().contains("not empty"), "{error}");
        let error = RunDir::create(&root.path().join("model.safetensors/run")).expect_err("below a file");
        assert_eq!(error.exit_code(), 6);
    }

    #[test]
    fn two_runs_in_one_second_get_two_directories() {
        let root = tempfile::tempdir().expect("temporary directory");
        let config = Config::default();
        let first = RunDir::create_in(root.path(), &config).expect("first");
        let second = RunDir::create_in(root.path(), &config).expect("second");
        assert_ne!(first.path(), second.path());
        let name = first.path().file_name().expect("name").to_string_lossy().into_owned();
        assert!(name.starts_with("CartPole-v1__sqn__0__"), "{name}");
    }

    #[test]
    fn files_are_replaced_whole_and_a_failed_write_leaves_nothing() {
        let root = tempfile::tempdir().expect("temporary directory");
        let dir = RunDir::create(root.path()).expect("directory");
        dir.write("report.json", b"first, and longer").expect("write");
        dir.write("report.json", b"{}").expect("write again");
        assert_eq!(fs::read_to_string(dir.file("report.json")).expect("read"), "{}");
        // A directory in the way makes the rename fail, after the temporary file exists.
        fs::create_dir_all(dir.file("model.safetensors/inside")).expect("directory");
        let error = dir.write("model.safetensors", b"x").expect_err("in the way");
        assert!(error.to_string().contains("model.safetensors"), "{error}");
        assert_eq!(fs::read_dir(root.path()).expect("list").count(), 2);
    }

    #[test]
    fn a_path_as_environment_does_not_leave_the_root() {
        assert_eq!(file_name("../my env.wgsl"), "my_env");
        assert_eq!(file_name("CartPole-v1"), "CartPole-v1");
    }
}
