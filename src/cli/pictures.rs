//! The pictures of a run: its learning curve, as a file and in the terminal, and the trained agent at work.

use std::path::Path;

use softq::Result;
use softq::report::curve::{CurvePoint, write_curve_svg};
use softq::report::gif::write_gif as encode_gif;
use softq::report::terminal::plot_terminal;
use softq::train::event::Event;

use super::engine::Training;

/// The learning curve, collected while training.
#[derive(Debug, Default)]
pub struct Curves {
    training: Vec<CurvePoint>,
    evaluation: Vec<CurvePoint>,
}

impl Curves {
    /// Takes the points of an event.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Progress(progress) => {
                let point = |mean| CurvePoint { env_steps: progress.env_steps, mean };
                self.training.extend(progress.episodic_return.map(point));
            }
            Event::Evaluation { env_steps, greedy } => {
                self.evaluation.push(CurvePoint { env_steps: *env_steps, mean: greedy.mean() });
            }
            Event::Warning(_) | Event::Best(_) | Event::Finished(_) => {}
        }
    }

    /// Writes `curve.svg`.
    pub fn write_svg(&self, path: &Path, title: &str, threshold: Option<f64>) -> Result<()> {
        write_curve_svg(path, title, &self.training, &self.evaluation, threshold)
    }

    /// The evaluations as text for the terminal; a run too short for two of them shows the training returns.
    pub fn terminal(&self, threshold: Option<f64>) -> String {
        let points = if self.evaluation.len() > 1 { &self.evaluation } else { &self.training };
        plot_terminal(points, threshold, 72, 16)
    }
}

/// Width of `agent.gif`.
const WIDTH: u16 = 300;

/// Writes `agent.gif`. An environment without a drawing gets no file: `false`.
pub fn write_gif(path: &Path, training: &mut dyn Training) -> Result<bool> {
    let pictures = training.record_episode(WIDTH)?;
    if pictures.frames.is_empty() {
        return Ok(false);
    }
    encode_gif(path, &pictures.frames, pictures.delay_cs)?;
    Ok(true)
}
