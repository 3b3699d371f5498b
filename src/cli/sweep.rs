//! `softq sweep`: the trials of a file, trained as populations, their results kept line by line.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde::Serialize;
use softq::config::{counted, thousands};
use softq::shared::printable;
use softq::train::event::Event;
use softq::train::sweep::ranking::{Standing, ranking};
use softq::train::sweep::store::{Shard, Store, finished};
use softq::train::sweep::{Sweep, Trial, default_dir};
use softq::train::trials::{Settings, command, populations, train_each};
use softq::{Error, Result};

use super::player::number;
use super::{json_line, progress_line, say, signals};

/// Arguments of `softq sweep`.
#[derive(clap::Args, Debug)]
#[command(after_help = "docs/sweeps.md describes the file and shows Optuna and a Slurm array.\n\n\
                        A sweep that was stopped or killed goes on with the trials that are missing when the same command is \
                        given again; so it does when `trials` was raised.\n\n\
                        Examples:\n  softq sweep sweep.toml\n  softq sweep sweep.toml --shard 2/4\n  softq sweep sweep.toml --show")]
pub struct SweepArgs {
    /// TOML file: trials, agents, seeds, seed, [settings], [parameters]
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Directory of the results [default: sweeps/<name of the file>]
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
    /// Train part K of N alone, K from 0 on, as one of several processes that share the directory
    #[arg(long, value_name = "K/N", default_value = "0/1")]
    shard: Shard,
    /// Train nothing, show what is finished
    #[arg(long, conflicts_with = "shard")]
    show: bool,
    /// Print one JSON line with the ranking on stdout and nothing else there
    #[arg(long)]
    json: bool,
}

/// The line of `--json`.
#[derive(Serialize)]
struct Summary<'a> {
    dir: String,
    trials: u64,
    finished: usize,
    /// Best settings first.
    ranking: &'a [Standing],
}

/// Runs the command.
pub fn sweep(args: &SweepArgs, out: &mut dyn Write) -> Result<()> {
    let (sweep, text) = Sweep::read(&args.file)?;
    let dir = args.dir.clone().unwrap_or_else(|| default_dir(&args.file));
    let mut failed = None;
    if !args.show {
        let mut store = Store::open(&dir, &sweep, &text, args.shard)?;
        failed = train_missing(&sweep, &dir, args.shard, &mut store)?;
    }
    let done = finished(&dir, &sweep)?;
    let ranking = ranking(done.values());
    if args.json {
        let summary = Summary {
            dir: dir.display().to_string(),
            trials: sweep.len(),
            finished: done.len(),
            ranking: &ranking,
        };
        json_line(out, &summary)?;
    } else {
        say(out, &table(&sweep, &dir, done.len(), &ranking))?;
    }
    failed.map_or(Ok(()), Err)
}

/// Trains what this process has to and nobody has finished. The first error of a trial that cannot be trained; the others are.
fn train_missing(sweep: &Sweep, dir: &Path, shard: Shard, store: &mut Store) -> Result<Option<Error>> {
    let mut done = finished(dir, sweep)?;
    let missing: Vec<u64> =
        (0..sweep.len()).filter(|trial| shard.has(*trial) && !done.contains_key(trial)).collect();
    let configs = missing.iter().map(|trial| Ok((*trial as usize, sweep.config(*trial)?)));
    for note in sweep.notes()? {
        progress_line::warn(&note);
    }
    let stop = signals::watch();
    let populations = populations(&configs.collect::<Result<Vec<_>>>()?, sweep.agents as usize)?;
    let warn = &mut |event: &Event| {
        if let Event::Warning(text) = event {
            progress_line::warn(text);
        }
    };
    let mut failed = None;
    let ended = train_each(populations, &stop, warn, &mut |population, outcomes| {
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => {
                let trial = population.trials[0] as u64;
                let settings = words(&sweep.own(trial)?);
                progress_line::warn(&format!("trial {trial} ({settings}) cannot be trained: {error}"));
                failed.get_or_insert(error);
                return Ok(());
            }
        };
        let trials = population.trials.iter().zip(outcomes).map(|(trial, outcome)| {
            let trial = *trial as u64;
            Ok(Trial { trial, settings: sweep.own(trial)?, outcome })
        });
        let trials: Vec<Trial> = trials.collect::<Result<_>>()?;
        store.add(&trials)?;
        done.extend(trials.into_iter().map(|trial| (trial.trial, trial)));
        tell(sweep, &done);
        Ok(())
    })?;
    if !ended {
        let finished = counted(done.len(), "finished trial");
        let goes_on = format!("With the {finished} in {} the same command goes on.", dir.display());
        let signal = stop.load(Ordering::Relaxed);
        return Err(Error::Interrupted { signal, env_steps: None, kept: String::new(), goes_on });
    }
    Ok(failed)
}

/// One line on stderr after each population.
fn tell(sweep: &Sweep, done: &BTreeMap<u64, Trial>) {
    let mut text = format!("{} of {} trials", thousands(done.len() as u64), thousands(sweep.len()));
    if let Some(best) = ranking(done.values()).first().filter(|best| best.eval_greedy_mean.is_some()) {
        text += &format!(", best {}: {}", mean(best), words(&best.settings));
    }
    // Stderr may be closed.
    let _ = writeln!(std::io::stderr(), "{}", printable::lines(&text));
}

fn mean(standing: &Standing) -> String {
    standing.eval_greedy_mean.map_or("diverged".into(), number)
}

fn words(settings: &Settings) -> String {
    let plain = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    settings.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect::<Vec<_>>().join(" ")
}

/// The best settings, for people.
fn table(sweep: &Sweep, dir: &Path, finished: usize, ranking: &[Standing]) -> String {
    const SHOWN: usize = 10;
    let mut text = format!(
        "{} of {} trials finished, in {}\n",
        thousands(finished as u64),
        thousands(sweep.len()),
        dir.display()
    );
    if ranking.is_empty() {
        return text;
    }
    text += &format!("{:>4} {:>10} {:>7}  settings\n", "rank", "greedy", "solved");
    for (rank, standing) in ranking.iter().take(SHOWN).enumerate() {
        let solved = format!("{}/{}", standing.solved, standing.seeds.len());
        text +=
            &format!("{:>4} {:>10} {solved:>7}  {}\n", rank + 1, mean(standing), words(&standing.settings));
    }
    if ranking.len() > SHOWN {
        text += &format!("... and {} more; --json has them all\n", thousands((ranking.len() - SHOWN) as u64));
    }
    format!("{text}\nThe best settings alone:\n  {}\n", command(&sweep.settings, &ranking[0].settings))
}
