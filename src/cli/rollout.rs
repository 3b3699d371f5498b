//! `softq rollout`: what the environments alone do per second.

use std::io::Write;
use std::path::{Path, PathBuf};

use softq::config::thousands;
use softq::engine::executor::Executor;
use softq::error::{Error, Result};
use softq::train::rollout::{self, RolloutReport};
use softq::train::saved_run::SavedRun;
use softq::{envs, gpu};

use super::player::Chosen;
use super::{json_line, say};

/// Arguments of `softq rollout`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  softq rollout cartpole --num-envs 65536 --steps 1000\n  \
                        softq rollout --env ./my_env.wgsl --json\n  \
                        softq rollout --policy runs/CartPole-v1__sqn__0__1700000000 --num-envs 1024")]
pub struct RolloutArgs {
    /// Environment: id, short name or path of a WGSL file
    #[arg(value_name = "ENV")]
    environment: Option<String>,
    /// The same as the positional ENV
    #[arg(long, value_name = "NAME", conflicts_with = "environment")]
    env: Option<String>,
    /// Parameter of the environment, e.g. gravity=5; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    env_param: Vec<String>,
    /// `random`, or a run directory whose agent acts (its environment is the default)
    #[arg(long, value_name = "random|RUN", default_value = "random")]
    policy: PathBuf,
    #[command(flatten)]
    chosen: Chosen,
    /// Sample the agent's actions from softmax(Q / alpha), or from its policy network, instead of taking the best
    #[arg(long)]
    softmax: bool,
    /// Environments side by side, 1 to 4,194,240; for an agent at most 65,536
    #[arg(long, value_name = "N", default_value_t = 65_536)]
    num_envs: u32,
    /// Steps of each environment
    #[arg(long, value_name = "T", default_value_t = 1_000)]
    steps: u32,
    /// Seed of every random stream
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u32,
    /// auto, gpu, cpu, or an address such as vulkan:0
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn rollout(args: &RolloutArgs, out: &mut dyn Write) -> Result<()> {
    let name = args.environment.as_ref().or(args.env.as_ref());
    let report = match (args.policy.to_str(), name) {
        (Some("random"), Some(name)) => {
            args.chosen.without_run(Path::new(name))?;
            if args.softmax {
                let hint = "Name a run directory with --policy, or leave --softmax out.";
                return Err(Error::invalid("--softmax", name, "used with a run", hint));
            }
            let config = softq::config::Config { env_param: args.env_param.clone(), ..Default::default() };
            let env = envs::open(name, &config.env_values()?)?;
            let (choice, mut executor) = open(args)?;
            let report = rollout::random(env, &mut *executor, args.num_envs, args.steps, args.seed)?;
            RolloutReport { adapter: choice.adapter, ..report }
        }
        (Some("random"), None) => {
            return Err(Error::invalid(
                "ENV",
                "(nothing)",
                "an environment, or --policy with a run directory",
                "For example `softq rollout cartpole`.",
            ));
        }
        (_, name) => {
            let run = args.chosen.load(&args.policy)?;
            if !args.env_param.is_empty() || name.is_some_and(|name| !is_env_of(&run, name)) {
                return Err(Error::invalid(
                    "ENV",
                    name.map_or("with --env-param", String::as_str),
                    format!("{} as the agent was trained, or left out", run.config.env),
                    "An agent acts in its own environment.",
                ));
            }
            let (choice, mut executor) = open(args)?;
            let report =
                rollout::agent(&run, args.softmax, &mut *executor, args.num_envs, args.steps, args.seed)?;
            RolloutReport { adapter: choice.adapter, ..report }
        }
    };
    if args.json {
        return json_line(out, &report);
    }
    say(out, &text(&report))
}

fn open(args: &RolloutArgs) -> Result<(gpu::Choice, Box<dyn Executor>)> {
    let choice = gpu::choose(&args.device)?;
    let executor = gpu::open(&choice)?;
    Ok((choice, executor))
}

fn is_env_of(run: &SavedRun, name: &str) -> bool {
    name == run.config.env
        || name.eq_ignore_ascii_case(&run.env.id)
        || name.eq_ignore_ascii_case(&run.env.short)
}

/// Episodes of each environment below which those that have not ended are missed.
const FEW: u64 = 20;

fn text(report: &RolloutReport) -> String {
    let mut text = format!(
        "{}, policy {}: {} environments x {} steps in {:.3} s ({} dispatches)\n  {} steps/s on {}, {}\n",
        report.env,
        report.policy,
        thousands(report.num_envs.into()),
        thousands(report.steps.into()),
        report.wall_s,
        report.dispatches,
        thousands(report.steps_per_s as u64),
        report.device,
        report.adapter,
    );
    match (report.episodic_return, report.episodic_length) {
        (Some(mean), Some(length)) => {
            let episodes = thousands(report.episodes);
            text += &format!("  {episodes} episodes, mean return {mean:.2}, mean length {length:.1}\n");
            // One is open in every environment.
            if report.episodes < FEW * u64::from(report.num_envs) {
                text += "  few episodes for these means, which may leave long ones out: give more --steps\n";
            }
        }
        _ => text += "  no episode ended\n",
    }
    text
}
