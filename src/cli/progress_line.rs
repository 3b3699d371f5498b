//! What a running training shows on stderr: a live line on a terminal, otherwise one plain line per evaluation, and
//! warnings always. Stdout stays free for the result.

use std::collections::VecDeque;
use std::io::{IsTerminal, Write};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use softq::agents;
use softq::config::{Config, Exploration, thousands};
use softq::report::number::beside;
use softq::shared::printable;
use softq::train::event::{Evaluation, Event, Progress};

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A line that is redrawn in place.
    Live,
    /// One line per evaluation.
    Plain,
    /// Warnings only.
    Quiet,
}

impl Mode {
    /// The mode that the flags and stderr ask for.
    pub fn of(quiet: bool, json: bool) -> Mode {
        match () {
            () if quiet => Mode::Quiet,
            // A caller that reads JSON may show stderr in its own window; redrawing would spoil it.
            () if json || !std::io::stderr().is_terminal() => Mode::Plain,
            () => Mode::Live,
        }
    }
}

/// The display of one run.
pub struct ProgressLine {
    mode: Mode,
    bar: ProgressBar,
    total: u64,
    reward_threshold: Option<f64>,
    state: Vec<Quantity>,
    speed: Speed,
    latest: Progress,
    evaluation: Option<f64>,
}

/// What a family of algorithms is watched by, beside its returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    Alpha,
    Entropy,
    Epsilon,
    QValues,
}

impl Quantity {
    /// A temperature and an entropy where there is a soft policy, epsilon where actions are random by a share of the time, and
    /// the action values where nothing else tells how learning goes.
    fn of(config: &Config) -> Vec<Quantity> {
        let boltzmann = config.exploration == Exploration::Boltzmann;
        let soft = agents::find(&config.algo).is_ok_and(|algorithm| (algorithm.soft)(config)) || boltzmann;
        let random = config.epsilon > 0.0 || config.epsilon_final > 0.0;
        let shown = [
            (Quantity::Alpha, soft),
            (Quantity::Entropy, soft),
            (Quantity::Epsilon, !boltzmann || random),
            (Quantity::QValues, !soft),
        ];
        shown.into_iter().filter(|(_, shown)| *shown).map(|(quantity, _)| quantity).collect()
    }

    fn text(self, p: &Progress) -> String {
        match self {
            // A run that goes on has no window of its own yet.
            Quantity::Alpha => format!("alpha {}", optional((p.alpha > 0.0).then_some(p.alpha), 4)),
            Quantity::Entropy => format!("entropy {}", optional(p.entropy, 3)),
            Quantity::Epsilon => format!("epsilon {:.3}", p.epsilon),
            Quantity::QValues => format!("q {}", optional(p.q_values, 2)),
        }
    }
}

impl ProgressLine {
    /// Starts the display of a run.
    pub fn new(mode: Mode, config: &Config, reward_threshold: Option<f64>) -> ProgressLine {
        let total = config.total_timesteps;
        let target =
            if mode == Mode::Live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:20} {human_pos}/{human_len} steps  {msg}") {
            bar.set_style(style);
        }
        ProgressLine {
            mode,
            bar,
            total,
            reward_threshold,
            state: Quantity::of(config),
            speed: Speed::default(),
            latest: Progress::default(),
            evaluation: None,
        }
    }

    /// Shows one event.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Progress(progress) => {
                self.speed.observe(progress);
                self.latest = progress.clone();
                self.bar.set_message(self.message());
                self.bar.set_position(progress.env_steps);
            }
            Event::Evaluation { env_steps, greedy } => {
                self.evaluation = Some(greedy.mean());
                self.bar.set_message(self.message());
                if self.mode == Mode::Plain {
                    self.print(&self.evaluation_line(*env_steps, greedy));
                }
            }
            Event::Warning(text) => self.print(&format!("warning: {text}")),
            Event::AgentsProgress(_) | Event::AgentsEvaluation { .. } | Event::All(_) => {}
            Event::Current(_) | Event::Contents { .. } => {}
            Event::Best(_) | Event::Last(_) | Event::Finished(_) | Event::Pictures(_) => {}
        }
    }

    /// Removes the live line.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn message(&self) -> String {
        let remaining = self.total.saturating_sub(self.latest.env_steps) as f64;
        let eta = self.speed.rate().filter(|rate| *rate > 0.0).map_or_else(
            || "-".to_owned(),
            |rate| HumanDuration(std::time::Duration::from_secs_f64(remaining / rate)).to_string(),
        );
        let state = self.state_line(self.evaluation);
        format!("{}  {state}  ETA {eta}", rate_text(self.speed.rate()))
    }

    fn state_line(&self, evaluation: Option<f64>) -> String {
        let shown = |mean: f64| beside(mean, self.reward_threshold);
        let episodic_return = self.latest.episodic_return.map_or_else(|| "-".to_owned(), shown);
        let mut parts = vec![format!("return {episodic_return}")];
        parts.extend(evaluation.map(|mean| format!("eval {}", shown(mean))));
        parts.extend(self.state.iter().map(|quantity| quantity.text(&self.latest)));
        parts.join("  ")
    }

    fn evaluation_line(&self, env_steps: u64, greedy: &Evaluation) -> String {
        format!(
            "step {}/{}  eval {} +- {}  {}  {}",
            thousands(env_steps),
            thousands(self.total),
            beside(greedy.mean(), self.reward_threshold),
            beside(greedy.std(), None),
            self.state_line(None),
            rate_text(self.speed.rate()),
        )
    }

    /// A line that stays; stderr may be closed, which must not stop a training.
    fn print(&self, line: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{}", printable::lines(line));
        });
    }
}

/// A warning before the display of a run begins.
pub fn warn(text: &str) {
    let _ = writeln!(std::io::stderr(), "warning: {}", printable::lines(text));
}

/// Steps per second over the last few seconds of learning.
#[derive(Default)]
struct Speed {
    windows: VecDeque<(f64, u64)>,
}

impl Speed {
    const SECONDS: f64 = 5.0;

    /// Takes the end of a window. The warm-up does not count: it learns nothing and runs a hundred times faster.
    fn observe(&mut self, p: &Progress) {
        if p.updates == 0 {
            self.windows.clear();
        }
        self.windows.push_back((p.wall_s, p.env_steps));
        while self.windows.len() > 2 && p.wall_s - self.windows[1].0 > Self::SECONDS {
            self.windows.pop_front();
        }
    }

    /// `None` before the second window.
    fn rate(&self) -> Option<f64> {
        let (first, last) = (self.windows.front()?, self.windows.back()?);
        (last.0 > first.0).then(|| (last.1 - first.1) as f64 / (last.0 - first.0))
    }
}

fn rate_text(rate: Option<f64>) -> String {
    format!("{} steps/s", rate.map_or_else(|| "-".into(), |rate| thousands(rate as u64)))
}

fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{v:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(algo: &str) -> ProgressLine {
        let mut config = Config { algo: algo.into(), total_timesteps: 60_000, ..Config::default() };
        if algo == "dqn" {
            (config.exploration, config.epsilon) = (Exploration::Greedy, 1.0);
        }
        ProgressLine::new(Mode::Quiet, &config, Some(150.0))
    }

    #[test]
    fn lines_hold_every_number_and_a_dash_where_there_is_none() {
        let mut line = line("sqn");
        line.latest = Progress { env_steps: 5_000, alpha: 0.125, ..Progress::default() };
        assert_eq!(line.state_line(None), "return -  alpha 0.1250  entropy -");
        (line.latest.episodic_return, line.latest.entropy) = (Some(98.25), Some(0.5));
        let greedy = Evaluation::of_returns([99.98, 199.98]);
        assert_eq!(
            line.evaluation_line(5_000, &greedy),
            "step 5,000/60,000  eval 149.98 +- 50.0  return 98.2  alpha 0.1250  entropy 0.500  - steps/s"
        );
        assert!(line.state_line(Some(150.0)).contains("eval 150.0"));
    }

    #[test]
    fn a_family_shows_its_own_quantities() {
        let mut line = line("dqn");
        line.latest = Progress { epsilon: 0.25, q_values: Some(12.5), ..Progress::default() };
        assert_eq!(line.state_line(None), "return -  epsilon 0.250  q 12.50");
    }

    #[test]
    fn speed_counts_the_last_seconds_of_learning() {
        let mut line =
            ProgressLine::new(Mode::Quiet, &Config { total_timesteps: 4_000, ..Config::default() }, None);
        let mut window = |wall_s: f64, env_steps: u64, updates: u64| {
            line.observe(&Event::Progress(Progress { wall_s, env_steps, updates, ..Progress::default() }));
            (line.speed.rate(), line.message())
        };
        assert_eq!(window(0.1, 1_000, 0).0, None, "the warm-up is no measure");
        assert_eq!(window(1.1, 1_100, 10).0, Some(100.0));
        for second in 2..=20 {
            window(f64::from(second) + 0.1, 1_000 + 100 * second as u64, 10 * second as u64);
        }
        let (rate, message) = window(20.6, 3_100, 300);
        assert!(rate.is_some_and(|rate| rate > 100.0 && rate < 120.0), "{rate:?}");
        assert!(message.contains("steps/s") && message.contains("ETA 8 seconds"), "{message}");
    }

    #[test]
    fn quiet_wins_over_everything() {
        assert_eq!(Mode::of(true, true), Mode::Quiet);
        assert_eq!(Mode::of(false, true), Mode::Plain);
    }
}
