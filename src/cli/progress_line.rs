//! What a running training shows on stderr: a live line on a terminal, otherwise one plain line per evaluation, and
//! warnings always. Stdout stays free for the result.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use softq::train::event::{Evaluation, Event, Progress};

use super::thousands;

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
    latest: Progress,
    evaluation: Option<f64>,
}

impl ProgressLine {
    /// Starts the display of a run of `total` environment steps.
    pub fn new(mode: Mode, total: u64) -> ProgressLine {
        let target =
            if mode == Mode::Live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let rate = |state: &ProgressState, w: &mut dyn std::fmt::Write| {
            // A failed write to a terminal line is not worth stopping a training for.
            let _ = write!(w, "{} steps/s", thousands(state.per_sec() as u64));
        };
        if let Ok(style) =
            ProgressStyle::with_template("{bar:20} {human_pos}/{human_len} steps  {rate}  {msg}  ETA {eta}")
        {
            bar.set_style(style.with_key("rate", rate));
        }
        ProgressLine { mode, bar, total, latest: Progress::default(), evaluation: None }
    }

    /// Shows one event.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Progress(progress) => {
                self.latest = progress.clone();
                self.bar.set_position(progress.env_steps);
                self.bar.set_message(state_line(progress, self.evaluation));
            }
            Event::Evaluation { env_steps, greedy } => {
                self.evaluation = Some(greedy.mean());
                self.bar.set_message(state_line(&self.latest, self.evaluation));
                if self.mode == Mode::Plain {
                    self.print(&evaluation_line(*env_steps, self.total, greedy, &self.latest));
                }
            }
            Event::Warning(text) => self.print(&format!("warning: {text}")),
        }
    }

    /// Removes the live line.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// A line that stays; stderr may be closed, which must not stop a training.
    fn print(&self, line: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    }
}

fn state_line(p: &Progress, evaluation: Option<f64>) -> String {
    let eval = evaluation.map(|mean| format!("  eval {mean:.1}")).unwrap_or_default();
    let (episodic_return, entropy) = (optional(p.episodic_return, 1), optional(p.entropy, 3));
    format!("return {episodic_return}{eval}  alpha {:.4}  entropy {entropy}", p.alpha)
}

fn evaluation_line(env_steps: u64, total: u64, greedy: &Evaluation, p: &Progress) -> String {
    let rate = if p.wall_s > 0.0 { thousands((p.env_steps as f64 / p.wall_s) as u64) } else { "-".into() };
    format!(
        "step {}/{}  eval {:.1} +- {:.1}  {}  {rate} steps/s",
        thousands(env_steps),
        thousands(total),
        greedy.mean(),
        greedy.std(),
        state_line(p, None),
    )
}

fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{v:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_every_number_and_a_dash_where_there_is_none() {
        let mut p = Progress { env_steps: 5_000, wall_s: 2.5, alpha: 0.125, ..Progress::default() };
        assert_eq!(state_line(&p, None), "return -  alpha 0.1250  entropy -");
        (p.episodic_return, p.entropy) = (Some(98.25), Some(0.5));
        let greedy = Evaluation { returns: vec![100.0, 200.0] };
        assert_eq!(
            evaluation_line(5_000, 60_000, &greedy, &p),
            "step 5,000/60,000  eval 150.0 +- 50.0  return 98.2  alpha 0.1250  entropy 0.500  2,000 steps/s"
        );
        assert!(state_line(&p, Some(150.0)).contains("eval 150.0"));
    }

    #[test]
    fn quiet_wins_over_everything() {
        assert_eq!(Mode::of(true, true), Mode::Quiet);
        assert_eq!(Mode::of(false, true), Mode::Plain);
    }
}
