//! Everything that a run writes. A sink takes the events of a run and turns them into a file of its directory; together they
//! leave the same directory whoever trains, the program or a program that uses the library. Files are written as soon as
//! their content exists, so that a run that ends badly still leaves its settings, its curve and its last weights.
//!
//! [`train_in`] is the short way. The long one, with somebody beside the run who has a turn between its steps:
//!
//! ```
//! use softq::config::Config;
//! use softq::train::event::Event;
//! use softq::train::run_dir::{MODEL_FILE, PROGRESS_FILE, RunDir};
//! use softq::train::sinks::{Observer, RunFiles, train_with};
//! use softq::train::trainer::Trainer;
//!
//! #[derive(Default)]
//! struct Watch {
//!     windows: usize,
//!     env_steps: u64,
//! }
//!
//! impl Observer for Watch {
//!     fn event(&mut self, event: &Event) -> softq::Result<()> {
//!         self.windows += usize::from(matches!(event, Event::Progress(_)));
//!         Ok(())
//!     }
//!
//!     fn between(&mut self, trainer: &mut Trainer) -> softq::Result<()> {
//!         self.env_steps = trainer.course().env_steps;
//!         Ok(())
//!     }
//! }
//!
//! let root = tempfile::tempdir().expect("temporary directory");
//! let dir = RunDir::create(root.path())?;
//! let short = Config { env: "catch".into(), device: "cpu".into(), total_timesteps: 1_200, ..Config::default() };
//! let mut trainer = Trainer::new(&short)?;
//! let files = RunFiles::create(dir.clone(), &trainer, Default::default())?.without_pictures();
//! let mut watch = Watch::default();
//! let report = train_with(&mut trainer, files, &Default::default(), &mut watch)?;
//! assert_eq!((watch.windows, watch.env_steps), (2, report.env_steps));
//! let rows = std::fs::read_to_string(dir.file(PROGRESS_FILE)).expect("written").lines().count();
//! assert!(rows > watch.windows && dir.file(MODEL_FILE).is_file());
//! # Ok::<(), softq::Error>(())
//! ```

#[doc(hidden)]
pub mod appended;
#[doc(hidden)]
pub mod curve;
#[doc(hidden)]
pub mod evaluations_csv;
#[doc(hidden)]
pub mod metrics_jsonl;
#[doc(hidden)]
pub mod model;
#[doc(hidden)]
pub mod pictures;
mod points;
#[doc(hidden)]
pub mod population;
#[doc(hidden)]
pub mod progress_csv;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod scalars;
#[doc(hidden)]
pub mod settings;
#[cfg(feature = "exchange")]
#[doc(hidden)]
pub mod tensorboard;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::files;
use crate::train::checkpoint::Checkpoint;
use crate::train::checkpoint::store::{Every, Store};
use crate::train::event::{Event, Report, Weights};
#[cfg(feature = "exchange")]
use crate::train::run_dir::TENSORBOARD;
use crate::train::run_dir::{
    AGENTS_FILE, BEST_FILE, CURVE_FILE, EVALUATIONS_FILE, GIF_FILE, Lock, METRICS_FILE, MODEL_FILE,
    POPULATION_FILE, PROFILE_FILE, PROGRESS_FILE, REPORT_FILE, RunDir, TRACE_FILE,
};
use crate::train::trainer::Trainer;

/// One of the files that a run leaves.
///
/// ```
/// use softq::train::event::Event;
/// use softq::train::run_dir::RunDir;
/// use softq::train::sinks::Sink;
///
/// #[derive(Default)]
/// struct Warnings(String);
///
/// impl Sink for Warnings {
///     fn take(&mut self, event: &Event, dir: &RunDir) -> softq::Result<()> {
///         let Event::Warning(text) = event else { return Ok(()) };
///         self.0 += &format!("{text}\n");
///         dir.write("warnings.txt", self.0.as_bytes())
///     }
/// }
///
/// let root = tempfile::tempdir().expect("temporary directory");
/// let dir = RunDir::create(root.path())?;
/// let mut sink = Warnings::default();
/// sink.take(&Event::Warning("alpha runs away".into()), &dir)?;
/// sink.close(&dir)?;
/// assert_eq!(std::fs::read_to_string(dir.file("warnings.txt")).expect("written"), "alpha runs away\n");
/// # Ok::<(), softq::Error>(())
/// ```
pub trait Sink {
    /// Takes an event.
    fn take(&mut self, event: &Event, dir: &RunDir) -> Result<()>;

    /// What it must know to go on from a checkpoint that is made now; nothing where every event is a file of its own.
    fn state(&self) -> Result<Value> {
        Ok(Value::Null)
    }

    /// The run goes on from the checkpoint that it was opened with: what was written since then is no part of it.
    fn go_on(&mut self) -> Result<()> {
        Ok(())
    }

    /// The run is over, well or not: what is written once.
    fn close(&mut self, _dir: &RunDir) -> Result<()> {
        Ok(())
    }
}

/// Makes a sink, anew or as it was at a checkpoint.
type Open = fn(&RunDir, &Trainer, Option<&Value>) -> Result<Box<dyn Sink>>;

/// All sinks, by the file that each writes.
const SINKS: &[(&str, Open)] = &[
    (MODEL_FILE, |_, _, _| Ok(Box::new(model::Model))),
    (PROGRESS_FILE, |dir, _, state| Ok(Box::new(progress_csv::ProgressCsv::open(dir, state)?))),
    (EVALUATIONS_FILE, |dir, trainer, state| {
        Ok(Box::new(evaluations_csv::EvaluationsCsv::open(dir, trainer, state)?))
    }),
    (METRICS_FILE, |dir, trainer, state| {
        Ok(Box::new(metrics_jsonl::MetricsJsonl::open(dir, trainer, state)?))
    }),
    #[cfg(feature = "exchange")]
    (TENSORBOARD, |dir, trainer, state| Ok(Box::new(tensorboard::TensorBoard::open(dir, trainer, state)?))),
    (CURVE_FILE, |_, trainer, state| Ok(Box::new(curve::CurveSvg::open(trainer, state)?))),
    (POPULATION_FILE, |_, _, _| Ok(Box::new(population::PopulationCsv))),
    (REPORT_FILE, |_, trainer, state| Ok(Box::new(report::ReportJson::open(trainer, state)?))),
    (GIF_FILE, |_, _, _| Ok(Box::new(pictures::AgentGif))),
];

/// Where the weights that evaluated best at the end of a run are kept when it goes on from there to be longer: a run that had been so
/// long from the start would not have evaluated there. Nothing if they are those of the checkpoint.
pub(super) fn best_of_the_end(dir: &RunDir, checkpoint: &Checkpoint, trainer: &Trainer) -> Option<PathBuf> {
    let longer = checkpoint.course.closing() && !trainer.course().closing();
    let own = checkpoint.files.get(BEST_FILE);
    let there = || files::read(&dir.file(BEST_FILE), files::MOST_DATA).ok();
    (longer && there().as_ref() != own).then(|| dir.aside(BEST_FILE)).flatten()
}

/// The best weights as they were at a checkpoint.
fn put_back(dir: &RunDir, checkpoint: &Checkpoint, trainer: &Trainer) -> Result<()> {
    if let Some(aside) = best_of_the_end(dir, checkpoint, trainer) {
        dir.unseal()?;
        std::fs::rename(dir.file(BEST_FILE), &aside).map_err(|e| Error::file("write", aside, e))?;
    }
    match checkpoint.files.get(BEST_FILE) {
        Some(bytes) if files::read(&dir.file(BEST_FILE), files::MOST_DATA).ok().as_ref() != Some(bytes) => {
            dir.unseal()?;
            dir.write(BEST_FILE, bytes)
        }
        _ => Ok(()),
    }
}

/// The state of a sink as a checkpoint keeps it.
fn kept(name: &str, value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|e| Error::file("write checkpoint of", name, e))
}

/// The state of a sink out of a checkpoint, or a new one.
fn taken_back<T: Default + DeserializeOwned>(name: &str, state: Option<&Value>) -> Result<T> {
    let read = |state: &Value| {
        T::deserialize(state).map_err(|e| Error::file("read from the checkpoint what belongs to", name, e))
    };
    state.map_or_else(|| Ok(T::default()), read)
}

/// Who is told of a run beside its files. A closure that takes events is one.
pub trait Observer {
    /// Takes an event.
    fn event(&mut self, event: &Event) -> Result<()>;

    /// Has its turn between two steps of the loop, to look at the run or to hold it for a while.
    fn between(&mut self, _trainer: &mut Trainer) -> Result<()> {
        Ok(())
    }
}

impl<F: FnMut(&Event) -> Result<()>> Observer for F {
    fn event(&mut self, event: &Event) -> Result<()> {
        self(event)
    }
}

/// All files of a run.
pub struct RunFiles {
    dir: RunDir,
    sinks: Vec<(&'static str, Box<dyn Sink>)>,
    checkpoints: Store,
    pictures: bool,
    _lock: Lock,
}

impl RunFiles {
    /// Writes what the run is going to do and opens the rest.
    pub fn create(dir: RunDir, trainer: &Trainer, every: Every) -> Result<RunFiles> {
        let lock = dir.lock()?;
        settings::write(&dir, trainer)?;
        let sinks = RunFiles::open(&dir, trainer, &BTreeMap::new())?;
        RunFiles::with(dir, lock, trainer, sinks, every)
    }

    /// Opens the files of a run as they were at a checkpoint, to go on with them; without one they begin anew.
    pub fn reopen(
        dir: RunDir,
        lock: Lock,
        trainer: &Trainer,
        checkpoint: Option<&Checkpoint>,
        every: Every,
    ) -> Result<RunFiles> {
        let anew = BTreeMap::new();
        if checkpoint.is_none() {
            dir.unseal()?;
            if let Some(aside) = dir.aside(BEST_FILE) {
                std::fs::rename(dir.file(BEST_FILE), &aside).map_err(|e| Error::file("write", aside, e))?;
            }
            let others = [AGENTS_FILE, PROFILE_FILE, TRACE_FILE];
            SINKS.iter().map(|(name, _)| *name).chain(others).try_for_each(|name| dir.remove(name))?;
        }
        if let Some(checkpoint) = checkpoint {
            put_back(&dir, checkpoint, trainer)?;
        }
        let states = checkpoint.map_or(&anew, |checkpoint| &checkpoint.sinks);
        let mut sinks = RunFiles::open(&dir, trainer, states)?;
        // Every file can go on, and from here on the run is another one. The digests of one that had ended are not its own;
        // without any, none can be wrong.
        dir.unseal()?;
        settings::renew(&dir, trainer)?;
        sinks.iter_mut().try_for_each(|(_, sink)| sink.go_on())?;
        RunFiles::with(dir, lock, trainer, sinks, every)
    }

    /// The sinks as they were at a checkpoint. Nothing that is there is changed.
    fn open(
        dir: &RunDir,
        trainer: &Trainer,
        states: &BTreeMap<String, Value>,
    ) -> Result<Vec<(&'static str, Box<dyn Sink>)>> {
        SINKS.iter().map(|(name, open)| Ok((*name, open(dir, trainer, states.get(*name))?))).collect()
    }

    fn with(
        dir: RunDir,
        lock: Lock,
        trainer: &Trainer,
        sinks: Vec<(&'static str, Box<dyn Sink>)>,
        every: Every,
    ) -> Result<RunFiles> {
        dir.reserve(trainer.weights_bytes());
        dir.seal(false)?;
        let checkpoints = Store::new(&dir, every, trainer.course());
        Ok(RunFiles { dir, sinks, checkpoints, pictures: true, _lock: lock })
    }

    /// Leaves out the pictures of the trained agent, which for a short run take longer than its training.
    pub fn without_pictures(self) -> RunFiles {
        RunFiles { pictures: false, ..self }
    }

    /// The learning curve so far.
    pub fn curves(&self) -> Result<curve::Curves> {
        let of_curve = self.sinks.iter().find(|(name, _)| *name == CURVE_FILE);
        taken_back(CURVE_FILE, of_curve.map(|(_, sink)| sink.state()).transpose()?.as_ref())
    }

    /// Hands an event to every sink.
    pub fn take(&mut self, event: &Event) -> Result<()> {
        self.sinks.iter_mut().try_for_each(|(_, sink)| sink.take(event, &self.dir))
    }

    /// Writes what is written once. Every sink has its turn; the first error is returned.
    pub fn close(&mut self) -> Result<()> {
        self.dir.release();
        let closed: Vec<Result<()>> = self.sinks.iter_mut().map(|(_, sink)| sink.close(&self.dir)).collect();
        closed.into_iter().chain([self.dir.seal(true)]).collect()
    }

    /// Writes a checkpoint of a trainer on whose executor nothing is on its way.
    fn checkpoint(&mut self, trainer: &mut Trainer) -> Result<()> {
        let mut checkpoint = trainer.checkpoint()?;
        for (name, sink) in &self.sinks {
            match sink.state()? {
                Value::Null => {}
                state => drop(checkpoint.sinks.insert((*name).to_owned(), state)),
            }
        }
        // What comes after may find better ones, and not be part of the run that goes on from here.
        if checkpoint.course.best_evaluated.is_some() {
            let bytes = files::read(&self.dir.file(BEST_FILE), files::MOST_DATA).ok();
            checkpoint.files.extend(bytes.map(|bytes| (BEST_FILE.to_owned(), bytes)));
        }
        self.checkpoints.write(&checkpoint)
    }

    /// After a failure: the last weights, which after a divergence are the last finite ones, and the curve. The failure
    /// stays the error to report; it then says where the weights are.
    fn save_what_is_left(&mut self, error: Error, trainer: &mut Trainer) -> Error {
        // Makes room on a full disk.
        self.dir.release();
        let saved = trainer.last_weights().and_then(|last| {
            let env_steps = match &error {
                Error::Diverged { env_steps, .. } => *env_steps,
                _ => last.env_steps,
            };
            self.take(&Event::Last(Box::new(Weights { env_steps, ..last })))
        });
        let closed = self.close();
        error.with_kept(match saved.and(closed) {
            Ok(()) => self.dir.file(MODEL_FILE).display().to_string(),
            Err(e) if self.dir.file(MODEL_FILE).is_file() => {
                format!("{} (but not every file could be written: {e})", self.dir.file(MODEL_FILE).display())
            }
            Err(e) => format!("no file, because saving failed too ({e})"),
        })
    }
}

/// Trains to the end and leaves the files of the run in `dir`, with a checkpoint every five minutes and at the end; `observe`
/// is told of every event as well. As soon as `stop` holds something else than 0, the number of a signal, the run ends with
/// [`Error::Interrupted`] and keeps a checkpoint and its last weights.
pub fn train_in(
    trainer: &mut Trainer,
    dir: RunDir,
    stop: &AtomicUsize,
    mut observe: &mut dyn FnMut(&Event) -> Result<()>,
) -> Result<Report> {
    let files = RunFiles::create(dir, trainer, Every::default())?;
    train_with(trainer, files, stop, &mut observe)
}

/// The same with files that are open already: those of a new run, or of one that goes on.
pub fn train_with(
    trainer: &mut Trainer,
    mut files: RunFiles,
    stop: &AtomicUsize,
    observer: &mut dyn Observer,
) -> Result<Report> {
    let outcome = Loop { trainer, files: &mut files, observer, report: None }.run(stop);
    match outcome {
        Ok(report) => files.close().map(|()| report),
        Err(error) => Err(files.save_what_is_left(error, trainer)),
    }
}

/// A run with everyone who is told of it.
struct Loop<'a> {
    trainer: &'a mut Trainer,
    files: &'a mut RunFiles,
    observer: &'a mut dyn Observer,
    report: Option<Report>,
}

impl Loop<'_> {
    fn run(mut self, stop: &AtomicUsize) -> Result<Report> {
        while self.report.is_none() {
            let signal = stop.load(Ordering::Relaxed);
            if signal != 0 {
                let env_steps = Some(self.trainer.course().env_steps);
                let goes_on = match self.checkpoint()? {
                    true => "`softq train --resume` with the run directory goes on from here.".into(),
                    false => String::new(),
                };
                // What was on its way may have been the end.
                if self.report.is_none() {
                    return Err(Error::Interrupted { signal, env_steps, kept: String::new(), goes_on });
                }
                break;
            }
            let events = self.trainer.advance()?;
            self.tell(events)?;
            if self.report.is_none() && self.files.checkpoints.due(self.trainer.course()) {
                self.checkpoint()?;
            }
            self.trainer.write_profile(&self.files.dir)?;
            self.observer.between(self.trainer)?;
            self.trainer.wait()?;
        }
        if self.files.pictures {
            let pictures = Event::Pictures(self.trainer.record_episode(pictures::WIDTH)?);
            self.tell(vec![pictures])?;
        }
        let again = || Error::invalid("run", "finished", "one that goes on", "Make a new Trainer.");
        self.report.ok_or_else(again)
    }

    fn tell(&mut self, events: Vec<Event>) -> Result<()> {
        for event in events {
            self.files.take(&event)?;
            self.observer.event(&event)?;
            if let Event::Finished(report) = event {
                self.report = Some(*report);
            }
        }
        Ok(())
    }

    /// Takes everything that is on its way, then a checkpoint, unless there are to be none. Whether there is one.
    fn checkpoint(&mut self) -> Result<bool> {
        if self.files.checkpoints.never() {
            return Ok(false);
        }
        let events = self.trainer.settle()?;
        self.tell(events)?;
        // A run that diverged keeps the checkpoint before; one that ended meanwhile needs none.
        if self.report.is_some() || self.trainer.lost()? {
            return Ok(false);
        }
        self.files.checkpoint(self.trainer)?;
        Ok(true)
    }
}
