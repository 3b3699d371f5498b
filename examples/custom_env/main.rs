//! Trains on a world of your own through the library, and saves an animation of what was learned.
//!
//! `cargo run --release --example custom_env [FILE] [NAME=VALUE ...]`; without arguments the sailing boat beside this file.

use std::path::Path;

use softq::config::Config;
use softq::envs;
use softq::report::gif;
use softq::train::event::Event;
use softq::train::trainer::Trainer;

fn main() -> softq::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| "examples/custom_env/sailing.wgsl".into());
    let env_param = arguments.collect();
    let config = Config { env: file, env_param, total_timesteps: 80_000, kl: true, ..Config::default() };

    let env = envs::open(&config.env, &config.env_values()?)?;
    println!("{}: {} observations, {}", env.id, env.obs_size, env.actions);

    let mut trainer = Trainer::new(&config)?;
    trainer.run(&mut |event| {
        match event {
            Event::Evaluation { env_steps, greedy } => {
                println!("{env_steps:>8} steps: return {:.2}", greedy.mean())
            }
            Event::Warning(text) => println!("warning: {text}"),
            _ => {}
        }
        Ok(())
    })?;
    let pictures = trainer.record_episode(320)?;
    gif::write_gif(Path::new("custom_env.gif"), &pictures.frames, pictures.delay_cs)?;
    println!("one greedy episode: custom_env.gif");
    Ok(())
}
