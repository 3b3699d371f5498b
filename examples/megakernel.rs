//! Prints the kernel that takes an agent through whole iterations in one workgroup, as WGSL, and on stderr what it took the place of.
//!
//! `cargo run --release --example megakernel -- [KEY=VALUE ...] > megakernel.wgsl`
//!
//! KEY=VALUE are config keys in TOML, on top of the environment's preset, e.g. `env='"pendulum"' algo='"sac"' hidden='[16]'`.

use softq::agents;
use softq::config::Config;
use softq::engine::merge::{Arenas, merge};
use softq::engine::recording::Recording;
use softq::train::presets::preset;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut overrides = toml::Table::new();
    for setting in std::env::args().skip(1) {
        overrides.extend(setting.parse::<toml::Table>()?);
    }
    let name = overrides.get("env").and_then(|env| env.as_str()).unwrap_or("cartpole").to_owned();
    let algo = overrides.get("algo").and_then(|algo| algo.as_str()).unwrap_or("sqn");
    let mut table = preset(&softq::envs::find(&name)?.id, algo).unwrap_or_default();
    table.extend(overrides);
    let config = Config { env: name, ..table.try_into()? };
    let env = softq::envs::open(&config.env, &config.env_values()?)?;

    let plan = agents::plan(&config, env)?;
    let phases: Vec<(&Recording, u32)> =
        plan.phases.iter().map(|phase| (&phase.recording, phase.repeats)).collect();
    let merged = merge(&phases, &Arenas::of(&plan.buffers, env))?;
    println!("{}", merged.text);
    eprintln!(
        "{} dispatches of an iteration in one, {} agents, {} storage buffers, {} lines, at most {} loop iterations",
        merged.dispatches,
        merged.agents,
        merged.types.len(),
        merged.text.lines().count(),
        merged.loops
    );
    Ok(())
}
