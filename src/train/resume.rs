//! A run that goes on where its newest good checkpoint was taken: the same settings over the same memory, to the same bits as
//! if it had never stopped.

use std::path::Path;

use crate::config::Config;
use crate::engine::env::Env;
use crate::error::Result;
use crate::train::checkpoint::store::{self, Every};
use crate::train::pause::enough;
use crate::train::run_dir::RunDir;
use crate::train::saved_run::Origin;
use crate::train::sinks::RunFiles;
use crate::train::sinks::curve::Curves;
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
    config.total_timesteps = changes.total_timesteps.unwrap_or(planned);
    config.device = changes.device.clone().unwrap_or(config.device);
    let dir = RunDir::existing(path);
    let lock = dir.lock()?;
    let mut warnings = Vec::new();
    let checkpoint = store::newest(path, &mut warnings)?;
    let mut trainer = Trainer::in_world(&config, env, reference)?;
    match &checkpoint {
        Some(checkpoint) => {
            if config.total_timesteps != planned {
                enough(config.total_timesteps, checkpoint.course.env_steps)?;
            }
            trainer.go_on(checkpoint)?;
        }
        None => warnings.push(format!(
            "{} has no checkpoint yet: the run begins anew, with the settings and the seed that it had.",
            path.display()
        )),
    }
    trainer.warnings.extend(warnings);
    let files = RunFiles::reopen(dir, lock, &trainer, checkpoint.as_ref(), every)?;
    let curves = files.curves()?;
    Ok(Resumed { trainer, files, config, env, curves })
}
