//! Everything that a run writes. A sink takes the events of a run and turns them into a file of its directory; together they
//! leave the same directory whoever trains, the program or a program that uses the library. Files are written as soon as
//! their content exists, so that a run that ends badly still leaves its settings, its curve and its last weights.

pub mod curve;
pub mod model;
pub mod pictures;
pub mod population;
pub mod progress_csv;
pub mod report;
pub mod settings;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result};
use crate::train::event::{Event, Report, Weights};
use crate::train::run_dir::{MODEL_FILE, RunDir};
use crate::train::trainer::Trainer;

/// One of the files that a run leaves.
pub trait Sink {
    /// Takes an event.
    fn take(&mut self, event: &Event, dir: &RunDir) -> Result<()>;

    /// The run is over, well or not: what is written once.
    fn close(&mut self, _dir: &RunDir) -> Result<()> {
        Ok(())
    }
}

/// All files of a run.
pub struct RunFiles {
    dir: RunDir,
    sinks: Vec<Box<dyn Sink>>,
}

impl RunFiles {
    /// Writes what the run is going to do and opens the rest.
    pub fn create(dir: RunDir, trainer: &Trainer) -> Result<RunFiles> {
        settings::write(&dir, trainer)?;
        dir.reserve(trainer.weights_bytes());
        dir.seal(false)?;
        let sinks: Vec<Box<dyn Sink>> = vec![
            Box::new(model::Model),
            Box::new(progress_csv::ProgressCsv::create(&dir)?),
            Box::new(curve::CurveSvg::new(trainer)),
            Box::new(population::PopulationCsv),
            Box::new(report::ReportJson::new(trainer)),
            Box::new(pictures::AgentGif),
        ];
        Ok(RunFiles { dir, sinks })
    }

    /// Hands an event to every sink.
    pub fn take(&mut self, event: &Event) -> Result<()> {
        self.sinks.iter_mut().try_for_each(|sink| sink.take(event, &self.dir))
    }

    /// Writes what is written once. Every sink has its turn; the first error is returned.
    pub fn close(&mut self) -> Result<()> {
        self.dir.release();
        let closed: Vec<Result<()>> = self.sinks.iter_mut().map(|sink| sink.close(&self.dir)).collect();
        closed.into_iter().chain([self.dir.seal(true)]).collect()
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

/// Trains to the end and leaves the files of the run in `dir`; `observe` is told of every event as well. As soon as `stop`
/// holds something else than 0, the number of a signal, the run ends with [`Error::Interrupted`] and keeps its last weights.
pub fn train_in(
    trainer: &mut Trainer,
    dir: RunDir,
    stop: &AtomicUsize,
    observe: &mut dyn FnMut(&Event) -> Result<()>,
) -> Result<Report> {
    let mut files = RunFiles::create(dir, trainer)?;
    match run(trainer, &mut files, stop, observe) {
        Ok(report) => files.close().map(|()| report),
        Err(error) => Err(files.save_what_is_left(error, trainer)),
    }
}

fn run(
    trainer: &mut Trainer,
    files: &mut RunFiles,
    stop: &AtomicUsize,
    observe: &mut dyn FnMut(&Event) -> Result<()>,
) -> Result<Report> {
    let mut outcome = None;
    while outcome.is_none() {
        let signal = stop.load(Ordering::Relaxed);
        if signal != 0 {
            let env_steps = trainer.course().env_steps;
            return Err(Error::Interrupted { signal, env_steps, kept: String::new() });
        }
        for event in trainer.advance()? {
            files.take(&event)?;
            observe(&event)?;
            if let Event::Finished(report) = event {
                outcome = Some(*report);
            }
        }
        trainer.wait()?;
    }
    let pictures = Event::Pictures(trainer.record_episode(pictures::WIDTH)?);
    files.take(&pictures)?;
    observe(&pictures)?;
    outcome.ok_or_else(|| Error::invalid("run", "finished", "one that goes on", "Make a new Trainer."))
}
