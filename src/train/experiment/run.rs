//! An experiment at work. Its folder holds a copy of its file, the directory of every population, the scores of those that
//! are done, and in the end `scores.csv`. A killed experiment goes on where it stood: populations that are done are not run
//! again, and the one that was running goes on from its checkpoint.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::files;
use crate::train::checkpoint::store::{self, Every};
use crate::train::event::Event;
use crate::train::experiment::scores::{self, HEADER, SCORES_FILE, Score};
use crate::train::experiment::{Cell, Experiment};
use crate::train::resume::{Changes, Resumed, resume};
use crate::train::run_dir::{CONFIG_FILE, ENVIRONMENT_FILE, EVALUATIONS_FILE, MODEL_FILE, RunDir};
use crate::train::saved_run::Origin;
use crate::train::sinks::{RunFiles, train_with};
use crate::train::trainer::Trainer;

/// The copy of the experiment's file.
const COPY: &str = "experiment.toml";
/// Where the directories of its populations lie.
pub(super) const RUNS: &str = "runs";
/// Where the scores of those that are done lie.
pub(super) const DONE: &str = "done";
/// Time between two checkpoints of a population.
const EVERY: Every = Every::Time(Duration::from_secs(30));

/// How far an experiment is.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The population that is running.
    pub cell: &'a Cell,
    /// Its index.
    pub index: usize,
    /// Environment steps of it so far, per agent.
    pub env_steps: u64,
    /// Whether it is done.
    pub done: bool,
}

/// Runs what is not yet done into `root`, and returns all scores. `observe` is told how it goes. A population that its settings or
/// its world end does not keep the others from being trained; its error comes in the place of the scores.
pub fn run(
    experiment: &Experiment,
    root: &Path,
    stop: &AtomicUsize,
    observe: &mut dyn FnMut(Standing<'_>, &Event),
) -> Result<Vec<Score>> {
    let folder = open(experiment, root)?;
    let _lock = folder.lock()?;
    let (runs, done) = (folder.inner(RUNS)?, folder.inner(DONE)?);
    for cell in &experiment.cells {
        in_the_same_world(cell, &runs.file(&cell.slug))?;
    }
    let mut all = Vec::new();
    let mut failed = None;
    for (index, cell) in experiment.cells.iter().enumerate() {
        let name = format!("{}.csv", cell.slug);
        if !done.file(&name).is_file() {
            let dir = runs.file(&cell.slug);
            let of_cell = match train(cell, index, &dir, stop, observe) {
                Ok(()) => scores::of_run(
                    &dir.join(EVALUATIONS_FILE),
                    &|_| cell.algorithm.clone(),
                    &cell.resolved.env.id,
                )?,
                // Every seed of it: it has no score at its end, and the others are trained all the same.
                Err(Error::Diverged { .. }) => Vec::new(),
                // The others are trained all the same.
                Err(error) if error.is_of_one_run() => {
                    let standing = Standing { cell, index, env_steps: 0, done: false };
                    observe(standing, &Event::Warning(format!("it cannot be trained: {error}")));
                    failed.get_or_insert(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            done.write(&name, text(&of_cell).as_bytes())?;
        }
        let of_cell = scores::read(&done.file(&name))?;
        if of_cell.is_empty() {
            let standing = Standing { cell, index, env_steps: 0, done: true };
            observe(
                standing,
                &Event::Warning(format!(
                    "it has no scores, since every seed of it diverged; lower its learning_rate or reward_scale in another experiment, or \
                 delete {} to try again",
                    done.file(&name).display()
                )),
            );
        }
        all.extend(of_cell);
        folder.write(SCORES_FILE, text(&all).as_bytes())?;
    }
    failed.map_or(Ok(all), Err)
}

fn text(scores: &[Score]) -> String {
    format!("{HEADER}\n{}", scores.iter().map(Score::row).collect::<String>())
}

/// The folder: new, or that of the same experiment.
fn open(experiment: &Experiment, root: &Path) -> Result<RunDir> {
    let copy = root.join(COPY);
    if copy.is_file() {
        let text = files::read_text(&copy, files::MOST_TEXT).map_err(|e| Error::file("read", &copy, e))?;
        if text != experiment.text {
            let message = format!(
                "it holds another experiment than {}. Give --out a new folder, or put the file back as it was",
                experiment.path.display()
            );
            return Err(Error::file("go on in", root, message));
        }
        return Ok(RunDir::existing(root));
    }
    // What a kill may leave of the first write, and of nothing else.
    let torn = root.join(format!(".{COPY}.tmp"));
    if torn.is_file() {
        fs::remove_file(&torn).map_err(|e| Error::file("remove", &torn, e))?;
    }
    if fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some()) {
        let message = format!("it is not empty and holds no experiment ({COPY}). Give --out a new path");
        return Err(Error::file("use folder", root, message));
    }
    let folder = RunDir::create(root)?;
    folder.write(COPY, experiment.text.as_bytes())?;
    Ok(folder)
}

/// Refuses to go on where the file of an environment has changed since a population was trained in it.
fn in_the_same_world(cell: &Cell, dir: &Path) -> Result<()> {
    let (env, copy) = (cell.resolved.env, dir.join(ENVIRONMENT_FILE));
    if !env.user || !copy.is_file() {
        return Ok(());
    }
    let kept = files::read_text(&copy, files::MOST_TEXT).map_err(|e| Error::file("read", &copy, e))?;
    match kept == env.given {
        true => Ok(()),
        false => {
            let copy = copy.display();
            let message = format!(
                "it has changed since this experiment was begun. Give --out a new folder, or put it back as it was: {copy}"
            );
            Err(Error::file("go on in", &env.file, message))
        }
    }
}

/// Whether a population has ended without a checkpoint to go on from, which happens to one that diverges early.
fn lost(dir: &Path) -> bool {
    dir.join(MODEL_FILE).is_file() && store::newest(dir, &mut Vec::new()).is_ok_and(|newest| newest.is_none())
}

fn train(
    cell: &Cell,
    index: usize,
    dir: &Path,
    stop: &AtomicUsize,
    observe: &mut dyn FnMut(Standing<'_>, &Event),
) -> Result<()> {
    let (mut trainer, files) = if dir.join(CONFIG_FILE).is_file() && !lost(dir) {
        as_long(cell, dir)?;
        let device = Some(cell.resolved.config.device.clone());
        let Resumed { trainer, files, .. } = resume(dir, &Changes { device, ..Changes::default() }, EVERY)?;
        (trainer, files)
    } else {
        if dir.exists() {
            // Killed before it was a run, or when it had diverged.
            fs::remove_dir_all(dir).map_err(|e| Error::file("remove", dir, e))?;
        }
        let trainer = Trainer::new(&cell.resolved.config)?;
        let files = RunFiles::create(RunDir::create(dir)?, &trainer, EVERY)?;
        (trainer, files)
    };
    let mut env_steps = 0;
    train_with(&mut trainer, files.without_pictures(), stop, &mut |event: &Event| {
        if let Event::Progress(progress) = event {
            env_steps = progress.env_steps;
        }
        let done = matches!(event, Event::Finished(_));
        observe(Standing { cell, index, env_steps, done }, event);
        Ok(())
    })
    .map_err(|error| match error {
        Error::Interrupted { signal, env_steps, kept, .. } => {
            let goes_on = "The same `softq experiment` command goes on from here.".into();
            Error::Interrupted { signal, env_steps, kept, goes_on }
        }
        error => error,
    })?;
    Ok(())
}

/// Refuses to go on with a population that was made longer or shorter by itself.
fn as_long(cell: &Cell, dir: &Path) -> Result<()> {
    let (own, wanted) = (Origin::read(dir)?.config.total_timesteps, cell.resolved.config.total_timesteps);
    match own == wanted {
        true => Ok(()),
        false => {
            let message = format!(
                "it was given total_timesteps = {own} where the experiment has {wanted}. Delete it to train this population anew"
            );
            Err(Error::file("go on in", dir, message))
        }
    }
}

/// What a population costs: bytes of device memory, and seconds, from a short try of its iteration.
pub fn estimate(cell: &Cell) -> Result<(u64, f64)> {
    const TRY: Duration = Duration::from_millis(400);
    let config = &cell.resolved.config;
    let mut short = config.clone();
    // Learning begins at once, and nothing interrupts it.
    short.learning_starts =
        u64::from(config.batch_size).max(config.num_envs.into()).min(config.learning_starts);
    short.eval_frequency = 0;
    short.log_frequency = config.total_timesteps;
    let mut trainer = Trainer::new(&short)?;
    let memory = trainer.memory_bytes();
    // The first steps compile what is left to compile.
    while trainer.course().env_steps <= short.learning_starts && !trainer.course().finished() {
        trainer.advance()?;
        trainer.wait()?;
    }
    trainer.settle()?;
    let (before, from) = (Instant::now(), trainer.course().env_steps);
    while before.elapsed() < TRY && !trainer.course().closing() {
        trainer.advance()?;
    }
    trainer.idle()?;
    let steps = trainer.course().env_steps.saturating_sub(from).max(1);
    let rate = steps as f64 / before.elapsed().as_secs_f64();
    Ok((memory, config.total_timesteps as f64 / rate))
}
