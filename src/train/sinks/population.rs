//! `population.csv`: the agents of a population, best first, with the settings in which they differ.

use toml::Table;

use crate::config::{Config, plain, swept};
use crate::error::Result;
use crate::train::event::{Event, Member, Report};
use crate::train::run_dir::{POPULATION_FILE, RunDir};
use crate::train::sinks::Sink;

/// Writes the ranking of more than one agent.
pub struct PopulationCsv;

impl Sink for PopulationCsv {
    fn take(&mut self, event: &Event, dir: &RunDir) -> Result<()> {
        match event {
            Event::Finished(report) if report.members.len() > 1 => {
                dir.write(POPULATION_FILE, csv(report).as_bytes())
            }
            _ => Ok(()),
        }
    }
}

/// The settings that differ between agents, in the order of `sweep`, then the seed.
pub fn keys(sweep: &[String]) -> Vec<String> {
    let settings = sweep.iter().filter_map(|entry| swept(entry).ok());
    let mut keys: Vec<String> = settings.map(|of| of.key.to_owned()).filter(|key| key != "seed").collect();
    keys.push("seed".into());
    keys
}

/// The values of these settings, as one would write them on the command line.
pub fn settings(config: &Config, keys: &[String]) -> Vec<String> {
    let table = Table::try_from(config).unwrap_or_default();
    keys.iter().map(|key| table.get(key).map(plain).unwrap_or_default()).collect()
}

/// One row per agent, best first. All values are numbers or bare words, so that nothing needs quotes.
pub fn csv(report: &Report) -> String {
    let keys = keys(&report.sweep);
    let mut text = format!(
        "rank,agent,{},solved_at_env_steps,diverged_at_update,eval_greedy_mean,eval_greedy_std,eval_softmax_mean,\
         eval_softmax_std\n",
        keys.join(",")
    );
    for (rank, agent) in Member::ranking(&report.members).into_iter().enumerate() {
        let member = &report.members[agent];
        let optional = |value: Option<u64>| value.map_or(String::new(), |value| value.to_string());
        let mut row = vec![(rank + 1).to_string(), agent.to_string()];
        row.extend(settings(&member.config, &keys));
        row.extend([optional(member.solved_at_env_steps), optional(member.diverged_at_update)]);
        let evaluations = [&member.greedy, &member.softmax];
        row.extend(evaluations.iter().flat_map(|e| [e.mean().to_string(), e.std().to_string()]));
        text += &(row.join(",") + "\n");
    }
    text
}
