//! The agents of a population, best first: the table at the end of a run.

use softq::report::number::beside;
use softq::train::event::{Evaluation, Member, Report};
use softq::train::sinks::population::{keys, settings};

/// Rows of the table on screen; the file has all of them.
const SHOWN: usize = 10;

/// The best agents, for people.
pub fn table(report: &Report, reward_threshold: Option<f64>) -> String {
    let keys = keys(&report.sweep);
    let mut rows = vec![
        ["rank", "agent"]
            .into_iter()
            .map(str::to_owned)
            .chain(keys.iter().cloned())
            .chain(["solved at", "greedy", "softmax"].map(str::to_owned))
            .collect::<Vec<String>>(),
    ];
    for (rank, agent) in Member::ranking(&report.members).into_iter().enumerate().take(SHOWN) {
        let member = &report.members[agent];
        let solved = match (member.diverged_at_update, member.solved_at_env_steps) {
            (Some(_), _) => "diverged".to_owned(),
            (None, Some(steps)) => softq::config::thousands(steps),
            (None, None) => "-".to_owned(),
        };
        let mut row = vec![(rank + 1).to_string(), agent.to_string()];
        row.extend(settings(&member.config, &keys));
        let mean = |evaluation: &Evaluation| beside(evaluation.mean(), reward_threshold);
        row.extend([solved, mean(&member.greedy), mean(&member.softmax)]);
        rows.push(row);
    }
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0))
        .collect();
    let agents = report.members.len();
    let mut text = format!("{} of {agents} agents have solved it at some time", report.solved_agents());
    text += &if agents > SHOWN { format!("; the best {SHOWN}:\n") } else { ":\n".to_owned() };
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
        text += &format!("  {}\n", cells.join("  "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use softq::config::Config;

    fn report() -> Report {
        let sweep = vec!["learning-rate=1e-3,3e-4".to_owned()];
        let configs =
            Config { sweep: sweep.clone(), agents: 4, ..Config::default() }.members().expect("members");
        let member = |(agent, config): (usize, Config)| Member {
            cut: false,
            agent,
            config,
            solved_at_env_steps: (agent == 2).then_some(12_000),
            diverged_at_update: (agent == 3).then_some(7),
            greedy: Evaluation::of_returns([[400.0, 500.0, 500.0, 500.0][agent]]),
            softmax: Evaluation::of_returns([100.0]),
        };
        Report {
            env: "CartPole-v1".into(),
            algo: "sqn".into(),
            device: "cpu".into(),
            adapter: "Tester".into(),
            env_steps: 20_000,
            updates: 100,
            wall_s: 1.0,
            uploaded_bytes: 0,
            sweep,
            members: configs.into_iter().enumerate().map(member).collect(),
            best: 2,
            best_evaluated: None,
        }
    }

    #[test]
    fn agents_are_ranked_and_a_diverged_one_comes_last() {
        let csv = softq::train::sinks::population::csv(&report());
        let rows: Vec<&str> = csv.lines().collect();
        assert!(rows[0].starts_with("rank,agent,learning_rate,seed,solved_at_env_steps,diverged_at_update"));
        assert!(rows[1].starts_with("1,2,0.001,1,12000,,500,0,100"), "{csv}");
        assert!(rows[2].starts_with("2,1,0.0003,0,,,500"), "{csv}");
        assert!(rows[4].starts_with("4,3,0.0003,1,,7,500"), "{csv}");
        let table = super::table(&report(), Some(475.0));
        assert!(table.contains("1 of 4 agents") && table.contains("12,000") && table.contains("diverged"));
    }
}
