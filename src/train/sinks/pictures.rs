//! `agent.gif`: the trained agent at work.

use crate::error::Result;
use crate::report::gif::write_gif;
use crate::train::event::Event;
use crate::train::run_dir::{GIF_FILE, RunDir};
use crate::train::sinks::Sink;

/// Width of the pictures.
pub const WIDTH: u16 = 300;

/// Writes the animation. An environment without a drawing gets no file.
pub struct AgentGif;

impl Sink for AgentGif {
    fn take(&mut self, event: &Event, dir: &RunDir) -> Result<()> {
        match event {
            Event::Pictures(pictures) if !pictures.frames.is_empty() => {
                write_gif(&dir.file(GIF_FILE), &pictures.frames, pictures.delay_cs)
            }
            _ => Ok(()),
        }
    }
}
