//! Time of every dispatch of a training iteration, each alone in a long pass, and of the whole iteration.
//!
//! `cargo bench --bench iteration -- [KEY=VALUE ...]`, config keys in TOML on top of CartPole's preset, e.g.
//! `device='"cpu"' batch_size=256`. Under `cargo test` it runs every dispatch once.

use std::time::{Duration, Instant};

use softq::config::Config;
use softq::engine::executor::{Executor, Program};
use softq::engine::recording::{BufferId, Recording};
use softq::train::presets::preset;

/// Wall time of one run of `program`: repeats until a batch takes 50 ms, then the best of three batches.
fn time(
    executor: &mut dyn Executor,
    program: Program,
    sync: BufferId,
    quick: bool,
) -> softq::Result<Duration> {
    let mut run = |repeat: u32| -> softq::Result<Duration> {
        let start = Instant::now();
        executor.submit(&[(program, repeat)], None)?;
        executor.read(sync)?;
        Ok(start.elapsed())
    };
    run(1)?;
    if quick {
        return run(1);
    }
    let mut repeat = 8;
    while run(repeat)? < Duration::from_millis(50) && repeat < 1 << 16 {
        repeat *= 2;
    }
    let best = (0..3).map(|_| run(repeat)).collect::<softq::Result<Vec<_>>>()?.into_iter().min();
    Ok(best.unwrap_or_default() / repeat)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let quick = std::env::args().any(|arg| arg == "--test") || !std::env::args().any(|arg| arg == "--bench");
    let mut table = preset("CartPole-v1", "sqn").unwrap_or_default();
    for arg in std::env::args().skip(1).filter(|arg| arg.contains('=')) {
        table.extend(arg.parse::<toml::Table>()?);
    }
    let config: Config = table.try_into()?;
    let env = softq::envs::find(&config.env)?;
    let plan = softq::agents::plan(&config, env)?;
    let choice = softq::gpu::choose_to_train(&config.device, env)?;
    let mut executor = softq::gpu::open(&choice)?;
    executor.allocate(&plan.buffers)?;
    for (buffer, words) in &plan.init {
        executor.write(*buffer, words)?;
    }
    println!(
        "{}: {}; batch {}, hidden {:?}",
        choice.address, choice.adapter, config.batch_size, config.hidden
    );
    // Fill the replay, so that updates see real transitions.
    let reset = executor.prepare(&plan.reset)?;
    let act = executor.prepare(&plan.act())?;
    executor.submit(&[(reset, 1), (act, if quick { 5 } else { 500 })], None)?;
    let sync = plan.shards[0].records.id;
    let mut sum = Duration::ZERO;
    for (stage, recording) in
        [("act", &plan.act()), ("learn", &plan.learn()), ("metrics", &plan.shards[0].metrics)]
    {
        for dispatch in &recording.dispatches {
            let program = executor.prepare(&Recording { dispatches: vec![dispatch.clone()] })?;
            let each = time(&mut *executor, program, sync, quick)?;
            if stage != "metrics" {
                sum += each;
            }
            let micros = each.as_secs_f64() * 1e6;
            println!(
                "{stage:<8} {:<24} {:>16} {micros:>9.1} us",
                dispatch.kernel.name,
                format!("{:?}", dispatch.grid)
            );
        }
    }
    let iteration = executor.prepare(&plan.once(|_| true))?;
    let whole = time(&mut *executor, iteration, sync, quick)?;
    println!("sum of parts {:.1} us, iteration {:.1} us", sum.as_secs_f64() * 1e6, whole.as_secs_f64() * 1e6);
    Ok(())
}
