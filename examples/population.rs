//! A population: four learning rates, two seeds each, trained side by side in the same dispatches.
//!
//! `cargo run --release --example population`

use softq::config::Config;
use softq::train::event::Member;
use softq::train::trainer::Trainer;

fn main() -> softq::Result<()> {
    let config = Config {
        env: "catch".into(),
        agents: 8,
        sweep: vec!["learning_rate=0.01,0.003,0.001,0.0001".into()],
        total_timesteps: 8_000,
        ..Config::default()
    };
    let report = Trainer::new(&config)?.run(&mut |_| Ok(()))?;
    println!("rank  learning rate  seed  greedy return");
    for (rank, agent) in Member::ranking(&report.members).into_iter().enumerate() {
        let member = &report.members[agent];
        let Config { learning_rate, seed, .. } = member.config;
        println!("{:>4}  {learning_rate:>13}  {seed:>4}  {:>13.2}", rank + 1, member.greedy.mean());
    }
    println!("{} agents, {} updates each, {:.2} s", report.members.len(), report.updates, report.wall_s);
    Ok(())
}
