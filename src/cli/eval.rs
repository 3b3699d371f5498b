//! `softq eval`: how good a saved agent is.

use std::io::Write;
use std::path::PathBuf;

use softq::config::counted;
use softq::config::thousands;
use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::Executor;
use softq::error::Result;
use softq::gpu;
use softq::train::evaluate::{EvaluationReport, evaluate};

use super::player::{Chosen, number};
use super::{json_line, say};

/// Arguments of `softq eval`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  softq eval runs/CartPole-v1__sqn__0__1700000000\n  \
                        softq eval runs/CartPole-v1__sqn__0__1700000000 --episodes 1000 --softmax --json")]
pub struct EvalArgs {
    /// Run directory of `softq train`
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Episodes, 1 to 65,536, each in an environment of its own
    #[arg(long, visible_alias = "n-eval-episodes", value_name = "N", default_value_t = 100)]
    episodes: u32,
    /// Sample the actions from softmax(Q / alpha), or from the policy network, instead of taking the best one
    #[arg(long)]
    softmax: bool,
    #[command(flatten)]
    chosen: Chosen,
    /// Seed of the environments and of what is drawn
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// auto, gpu, cpu, or an address such as vulkan:0; auto takes the CPU where the environment has a twin
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn eval(args: &EvalArgs, out: &mut dyn Write) -> Result<()> {
    let run = args.chosen.load(&args.run)?;
    let mut executor: Box<dyn Executor> = match run.env.twin {
        Some(_) if args.device == "auto" => Box::new(CpuExecutor::new()),
        _ => gpu::open(&gpu::choose(&args.device)?)?,
    };
    let report = evaluate(&run, args.softmax, &mut *executor, args.episodes, args.seed)?;
    if args.json {
        return json_line(out, &report);
    }
    say(out, &text(&report))
}

fn text(report: &EvaluationReport) -> String {
    let [mean, std, iqm, min, median, max] =
        [report.mean, report.std, report.iqm, report.min, report.median, report.max].map(number);
    let interval = |[low, high]: [f64; 2]| format!("95% interval {} to {}", number(low), number(high));
    let mut text = format!(
        "{} with {}, {} ({}), seed {}: {} on {}\n",
        report.env,
        report.algo,
        report.policy,
        match report.weights.as_str() {
            agent if agent.starts_with("agent") => agent.to_owned(),
            weights => format!("{weights} weights"),
        },
        report.seed,
        counted(report.episodes as usize, "episode"),
        report.device,
    );
    text += &format!("  mean   {mean} +- {std}, {}\n", interval(report.mean_interval));
    text += &format!("  IQM    {iqm}, {}\n", interval(report.iqm_interval));
    text += &format!("  from   {min} to {max}, median {median}\n");
    if report.unfinished > 0 {
        text += &format!(
            "  {} had not ended after the most steps of an evaluation, and count as they stood\n",
            thousands(report.unfinished.into())
        );
    }
    text
}
