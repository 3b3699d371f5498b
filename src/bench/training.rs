//! Training: updates and environment steps per second of all agents together, from the windows of one run, without its start.

use crate::agents;
use crate::bench::row::{Group, Row, Unit};
use crate::bench::timing::Effort;
use crate::config::Config;
use crate::engine::clock::Instant;
use crate::engine::executor::Executor;
use crate::envs;
use crate::error::Result;
use crate::gpu;
use crate::kernels::metrics::Metrics;
use crate::train::event::{Event, Progress};
use crate::train::trainer::Trainer;
use crate::verify::training::compare_training;

/// Iterations of one agent that are compared with the twins; of a population fewer.
const COMPARED: u64 = 32;

/// What a run told.
struct Windows {
    windows: Vec<Progress>,
    /// Bytes that were sent to the device meanwhile.
    uploaded: u64,
    hardware: bool,
}

/// The windows with updates of a run of about `seconds`, at least so many, where three times as long is enough for them.
fn windows(config: &Config, seconds: f64, least: usize) -> Result<Windows> {
    let mut trainer = Trainer::new(config)?;
    let before = trainer.uploaded_bytes();
    let (mut windows, start) = (Vec::new(), Instant::now());
    let elapsed = || start.elapsed().as_secs_f64();
    while elapsed() < seconds || windows.len() < 3 || (windows.len() < least && elapsed() < 3.0 * seconds) {
        for event in trainer.advance()? {
            match event {
                // Before its first update a run fills its memory.
                Event::Progress(progress) if progress.updates > 0 => windows.push(progress),
                _ => {}
            }
        }
        trainer.wait()?;
    }
    Ok(Windows { windows, uploaded: trainer.uploaded_bytes() - before, hardware: trainer.choice().hardware })
}

/// Times a training for about `seconds`: a row of updates and one of environment steps, both over all agents.
pub fn measure(
    executor: &mut dyn Executor,
    config: &Config,
    seconds: f64,
    effort: &Effort,
) -> Result<[Row; 2]> {
    let env = envs::open(&config.env, &config.env_values()?)?;
    let step = agents::plan(&Config { agents: 1, ..config.clone() }, env)?.env_steps();
    let endless = Config {
        device: executor.address().into(),
        total_timesteps: u64::from(u32::MAX),
        eval_frequency: 0,
        stop_when_solved: false,
        log_frequency: 8 * step,
        ..config.clone()
    };
    // A short run finds the pace; a window of the long one takes the time of a sample.
    let pilot = windows(&endless, 0.1 * seconds, 3)?.windows;
    let rate = rates(&pilot, |window| window.env_steps).iter().copied().fold(0.0, f64::max);
    let every = (rate * seconds / effort.repeats as f64) as u64 / step * step;
    let endless = Config { log_frequency: every.max(step), ..endless };
    let Windows { windows, uploaded, hardware } =
        windows(&endless, seconds * (1.0 + 2.0 / effort.repeats as f64), effort.repeats + 2)?;
    let verdict = counted(&windows, config).and_then(|()| match executor.address() {
        "cpu" => Ok(()),
        _ => as_the_twins(executor, config, hardware).unwrap_or_else(|error| Err(error.to_string())),
    });
    let agents = config.agents;
    let network = match config.network == Config::default().network {
        true => config.hidden.iter().map(u32::to_string).collect::<Vec<_>>().join("-"),
        false => config.network.word().to_owned(),
    };
    let how = if config.megakernel { ", megakernel" } else { "" };
    let shape = format!(
        "{network}, batch {}, {} environments, {agents} agents{how}",
        config.batch_size, config.num_envs
    );
    let against = match executor.address() {
        "cpu" => "the number of updates",
        _ => "the number of updates; the twins, iteration by iteration",
    };
    let read = u64::from(agents) * std::mem::size_of::<Metrics>() as u64;
    let note = format!("{uploaded} bytes up, {read} bytes back per window");
    let row = |unit, count: fn(&Progress) -> u64| {
        let rates: Vec<f64> = rates(&windows, count).iter().map(|rate| rate * f64::from(agents)).collect();
        let name = format!("{} {}", env.id, config.algo);
        let row = Row::new(Group::Training, name, &shape, unit, &rates).judged(against, verdict.clone());
        Row { note: note.clone(), ..row }
    };
    Ok([row(Unit::Updates, |window| window.updates), row(Unit::Steps, |window| window.env_steps)])
}

/// Counts per second between neighbouring windows, without the first, which has the compilation and the fill of the memory.
fn rates(windows: &[Progress], count: fn(&Progress) -> u64) -> Vec<f64> {
    let pairs = windows.windows(2).skip(1);
    pairs
        .filter(|pair| pair[1].wall_s > pair[0].wall_s)
        .map(|pair| (count(&pair[1]) - count(&pair[0])) as f64 / (pair[1].wall_s - pair[0].wall_s))
        .collect()
}

/// Whether the device counted the updates that belong to the steps it counted: none was left out.
fn counted(windows: &[Progress], config: &Config) -> std::result::Result<(), String> {
    let (updates, steps) = config.update_ratio();
    for pair in windows.windows(2) {
        let made = (pair[1].updates - pair[0].updates) * steps;
        let due = (pair[1].env_steps - pair[0].env_steps) * updates;
        if made != due {
            return Err(format!("{} updates where {} are due", made / steps, due / steps));
        }
    }
    Ok(())
}

/// Whether some iterations leave the memory that they leave by the twins, within verification's bound.
fn as_the_twins(
    executor: &mut dyn Executor,
    config: &Config,
    hardware: bool,
) -> Result<std::result::Result<(), String>> {
    let iterations = (COMPARED / u64::from(config.agents)).max(1);
    let row = match config.megakernel {
        true => {
            let env = envs::open(&config.env, &config.env_values()?)?;
            let mut merging = gpu::open_merging(&gpu::choose(executor.address())?, env)?;
            compare_training(&mut *merging, config, hardware, iterations)?
        }
        false => compare_training(executor, config, hardware, iterations)?,
    };
    Ok(match row.failures.first() {
        None if row.twin.is_none_or(|errors| errors.words == 0) => Err("nothing was compared".into()),
        None => Ok(()),
        Some(failure) => Err(format!(
            "{}[{}] is {}, should be {}",
            failure.binding, failure.index, failure.got, failure.want
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_update_is_seen() {
        let config = Config { num_envs: 4, train_frequency: 2, gradient_steps: 1, ..Config::default() };
        let window = |env_steps, updates| Progress { env_steps, updates, ..Progress::default() };
        assert_eq!(counted(&[window(80, 10), window(160, 20)], &config), Ok(()));
        assert!(counted(&[window(80, 10), window(160, 19)], &config).is_err());
    }
}
