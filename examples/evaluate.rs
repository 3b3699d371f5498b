//! Trains a little, keeps the run as the program would, and judges the saved agent.
//!
//! `cargo run --release --example evaluate [RUN]`; without an argument a run is made in a temporary directory.

use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;

use softq::config::Config;
use softq::train::drawing;
use softq::train::playback::{self, LONGEST};
use softq::train::run_dir::RunDir;
use softq::train::saved_run::{SavedRun, Which};
use softq::train::sinks::train_in;
use softq::train::trainer::Trainer;

fn train(path: &std::path::Path) -> softq::Result<()> {
    let config = Config { env: "catch".into(), total_timesteps: 6_000, ..Config::default() };
    let report =
        train_in(&mut Trainer::new(&config)?, RunDir::create(path)?, &AtomicUsize::new(0), &mut |_| Ok(()))?;
    println!("trained: mean greedy return {:.2}; files in {}", report.best().greedy.mean(), path.display());
    Ok(())
}

fn main() -> softq::Result<()> {
    let path = match std::env::args().nth(1) {
        Some(path) => PathBuf::from(path),
        None => {
            let path = std::env::temp_dir().join(format!("softq_evaluate_{}", std::process::id()));
            train(&path)?;
            path
        }
    };
    // Checked against its digests; a damaged file is refused by name.
    let run = SavedRun::load(&path, Which::Last)?;
    let choice = softq::gpu::choose("cpu")?;
    let mut executor = drawing::executor_for(run.env, &choice)?;
    let mut returns = Vec::new();
    for seed in 0..20 {
        let episode = playback::play(&run.config, run.env, run.policy(false), seed, LONGEST, &mut *executor)?;
        returns.push(episode.episode_return());
    }
    println!("{} greedy episodes: mean {:.2}", returns.len(), softq::statistics::mean(&returns));
    Ok(())
}
