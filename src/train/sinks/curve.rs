//! The learning curve, collected while training; `curve.svg`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Result;
use crate::report::curve::{CurvePoint, write_curve_svg};
use crate::report::terminal::plot_terminal;
use crate::train::event::Event;
use crate::train::run_dir::{CURVE_FILE, RunDir};
use crate::train::sinks::{Sink, kept, taken_back};
use crate::train::trainer::Trainer;

/// Points of the learning curve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    training: Vec<CurvePoint>,
    evaluation: Vec<CurvePoint>,
}

impl Curves {
    /// Takes the points of an event.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Progress(progress) => {
                let point = |mean| CurvePoint { env_steps: progress.env_steps, mean };
                self.training.extend(progress.episodic_return.map(point));
            }
            Event::Evaluation { env_steps, greedy } => {
                self.evaluation.push(CurvePoint { env_steps: *env_steps, mean: greedy.mean() });
            }
            _ => {}
        }
    }

    /// Mean returns of training episodes.
    pub fn training(&self) -> &[CurvePoint] {
        &self.training
    }

    /// Mean returns of evaluations.
    pub fn evaluation(&self) -> &[CurvePoint] {
        &self.evaluation
    }

    /// The evaluations as text for the terminal; a run too short for two of them shows the training returns, and the
    /// evaluation after them.
    pub fn terminal(&self, threshold: Option<f64>) -> String {
        let mut points = self.evaluation.clone();
        if points.len() < 2 {
            points.splice(0..0, self.training.iter().copied());
        }
        plot_terminal(&points, threshold, 72, 16)
    }
}

/// Writes the curve when the run is over.
pub struct CurveSvg {
    curves: Curves,
    title: String,
    threshold: Option<f64>,
}

impl CurveSvg {
    /// An empty curve, or that of a checkpoint.
    pub fn open(trainer: &Trainer, state: Option<&Value>) -> Result<CurveSvg> {
        let config = trainer.config();
        Ok(CurveSvg {
            curves: taken_back(CURVE_FILE, state)?,
            title: format!("{} with {}, seed {}", config.env, config.algo, config.seed),
            threshold: trainer.env().reward_threshold,
        })
    }
}

impl Sink for CurveSvg {
    fn take(&mut self, event: &Event, _: &RunDir) -> Result<()> {
        self.curves.take(event);
        Ok(())
    }

    fn state(&self) -> Result<Value> {
        kept(CURVE_FILE, &self.curves)
    }

    fn close(&mut self, dir: &RunDir) -> Result<()> {
        let Curves { training, evaluation } = &self.curves;
        write_curve_svg(&dir.file(CURVE_FILE), &self.title, training, evaluation, self.threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::event::{Evaluation, Progress};

    #[test]
    fn a_lone_evaluation_ends_the_curve_of_a_short_run() {
        let mut curves = Curves::default();
        for (env_steps, mean) in [(1_000, -0.9), (2_000, -0.1)] {
            curves.take(&Event::Progress(Progress {
                env_steps,
                episodic_return: Some(mean),
                ..Progress::default()
            }));
        }
        let before = curves.terminal(Some(0.9));
        let greedy = Evaluation { returns: vec![1.0] };
        curves.take(&Event::Evaluation { env_steps: 2_000, greedy });
        let after = curves.terminal(Some(0.9));
        let top = |text: &str| {
            text.lines().skip(1).take(3).any(|line| line.contains(|c| ('\u{2801}'..='\u{28ff}').contains(&c)))
        };
        assert!(!top(&before) && top(&after), "{before}{after}");
    }
}
