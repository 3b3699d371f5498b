//! Trains an agent, watches it learn, and looks at what the trained network is made of.
//!
//! `cargo run --release --example quickstart`

use softq::config::Config;
use softq::train::event::Event;
use softq::train::trainer::Trainer;

fn main() -> softq::Result<()> {
    let config = Config { seed: 1, kl: true, total_timesteps: 40_000, ..Config::default() };
    let mut trainer = Trainer::new(&config)?;
    println!("CartPole-v1 on {}", trainer.choice().adapter);
    let report = trainer.run(&mut |event| {
        if let Event::Evaluation { env_steps, greedy } = event {
            println!("{env_steps:>6} steps: mean greedy return {:.1}", greedy.mean());
        }
        Ok(())
    })?;
    match report.best().solved_at_env_steps {
        Some(steps) => println!("solved after {steps} environment steps, {:.2} s", report.wall_s),
        None => println!("not solved within {} environment steps", report.env_steps),
    }
    for tensor in trainer.weights()?.iter().take(2) {
        println!("{} {:?}", tensor.name, tensor.shape);
    }
    Ok(())
}
