//! Trains one configuration with several seeds and reports how many solve the environment, as a table, and the evaluation
//! curve (median and 95% bootstrap band of the median over seeds) as an SVG.
//!
//! `cargo run --release --example seeds -- [--seeds 0..10] [--curve FILE.svg] [KEY=VALUE ...]`
//!
//! KEY=VALUE are config keys in TOML, on top of the environment's preset, e.g. `device='"cpu"' stop_when_solved=false`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use softq::config::Config;
use softq::report::curve::{Band, write_band_svg};
use softq::statistics::bootstrap::median_band;
use softq::train::event::Event;
use softq::train::presets::preset;
use softq::train::trainer::Trainer;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut overrides = toml::Table::new();
    let mut seeds = 0..10;
    let mut curve: Option<PathBuf> = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seeds" => {
                let range = args.next().ok_or("--seeds needs a range such as 0..10")?;
                let (first, end) = range.split_once("..").ok_or("--seeds needs a range such as 0..10")?;
                seeds = first.parse()?..end.parse()?;
            }
            "--curve" => curve = Some(args.next().ok_or("--curve needs a file name")?.into()),
            setting => overrides.extend(setting.parse::<toml::Table>()?),
        }
    }
    let name = overrides.get("env").and_then(|env| env.as_str()).unwrap_or("cartpole").to_owned();
    let algo = overrides.get("algo").and_then(|algo| algo.as_str()).unwrap_or("sqn");
    let mut table = preset(&softq::envs::find(&name)?.id, algo).unwrap_or_default();
    table.extend(overrides);
    let config = Config { env: name, ..table.try_into()? };
    let env = softq::envs::open(&config.env, &config.env_values()?)?;
    let threshold = env.reward_threshold.unwrap_or(f64::INFINITY);

    println!("| seed | device | solved at | env steps | updates | wall s | greedy | softmax | alpha |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut by_step: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    let (mut solved, mut runs) = (0, 0);
    for seed in seeds {
        let mut trainer = Trainer::new(&Config { seed, ..config.clone() })?;
        let mut alpha = config.alpha;
        let report = trainer.run(&mut |event| {
            match event {
                Event::Evaluation { env_steps, greedy } => {
                    // Seeds stop on the same grid of steps, up to one vector step.
                    let step = env_steps / config.eval_frequency.max(1) * config.eval_frequency.max(1);
                    by_step.entry(step).or_default().push(greedy.mean());
                }
                Event::Progress(progress) => alpha = progress.alpha,
                Event::Warning(warning) => eprintln!("seed {seed}: {warning}"),
                _ => {}
            }
            Ok(())
        })?;
        runs += 1;
        let agent = report.best();
        solved += usize::from(agent.solved_at_env_steps.is_some() && agent.greedy.mean() >= threshold);
        println!(
            "| {seed} | {} | {} | {} | {} | {:.1} | {:.2} | {:.2} | {alpha:.4} |",
            report.device,
            agent.solved_at_env_steps.map_or("-".into(), |steps| steps.to_string()),
            report.env_steps,
            report.updates,
            report.wall_s,
            agent.greedy.mean(),
            agent.softmax.mean(),
        );
    }
    println!("\nsolved, and at or above {} in the final evaluation: {solved}/{runs}", threshold);
    if let Some(path) = curve {
        let band: Vec<Band> = by_step
            .iter()
            .filter(|(_, values)| values.len() == runs)
            .map(|(env_steps, values)| {
                let (low, median, high) = median_band(values, 10_000, 0);
                Band { env_steps: *env_steps, low, median, high }
            })
            .collect();
        let label = format!("SQN, median of {runs} seeds, 95% bootstrap band");
        let title = format!("{}, greedy evaluation of {} episodes", env.id, config.eval_episodes);
        write_band_svg(&path, &title, &[(label, band)], env.reward_threshold)?;
        println!("curve: {}", path.display());
    }
    Ok(())
}
