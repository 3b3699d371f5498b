//! What is said at the end of a run.

use softq::agents;
use softq::config::{counted, thousands};
use softq::engine::kernel::Work;
use softq::gpu::Choice;
use softq::report::number::beside;
use softq::train::event::{Evaluation, Report};
use softq::train::profile::{KernelTime, Profile};
use softq::train::run_dir::{
    AGENTS_FILE, BEST_FILE, CHECKPOINTS, CONFIG_FILE, CURVE_FILE, ENVIRONMENT_FILE, EVALUATIONS_FILE,
    GIF_FILE, METRICS_FILE, MODEL_FILE, POPULATION_FILE, PROGRESS_FILE, RunDir, TENSORBOARD,
};
use softq::train::sinks::settings::quoted;

/// The closing paragraph.
pub fn closing_text(report: &Report, reward_threshold: Option<f64>, choice: &Choice, dir: &RunDir) -> String {
    let best = report.best();
    let verdict = match (best.solved_at_env_steps, reward_threshold) {
        (Some(steps), Some(threshold)) => format!(
            "solved at {} environment steps (solved means a mean return of {threshold} or more)",
            thousands(steps)
        ),
        (_, Some(threshold)) => format!("not solved (solved means a mean return of {threshold} or more)"),
        (_, None) => "finished (this environment has no threshold)".to_owned(),
    };
    let evaluation = |name: &str, e: &Evaluation, how: &str| {
        let (mean, episodes) = (beside(e.mean(), reward_threshold), counted(e.returns.len(), "episode"));
        let open = match e.unfinished {
            0 => String::new(),
            some => format!(", {} of which had not ended", thousands(some as u64)),
        };
        format!("  {name:<8} {mean} +- {} over {episodes}{open}, {how}\n", beside(e.std(), None))
    };
    let rate = if report.wall_s > 0.0 { report.env_steps as f64 / report.wall_s } else { 0.0 };
    let agents = report.members.len();
    let who =
        if agents > 1 { format!("agent {} of {agents} (the best), ", best.agent) } else { String::new() };
    let mut text =
        format!("{} with {}, {who}seed {}: {verdict}\n", report.env, report.algo, best.config.seed);
    let [argmax, sampled] = match agents::find(&report.algo).is_ok_and(|algorithm| algorithm.actor.policy) {
        true => ["argmax of the policy", "sampled from the policy"],
        false => ["argmax of Q", "sampled from softmax(Q / alpha)"],
    };
    text += &evaluation("greedy", &best.greedy, argmax);
    text += &evaluation("softmax", &best.softmax, sampled);
    if let Some(evaluated) = &report.best_evaluated {
        let whose = if agents > 1 { format!(", agent {}", evaluated.agent) } else { String::new() };
        text += &format!(
            "  best     {} at {} steps{whose}: the weights that evaluated best, {BEST_FILE}\n",
            beside(evaluated.mean, reward_threshold),
            thousands(evaluated.env_steps)
        );
    }
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
    text += &format!("  files    {}\n", dir.path().display());
    for (name, what) in [
        (CURVE_FILE, "learning curve"),
        (GIF_FILE, "one greedy episode"),
        (MODEL_FILE, if agents > 1 { "last weights of the best agent" } else { "last weights" }),
        (BEST_FILE, "weights of the best evaluation"),
        (CONFIG_FILE, "settings, for --config"),
        (PROGRESS_FILE, "every number over time"),
        (METRICS_FILE, "the same as JSON lines, agent by agent"),
        (TENSORBOARD, "the same for tensorboard --logdir"),
        (EVALUATIONS_FILE, "every evaluation, for softq plot"),
        (CHECKPOINTS, "for softq train --resume"),
        (POPULATION_FILE, "every agent, best first"),
        (AGENTS_FILE, "weights of every agent, for --agent"),
        (ENVIRONMENT_FILE, "the environment, as it was"),
    ] {
        if dir.file(name).exists() {
            text += &format!("           {name:<18} {what}\n");
        }
    }
    if dir.file(GIF_FILE).is_file() {
        text += &format!("  watch    softq watch {}\n", quoted(&dir.path().to_string_lossy()));
    }
    text
}
/// Where the time of a profiled run went: the longest kernels.
pub fn profile(profile: &Profile) -> String {
    let kernels = profile.kernels();
    let all: f64 = kernels.iter().map(|kernel| kernel.seconds).sum();
    let mut text = format!(
        "{:<28} {:>10} {:>12} {:>6} {:>9} {:>7}\n",
        "kernel", "dispatches", "us each", "share", "GFLOP/s", "GB/s"
    );
    for KernelTime { name, dispatches, seconds, work } in kernels {
        let rate = |of: fn(&Work) -> u64| {
            work.map_or(String::new(), |work| format!("{:.1}", 1e-9 * of(&work) as f64 / seconds.max(1e-12)))
        };
        text += &format!(
            "{name:<28} {dispatches:>10} {:>12.2} {:>5.1}% {:>9} {:>7}\n",
            1e6 * seconds / dispatches as f64,
            100.0 * seconds / all.max(f64::MIN_POSITIVE),
            rate(|work| work.operations),
            rate(Work::bytes),
        );
    }
    text + "\n"
}
