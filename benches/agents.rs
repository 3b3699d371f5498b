//! Updates per second of P agents on the CPU executor, in the workload of the side-by-side with JAX: SQN on CartPole, twin
//! nets 120-84, batch 128, 10 environments, one update per vector step, replay 10,240, fixed temperature.
//!
//! `cargo bench --bench agents -- 1 8 32`. Under `cargo test` it runs a few updates once.

use std::time::Instant;

use softq::config::{Config, Temperature};
use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::Executor;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let quick = !std::env::args().any(|arg| arg == "--bench");
    let counts: Vec<u32> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let config = Config {
        batch_size: 128,
        num_envs: 10,
        learning_starts: 1000,
        buffer_size: 10_240,
        temperature: Temperature::Fixed,
        alpha: 0.02,
        reward_scale: 0.05,
        hidden: vec![120, 84],
        learning_rate: 1e-3,
        polyak: 0.005,
        ..Config::default()
    };
    for agents in if counts.is_empty() { vec![1, 8, 32] } else { counts } {
        let all = softq::agents::plan(&Config { agents, ..config.clone() }, softq::envs::find("cartpole")?)?;
        let mut executor = CpuExecutor::new();
        executor.allocate(&all.buffers)?;
        for (buffer, words) in &all.init {
            executor.write(*buffer, words)?;
        }
        let one_step = all.act();
        let [reset, act, metrics] = [&all.reset, &one_step, &all.shards[0].metrics];
        let [reset, act, metrics] =
            [executor.prepare(reset)?, executor.prepare(act)?, executor.prepare(metrics)?];
        executor.submit(&[(reset, 1), (act, 100)], None)?;
        let iteration = executor.prepare(&all.once(|_| true))?;
        let (submissions, steps) = if quick { (1, 2) } else { (10, (6_000 / agents).max(200)) };
        let start = Instant::now();
        for _ in 0..submissions {
            executor.submit(&[(iteration, steps), (metrics, 1)], None)?;
        }
        let updates = f64::from(agents * submissions * steps);
        println!("{agents} agents: {:.0} updates/s in all", updates / start.elapsed().as_secs_f64());
    }
    Ok(())
}
