//! `softq check-env`: the checker of environments, one line per check.

use std::io::Write;

use serde::Serialize;
use softq::config::Config;
use softq::config::counted;
use softq::envs::check::{self, Finding, Verdict};
use softq::envs::{self, Env};
use softq::gpu::{self, Choice};
use softq::{Error, Result};

use super::{json_line, say};

/// Arguments of `softq check-env`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Exit status: 0 ok (warnings are allowed), 1 a check failed, 2 the file is wrong.\n\
                        docs/your-own-environment.md explains the contract and every line of the report.\n\n\
                        Example:\n  softq check-env examples/custom_env/sailing.wgsl --env-param gusts=0.5")]
pub struct CheckEnvArgs {
    /// Path of a WGSL file, or the id or short name of a built-in environment
    #[arg(value_name = "FILE|ENV")]
    env: String,
    /// Set a parameter of the environment; uniform(low,high) draws one per lane; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    env_param: Vec<String>,
    /// auto, gpu, cpu (which interprets a file of yours), or an address that `softq devices` lists
    #[arg(long, default_value = "auto")]
    device: String,
    /// Seed of resets, actions and steps
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// Print one JSON line per check and one with the verdict
    #[arg(long)]
    json: bool,
}

/// The last line of `--json`.
#[derive(Serialize)]
struct Summary<'a> {
    env: &'a str,
    device: &'a Choice,
    ok: usize,
    warnings: usize,
    failed: usize,
}

/// Runs the command.
pub fn check_env(args: &CheckEnvArgs, out: &mut dyn Write) -> Result<()> {
    let values = Config { env_param: args.env_param.clone(), ..Config::default() }.env_values()?;
    let env = envs::open(&args.env, &values)?;
    let mut choice = gpu::choose(&args.device)?;
    if env.user && choice.address == "cpu" {
        // A file has no other twin than its own text.
        choice = Choice { reason: choice.reason, ..gpu::choose(gpu::INTERPRETER)? };
    }
    let mut executor = gpu::open(&choice)?;
    if !args.json {
        say(out, &headline(env, &choice))?;
    }
    let options = check::Options { seed: args.seed, ..check::Options::default() };
    let findings = check::check(&mut *executor, env, options, &mut |finding| {
        if args.json { json_line(out, finding) } else { say(out, &line(finding)) }
    })?;
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let [ok, warnings, failed] = [Verdict::Ok, Verdict::Warning, Verdict::Failed].map(count);
    if args.json {
        json_line(out, &Summary { env: &env.file, device: &choice, ok, warnings, failed })?;
    } else {
        say(out, &format!("{ok} ok, {}, {failed} failed\n", counted(warnings, "warning")))?;
    }
    if failed > 0 {
        return Err(Error::EnvCheck { failed, total: findings.len(), env: args.env.clone() });
    }
    Ok(())
}

fn headline(env: &Env, choice: &Choice) -> String {
    let limit =
        env.max_episode_steps.map_or("no time limit".into(), |steps| format!("at most {steps} steps"));
    let mut text = format!(
        "{}: {} observations, {}, state of {} words, {limit}\non {}: {} ({})\n",
        env.id, env.obs_size, env.actions, env.state_words, choice.address, choice.adapter, choice.reason
    );
    for param in &env.params {
        text += &format!("parameter {} = {}  {}\n", param.name, param.value, param.about);
    }
    for param in &env.const_params {
        text += &format!("parameter {} = {}  {}\n", param.name, param.value, param.about);
    }
    text + "\n"
}

fn line(finding: &Finding) -> String {
    let verdict = match finding.verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "warning",
        Verdict::Failed => "FAILED",
    };
    let mut text = format!("{verdict:<8} {:<18} {}\n", finding.check, finding.text);
    if !finding.advice.is_empty() {
        text += &format!("{:27} {}\n", "", finding.advice);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(env: &str, json: bool) -> CheckEnvArgs {
        CheckEnvArgs { env: env.into(), env_param: Vec::new(), device: "cpu".into(), seed: 0, json }
    }

    #[test]
    fn a_built_in_passes_with_a_line_per_check() {
        let mut out = Vec::new();
        check_env(&args("cartpole", false), &mut out).expect("passes");
        let text = String::from_utf8(out).expect("text");
        for part in [
            "CartPole-v1: 4 observations, Discrete(2)",
            "ok       same seed",
            "100.0% by termination",
            " 0 failed\n",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }

    #[test]
    fn json_is_a_line_per_check_and_one_for_the_verdict() {
        let mut out = Vec::new();
        check_env(&args("cartpole", true), &mut out).expect("passes");
        let text = String::from_utf8(out).expect("text");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert!(lines.len() > 8);
        assert_eq!((&lines[0]["check"], &lines[0]["verdict"]), (&"loops".into(), &"ok".into()));
        assert_eq!(lines[lines.len() - 1]["failed"], 0);
    }

    #[test]
    fn wrong_names_and_parameters_are_usage_errors() {
        let error = check_env(&args("cartpol", false), &mut Vec::new()).expect_err("unknown");
        assert_eq!(error.exit_code(), 2);
        let wrong = CheckEnvArgs { env_param: vec!["wind=1".into()], ..args("cartpole", false) };
        let error = check_env(&wrong, &mut Vec::new()).expect_err("no such parameter");
        assert!(error.exit_code() == 2 && error.to_string().contains("max_episode_steps"), "{error}");
    }
}
