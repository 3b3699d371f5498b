//! What a running training shows on stderr: a live line on a terminal, otherwise one plain line per evaluation, and
//! warnings always. Stdout stays free for the result.

use std::collections::VecDeque;
use std::io::{IsTerminal, Write};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use softq::config::thousands;
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
    speed: Speed,
    latest: Progress,
    evaluation: Option<f64>,
}

impl ProgressLine {
    /// Starts the display of a run of `total` environment steps.
    pub fn new(mode: Mode, total: u64) -> ProgressLine {
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
                    self.print(&evaluation_line(
                        *env_steps,
                        self.total,
                        greedy,
                        &self.latest,
                        self.speed.rate(),
                    ));
                }
            }
            Event::Warning(text) => self.print(&format!("warning: {text}")),
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
        let state = state_line(&self.latest, self.evaluation);
        format!("{}  {state}  ETA {eta}", rate_text(self.speed.rate()))
    }

    /// A line that stays; stderr may be closed, which must not stop a training.
    fn print(&self, line: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    }
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

fn state_line(p: &Progress, evaluation: Option<f64>) -> String {
    let eval = evaluation.map(|mean| format!("  eval {mean:.1}")).unwrap_or_default();
    let (episodic_return, entropy) = (optional(p.episodic_return, 1), optional(p.entropy, 3));
    format!("return {episodic_return}{eval}  alpha {:.4}  entropy {entropy}", p.alpha)
}

fn evaluation_line(
    env_steps: u64,
    total: u64,
    greedy: &Evaluation,
    p: &Progress,
    rate: Option<f64>,
) -> String {
    format!(
        "step {}/{}  eval {:.1} +- {:.1}  {}  {}",
        thousands(env_steps),
        thousands(total),
        greedy.mean(),
        greedy.std(),
        state_line(p, None),
        rate_text(rate),
    )
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

    #[test]
    fn lines_hold_every_number_and_a_dash_where_there_is_none() {
        let mut p = Progress { env_steps: 5_000, alpha: 0.125, ..Progress::default() };
        assert_eq!(state_line(&p, None), "return -  alpha 0.1250  entropy -");
        (p.episodic_return, p.entropy) = (Some(98.25), Some(0.5));
        let greedy = Evaluation { returns: vec![100.0, 200.0] };
        assert_eq!(
            evaluation_line(5_000, 60_000, &greedy, &p, Some(2_000.4)),
            "step 5,000/60,000  eval 150.0 +- 50.0  return 98.2  alpha 0.1250  entropy 0.500  2,000 steps/s"
        );
        assert!(state_line(&p, Some(150.0)).contains("eval 150.0"));
    }

    #[test]
    fn speed_counts_the_last_seconds_of_learning() {
        let mut line = ProgressLine::new(Mode::Quiet, 4_000);
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
