//! What a run has told so far, as the live view shows it.

use softq::config::Config;
use softq::train::event::{Evaluation, Event, Progress};
use softq::train::sinks::curve::Curves;

/// Points of one quantity over environment steps.
pub type Points = Vec<(f64, f64)>;

/// More points than this per line are thinned out: a terminal has no room for them.
const MOST: usize = 2_000;

/// Numbers of a run over time.
#[derive(Debug, Default)]
pub struct History {
    /// Environment steps of the run in all.
    pub total: u64,
    /// Episodes of an evaluation of one agent.
    episodes: usize,
    /// Mean return of training episodes.
    pub returns: Points,
    /// Mean return of greedy evaluations.
    pub evaluations: Points,
    /// Loss.
    pub losses: Points,
    /// Temperature.
    pub alphas: Points,
    /// Entropy of the policy, nats.
    pub entropies: Points,
    /// The last window.
    pub latest: Progress,
    /// The window before it.
    before: Progress,
    /// Mean return of every agent in the last evaluation.
    pub agents: Vec<f64>,
    /// What was warned of, the last ones.
    pub warnings: Vec<String>,
}

impl History {
    /// What a run that goes on has told before; of a new one nothing yet.
    pub fn new(config: &Config, curves: &Curves) -> History {
        let episodes = config.eval_episodes as usize;
        let mut history = History { total: config.total_timesteps, episodes, ..History::default() };
        for (points, known) in
            [(&mut history.returns, curves.training()), (&mut history.evaluations, curves.evaluation())]
        {
            known.iter().for_each(|point| add(points, point.env_steps, Some(point.mean)));
        }
        history
    }

    /// Takes an event.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Progress(progress) => {
                let at = progress.env_steps;
                add(&mut self.returns, at, progress.episodic_return);
                add(&mut self.losses, at, progress.td_loss);
                add(&mut self.alphas, at, Some(progress.alpha));
                add(&mut self.entropies, at, progress.entropy);
                self.before = std::mem::replace(&mut self.latest, progress.clone());
            }
            Event::Evaluation { env_steps, greedy } => {
                add(&mut self.evaluations, *env_steps, Some(greedy.mean()));
                let agents = greedy.returns.chunks(self.episodes.max(1));
                self.agents =
                    agents.map(|returns| Evaluation::of_returns(returns.iter().copied()).mean()).collect();
            }
            Event::Warning(text) => {
                self.warnings.push(text.clone());
                let extra = self.warnings.len().saturating_sub(3);
                self.warnings.drain(..extra);
            }
            _ => {}
        }
    }

    /// Environment steps and updates per second, between the last two windows.
    pub fn rates(&self) -> Option<(f64, f64)> {
        let seconds = self.latest.wall_s - self.before.wall_s;
        let per_second = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        (seconds > 0.0).then(|| {
            (
                per_second(self.latest.env_steps, self.before.env_steps),
                per_second(self.latest.updates, self.before.updates),
            )
        })
    }

    /// Agents by their last evaluation, best first.
    pub fn ranking(&self) -> Vec<(usize, f64)> {
        let mut ranking: Vec<(usize, f64)> = self.agents.iter().copied().enumerate().collect();
        ranking.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranking
    }
}

fn add(points: &mut Points, env_steps: u64, value: Option<f64>) {
    points.extend(value.filter(|value| value.is_finite()).map(|value| (env_steps as f64, value)));
    if points.len() > MOST {
        let mut index = 0;
        points.retain(|_| {
            index += 1;
            index % 2 == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_keeps_what_can_be_drawn_and_ranks_agents() {
        let config = Config { eval_episodes: 2, total_timesteps: 100, ..Config::default() };
        let mut history = History::new(&config, &Curves::default());
        for (env_steps, wall_s, td_loss) in [(10, 1.0, Some(0.5)), (30, 2.0, Some(f64::NAN))] {
            let updates = env_steps * 2;
            history.take(&Event::Progress(Progress {
                env_steps,
                updates,
                wall_s,
                td_loss,
                ..Progress::default()
            }));
        }
        assert_eq!(history.losses, [(10.0, 0.5)]);
        assert_eq!(history.rates(), Some((20.0, 40.0)));
        let greedy = Evaluation::of_returns([1.0, 3.0, 5.0, 7.0]);
        history.take(&Event::Evaluation { env_steps: 30, greedy });
        assert_eq!(history.ranking(), [(1, 6.0), (0, 2.0)]);
        assert_eq!(history.evaluations, [(30.0, 4.0)]);
        for i in 0..3 * MOST {
            add(&mut history.alphas, i as u64, Some(1.0));
        }
        assert!(history.alphas.len() <= MOST && history.alphas.len() > MOST / 4);
    }
}
