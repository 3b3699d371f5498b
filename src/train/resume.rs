//! A run that goes on where its newest good checkpoint was taken: the same settings over the same memory, to the same bits as
//! if it had never stopped.
//!
//! ```
//! use softq::config::Config;
//! use softq::train::event::Event;
//! use softq::train::resume::{Changes, Resumed, resume};
//! use softq::train::run_dir::RunDir;
//! use softq::train::sinks::{RunFiles, train_with};
//! use softq::train::trainer::Trainer;
//!
//! let root = tempfile::tempdir().expect("temporary directory");
//! let path = root.path().join("run");
//! let short = Config { env: "catch".into(), device: "cpu".into(), total_timesteps: 1_200, ..Config::default() };
//! let mut trainer = Trainer::new(&short)?;
//! let files = RunFiles::create(RunDir::create(&path)?, &trainer, Default::default())?.without_pictures();
//! train_with(&mut trainer, files, &Default::default(), &mut |_: &Event| Ok(()))?;
//!
//! // Its last checkpoint is that of its end: made longer, it goes on from there.
//! let changes = Changes { total_timesteps: Some(1_600), ..Changes::default() };
//! let Resumed { mut trainer, files, .. } = resume(&path, &changes, Default::default())?;
//! train_with(&mut trainer, files.without_pictures(), &Default::default(), &mut |_: &Event| Ok(()))?;
//! let mut whole = Trainer::new(&Config { total_timesteps: 1_600, ..short })?;
//! whole.run(&mut |_| Ok(()))?;
//! assert_eq!(trainer.weights()?, whole.weights()?);
//! # Ok::<(), softq::Error>(())
//! ```

use std::path::Path;

use crate::config::{Config, Replay, Temperature, swept, thousands};
use crate::engine::env::Env;
use crate::error::{Error, Result};
use crate::gpu;
use crate::train::checkpoint::store::{self, Every};
use crate::train::pause::enough;
use crate::train::run_dir::{BEST_FILE, MODEL_FILE, REPORT_FILE, RunDir};
use crate::train::saved_run::Origin;
use crate::train::sinks::curve::Curves;
use crate::train::sinks::{RunFiles, best_of_the_end};
use crate::train::trainer::Trainer;

/// What may be different from the run as it was begun.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Environment steps per agent in all; more than the run was to take makes it longer.
    pub total_timesteps: Option<u64>,
    /// Another device.
    pub device: Option<String>,
}

/// A run that can go on.
pub struct Resumed {
    /// Its trainer.
    pub trainer: Trainer,
    /// Its open files.
    pub files: RunFiles,
    /// Its settings.
    pub config: Config,
    /// Its environment.
    pub env: &'static Env,
    /// Its learning curve so far.
    pub curves: Curves,
}

/// Takes the run in the directory `path` up again. What its user should know is told as the first events.
pub fn resume(path: &Path, changes: &Changes, every: Every) -> Result<Resumed> {
    // Before anything is locked or written: this is a run.
    let Origin { mut config, env, reference, .. } = Origin::read(path)?;
    let planned = config.total_timesteps;
    let mut warnings = longer(&mut config, changes.total_timesteps.unwrap_or(planned))?;
    config.device = changes.device.clone().unwrap_or(config.device);
    if changes.device.is_some() && config.megakernel {
        let address = gpu::choose_to_train(&config.device, env)?.address;
        // It moves no bit, and the CPU executor takes agents through whole iterations by itself.
        if address == "cpu" || address == gpu::INTERPRETER {
            config.megakernel = false;
            warnings.push(format!("megakernel is for devices: the run goes on without it on {address}."));
        }
    }
    let dir = RunDir::existing(path);
    let lock = dir.lock()?;
    let checkpoint = store::newest(path, &mut warnings)?;
    if checkpoint.is_none() {
        without_results(&dir)?;
    }
    let mut trainer = Trainer::in_world(&config, env, reference)?;
    match &checkpoint {
        Some(checkpoint) => {
            if config.total_timesteps != planned {
                enough(config.total_timesteps, checkpoint.course.env_steps)?;
            }
            trainer.go_on(checkpoint)?;
            if trainer.course().closing() {
                warnings.push(format!(
                    "The run in {} had ended after {} environment steps: there is nothing to train. A larger --total-timesteps \
                     makes it go on.",
                    path.display(),
                    thousands(checkpoint.course.env_steps)
                ));
            } else if let Some(aside) = best_of_the_end(&dir, checkpoint, &trainer) {
                warnings.push(format!(
                    "The evaluation at the old end is no part of the longer run; the weights that were best in it are kept as {}.",
                    aside.display()
                ));
            }
        }
        None => {
            let kept = dir.aside(BEST_FILE).and_then(|aside| Some(aside.file_name()?.display().to_string()));
            let kept =
                kept.map_or(String::new(), |name| format!(" Its best weights so far are kept as {name}."));
            warnings.push(format!(
                "{} has no checkpoint yet: the run begins anew, with the settings and the seed that it had.{kept}",
                path.display()
            ));
        }
    }
    trainer.warnings.extend(warnings);
    let files = RunFiles::reopen(dir, lock, &trainer, checkpoint.as_ref(), every)?;
    let curves = files.curves()?;
    Ok(Resumed { trainer, files, config, env, curves })
}

/// Makes a run so long. A schedule that spans the run keeps the length that it had, which from here on stands in the settings: what
/// has happened by it cannot be taken back. What changes with that.
fn longer(config: &mut Config, total_timesteps: u64) -> Result<Vec<String>> {
    let planned = std::mem::replace(&mut config.total_timesteps, total_timesteps);
    let mut notes = Vec::new();
    if total_timesteps == planned {
        return Ok(notes);
    }
    let schedules = [
        ("alpha_decay_steps", config.temperature == Temperature::Schedule),
        ("importance_decay_steps", config.replay == Replay::Prioritized),
    ];
    for (key, _) in schedules.into_iter().filter(|(_, used)| *used) {
        if config.sweep.iter().any(|entry| swept(entry).is_ok_and(|setting| setting.key == key)) {
            let hint = "Start a new run, with lengths that do not depend on it.";
            let allowed = format!("{planned}, since the agents' {key} differ");
            return Err(Error::invalid("total_timesteps", total_timesteps, allowed, hint));
        }
        let steps = match key {
            "alpha_decay_steps" => &mut config.alpha_decay_steps,
            _ => &mut config.importance_decay_steps,
        };
        if *steps == 0 {
            *steps = planned;
            let planned = thousands(planned);
            notes.push(format!(
                "{key}, which was 0 for the whole run, is {planned} now: its schedule ends there."
            ));
        }
    }
    Ok(notes)
}

/// Refuses a run whose results would be lost: without a checkpoint it begins anew.
fn without_results(dir: &RunDir) -> Result<()> {
    for name in [REPORT_FILE, MODEL_FILE] {
        if dir.file(name).exists() {
            let what = format!("{} has results and no checkpoint", dir.path().display());
            let hint =
                "To train once more, from the start: softq train --config config.toml of that directory.";
            return Err(Error::invalid("resume", what, "a run with a checkpoint to go on from", hint));
        }
    }
    Ok(())
}
