//! The pictures of a run: its learning curve, as a file and in the terminal, and the trained agent at work.

use std::path::Path;

use softq::Result;
use softq::report::cartpole::draw_cartpole;
use softq::report::curve::{CurvePoint, write_curve_svg};
use softq::report::gif::write_gif as encode_gif;
use softq::report::raster::rasterise;
use softq::report::terminal::plot_terminal;
use softq::train::event::Event;

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
            Event::Warning(_) => {}
        }
    }

    /// Writes `curve.svg`.
    pub fn write_svg(&self, path: &Path, title: &str, threshold: f64) -> Result<()> {
        write_curve_svg(path, title, &self.training, &self.evaluation, Some(threshold))
    }

    /// The evaluations as text for the terminal; a run too short for two of them shows the training returns.
    pub fn terminal(&self, threshold: f64) -> String {
        let points = if self.evaluation.len() > 1 { &self.evaluation } else { &self.training };
        plot_terminal(points, Some(threshold), 72, 16)
    }
}

/// One pixel of an environment's picture: state vector, position, aspect ratio.
type Draw = fn(&[f32], [f32; 2], f32) -> [f32; 3];

fn drawing_of(env_id: &str) -> Option<Draw> {
    match env_id {
        "CartPole-v1" => Some(|state, uv, aspect| {
            // A state that is too short is drawn as the upright pole at rest.
            draw_cartpole(state.first_chunk().copied().unwrap_or_default(), uv, aspect)
        }),
        _ => None,
    }
}

const WIDTH: u16 = 300;
const HEIGHT: u16 = 200;
/// Gymnasium's CartPole runs at 50 steps a second; every second state at 25 frames a second halves the file.
const STRIDE: usize = 2;
const DELAY_CS: u16 = 4;

/// Writes `agent.gif` from the states of one episode. An environment without a drawing gets no file: `false`.
pub fn write_gif(path: &Path, env_id: &str, episode: impl FnOnce() -> Result<Vec<Vec<f32>>>) -> Result<bool> {
    let Some(draw) = drawing_of(env_id) else { return Ok(false) };
    let states: Vec<Vec<f32>> = episode()?.into_iter().step_by(STRIDE).collect();
    let aspect = f32::from(WIDTH) / f32::from(HEIGHT);
    let frames: Vec<_> =
        states.iter().map(|state| rasterise(WIDTH, HEIGHT, 2, |uv| draw(state, uv, aspect))).collect();
    encode_gif(path, &frames, DELAY_CS)?;
    Ok(true)
}
