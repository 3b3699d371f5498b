//! What is said at the end of a run: the JSON line, `report.json`, and the paragraph a person reads.

use std::path::Path;

use serde::Serialize;
use softq::config::thousands;
use softq::gpu::Choice;
use softq::train::event::Report;

/// The one line of `--json`. `null` stands for "not solved" and for a value that is not finite.
#[derive(Serialize)]
pub struct Summary<'a> {
    env: &'a str,
    algo: &'a str,
    seed: u64,
    agents: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    best_agent: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    solved_agents: Option<usize>,
    device: &'a str,
    adapter: &'a str,
    env_steps: u64,
    updates: u64,
    wall_s: f64,
    uploaded_bytes: u64,
    solved_at_env_steps: Option<u64>,
    eval_greedy_mean: f64,
    eval_greedy_std: f64,
    eval_softmax_mean: f64,
    eval_softmax_std: f64,
    run_dir: String,
}

/// `report.json`: the summary and what it was computed from.
#[derive(Serialize)]
pub struct FullReport<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    reward_threshold: Option<f64>,
    device_reason: &'a str,
    warnings: &'a [String],
    eval_greedy_returns: &'a [f64],
    eval_softmax_returns: &'a [f64],
}

/// Summary of a finished run.
pub fn summary<'a>(report: &'a Report, run_dir: &Path) -> Summary<'a> {
    let (best, population) = (report.best(), report.members.len() > 1);
    Summary {
        env: &report.env,
        algo: &report.algo,
        seed: best.config.seed,
        agents: report.members.len(),
        best_agent: population.then_some(report.best),
        solved_agents: population.then(|| report.solved_agents()),
        device: &report.device,
        adapter: &report.adapter,
        env_steps: report.env_steps,
        updates: report.updates,
        wall_s: report.wall_s,
        uploaded_bytes: report.uploaded_bytes,
        solved_at_env_steps: best.solved_at_env_steps,
        eval_greedy_mean: best.greedy.mean(),
        eval_greedy_std: best.greedy.std(),
        eval_softmax_mean: best.softmax.mean(),
        eval_softmax_std: best.softmax.std(),
        run_dir: run_dir.display().to_string(),
    }
}

/// Everything for `report.json`.
pub fn full_report<'a>(
    report: &'a Report,
    run_dir: &Path,
    reward_threshold: Option<f64>,
    choice: &'a Choice,
    warnings: &'a [String],
) -> FullReport<'a> {
    FullReport {
        summary: summary(report, run_dir),
        reward_threshold,
        device_reason: &choice.reason,
        warnings,
        eval_greedy_returns: &report.best().greedy.returns,
        eval_softmax_returns: &report.best().softmax.returns,
    }
}

/// The closing paragraph. `files` are names inside the run directory with what they hold.
pub fn closing_text(
    report: &Report,
    reward_threshold: Option<f64>,
    choice: &Choice,
    run_dir: &Path,
    files: &[(&str, &str)],
) -> String {
    let best = report.best();
    let verdict = match (best.solved_at_env_steps, reward_threshold) {
        (Some(steps), Some(threshold)) => format!(
            "solved at {} environment steps (solved means a mean return of {threshold} or more)",
            thousands(steps)
        ),
        (_, Some(threshold)) => format!("not solved (solved means a mean return of {threshold} or more)"),
        (_, None) => "finished (this environment has no threshold)".to_owned(),
    };
    let evaluation = |name: &str, e: &softq::train::event::Evaluation, how: &str| {
        format!("  {name:<8} {:.1} +- {:.1} over {} episodes, {how}\n", e.mean(), e.std(), e.returns.len())
    };
    let rate = if report.wall_s > 0.0 { report.env_steps as f64 / report.wall_s } else { 0.0 };
    let agents = report.members.len();
    let who =
        if agents > 1 { format!("agent {} of {agents} (the best), ", best.agent) } else { String::new() };
    let mut text =
        format!("{} with {}, {who}seed {}: {verdict}\n", report.env, report.algo, best.config.seed);
    text += &evaluation("greedy", &best.greedy, "argmax of Q");
    text += &evaluation("softmax", &best.softmax, "sampled from softmax(Q / alpha)");
    let each = if agents > 1 { format!("{agents} agents, each ") } else { String::new() };
    text += &format!(
        "  training {each}{} steps, {} updates in {:.1} s ({} steps/s{})\n",
        thousands(report.env_steps),
        thousands(report.updates),
        report.wall_s,
        thousands((rate * agents as f64) as u64),
        if agents > 1 { " in all" } else { "" }
    );
    text += &format!("  device   {}, {}: {}\n", choice.address, choice.adapter, choice.reason);
    text += &format!("  files    {}\n", run_dir.display());
    for (name, what) in files {
        text += &format!("           {name:<18} {what}\n");
    }
    text
}
