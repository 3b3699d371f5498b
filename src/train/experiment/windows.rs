//! What the policies of runs were like while they learned: temperature and entropy of every window of training, agent by agent,
//! from the `metrics.jsonl` that every run keeps.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::agents;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files;
use crate::train::experiment::run::{DONE, RUNS};
use crate::train::experiment::scores;
use crate::train::run_dir::{CONFIG_FILE, METRICS_FILE};

/// One window of training of one agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Algorithm, with the name of its variant.
    pub algorithm: String,
    /// Id of the environment.
    pub environment: String,
    /// Environment steps at its end.
    pub step: u64,
    /// Temperature at its end.
    pub alpha: f64,
    /// Mean entropy of the policy over its updates, in nats; of a window without updates, none.
    pub entropy: Option<f64>,
}

/// A line of `metrics.jsonl`, of which those of evaluations have no alpha.
#[derive(Deserialize)]
struct Line {
    global_step: u64,
    agent: Option<u64>,
    #[serde(rename = "losses/alpha")]
    alpha: Option<f64>,
    #[serde(rename = "losses/entropy")]
    entropy: Option<f64>,
}

/// The windows of all agents of a run. An algorithm that neither measures an entropy nor has it in its target knows no temperature,
/// nor does a policy whose entropy is 0 from first to last, since it takes the best action whatever alpha says: they have no windows here. `algorithm` names that of each agent.
pub fn of_run(run: &Path, algorithm: &dyn Fn(usize) -> String, environment: &str) -> Result<Vec<Window>> {
    let path = run.join(METRICS_FILE);
    let text = files::read_text(&path, files::MOST_DATA).map_err(|e| Error::file("read", &path, e))?;
    let (mut agents, mut whole) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let line: Line = serde_json::from_str(line).map_err(|error| {
            let message = format!("line {} is no line of metrics: {error}", index + 1);
            Error::file("read", &path, message)
        })?;
        let Some(alpha) = line.alpha else { continue };
        let (algorithm, environment) = (algorithm(line.agent.unwrap_or(0) as usize), environment.to_owned());
        let window = Window { algorithm, environment, step: line.global_step, alpha, entropy: line.entropy };
        if line.agent.is_some() { &mut agents } else { &mut whole }.push(window);
    }
    // Lines without an agent are a population's means, or a single agent's own.
    let windows = if agents.is_empty() { whole } else { agents };
    if !knows_temperature(run) {
        return Ok(Vec::new());
    }
    let mut measured = windows.iter().filter_map(|window| window.entropy).peekable();
    let greedy = measured.peek().is_some() && measured.all(|entropy| entropy == 0.0);
    Ok(if greedy { Vec::new() } else { windows })
}

/// Whether the run's algorithm knows a temperature, as far as its directory says.
fn knows_temperature(run: &Path) -> bool {
    let text = files::read_text(&run.join(CONFIG_FILE), files::MOST_TEXT).ok();
    let config: Option<Config> = text.and_then(|text| toml::from_str(&text).ok());
    let Some(config) = config else { return true };
    agents::find(&config.algo).is_ok_and(|algorithm| algorithm.entropy || (algorithm.soft)(&config))
}

/// The windows of all populations of an experiment that are done.
pub fn of_experiment(root: &Path) -> Result<Vec<Window>> {
    let done = root.join(DONE);
    let unread = |e| Error::file("read", &done, e);
    let mut windows = Vec::new();
    for entry in fs::read_dir(&done).map_err(unread)? {
        let file = entry.map_err(unread)?.path();
        if let (Some(score), Some(name)) = (scores::read(&file)?.first(), file.file_stem()) {
            let of = |_| score.algorithm.clone();
            windows.extend(of_run(&root.join(RUNS).join(name), &of, &score.environment)?);
        }
    }
    Ok(windows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, f64, Option<f64>)>> {
        let run = tempfile::tempdir().expect("temporary directory");
        fs::write(run.path().join(METRICS_FILE), text).expect("write");
        let windows = of_run(run.path(), &|_| "sqn".into(), "Catch-bsuite")?;
        assert!(windows.iter().all(|w| (&*w.algorithm, &*w.environment) == ("sqn", "Catch-bsuite")));
        Ok(windows.iter().map(|w| (w.step, w.alpha, w.entropy)).collect())
    }

    #[test]
    fn a_run_has_its_own_windows_and_a_population_those_of_its_agents() {
        let one = "{\"global_step\":8,\"losses/alpha\":0.2}\n\
                   {\"global_step\":16,\"losses/alpha\":0.1,\"losses/entropy\":0.5,\"train/loss\":1}\n\
                   {\"global_step\":16,\"eval/mean_reward\":3}\n";
        assert_eq!(read(one).expect("windows"), [(8, 0.2, None), (16, 0.1, Some(0.5))]);
        let agents = "{\"global_step\":16,\"agent\":0,\"losses/alpha\":0.3,\"losses/entropy\":0.25}\n\
                      {\"global_step\":16,\"agent\":1,\"losses/alpha\":0.5,\"losses/entropy\":0}\n\
                      {\"global_step\":16,\"agent\":1,\"eval/mean_reward\":3}\n";
        let both = [(16, 0.3, Some(0.25)), (16, 0.5, Some(0.0))];
        assert_eq!(read(&format!("{one}{agents}")).expect("windows"), both);
    }

    #[test]
    fn greedy_policies_have_no_temperature_and_a_wrong_line_is_named() {
        // Of particles no entropy is known.
        let unmeasured = "{\"global_step\":16,\"losses/alpha\":0.2}\n";
        assert_eq!(read(unmeasured).expect("a window"), [(16, 0.2, None)]);
        let dqn = tempfile::tempdir().expect("temporary directory");
        fs::write(dqn.path().join(METRICS_FILE), unmeasured).expect("write");
        let config = Config { algo: "dqn".into(), ..Config::default() };
        fs::write(dqn.path().join(CONFIG_FILE), toml::to_string(&config).expect("TOML")).expect("write");
        assert_eq!(of_run(dqn.path(), &|_| "dqn".into(), "Catch-bsuite").expect("none"), []);
        let greedy = "{\"global_step\":16,\"losses/alpha\":0.2,\"losses/entropy\":0}\n";
        assert_eq!(read(greedy).expect("no windows"), []);
        let error = read(&format!("{greedy}{{\"global_step\":-1}}\n")).expect_err("wrong");
        assert!(
            error.to_string().contains("metrics.jsonl") && error.to_string().contains("line 2"),
            "{error}"
        );
    }
}
