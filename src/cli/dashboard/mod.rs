//! `softq train --tui`: the run live in the terminal. It lives on the alternate screen and ends with the run; q ends the run
//! as Ctrl-C does, with a checkpoint to go on from.

mod history;
mod view;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event as Input, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Rect;
use softq::config::Config;
use softq::engine::executor::Executor;
use softq::error::{Error, QUIT, Result};
use softq::report::gif;
use softq::train::drawing;
use softq::train::event::Event;
use softq::train::sinks::Observer;
use softq::train::sinks::curve::Curves;
use softq::train::trainer::Trainer;

use history::History;
use view::{View, picture_size};

/// Time between two pictures.
const PERIOD: Duration = Duration::from_millis(200);
/// The signal that q stands for.
const INTERRUPT: usize = 2;

/// The live view of a run.
pub struct Dashboard<'a> {
    terminal: DefaultTerminal,
    title: String,
    threshold: Option<f64>,
    history: History,
    /// Draws the environment.
    painter: Box<dyn Executor>,
    picture: Option<gif::Frame>,
    drawn: Instant,
    keys: Receiver<KeyEvent>,
    paused: bool,
    stop: &'a AtomicUsize,
    curves: &'a mut Curves,
}

impl<'a> Dashboard<'a> {
    /// Takes the terminal. `stop` is where the run looks for signals.
    pub fn open(
        config: &Config,
        trainer: &Trainer,
        stop: &'a AtomicUsize,
        curves: &'a mut Curves,
    ) -> Result<Dashboard<'a>> {
        let choice = trainer.choice();
        let painter = drawing::executor_for(trainer.env(), choice)?;
        let terminal = ratatui::try_init().map_err(|e| Error::file("draw on", "the terminal", e))?;
        let who = match trainer.course().agents() {
            1 => format!("seed {}", config.seed),
            agents => format!("{agents} agents from seed {}", config.seed),
        };
        Ok(Dashboard {
            terminal,
            title: format!(
                "{}, {}, {who}, on {} ({})",
                trainer.env().id,
                config.algo,
                choice.address,
                choice.adapter
            ),
            threshold: trainer.env().reward_threshold,
            history: History::new(config, curves),
            painter,
            picture: None,
            drawn: Instant::now(),
            keys: listen(),
            paused: false,
            stop,
            curves,
        })
    }

    fn draw(&mut self, trainer: &mut Trainer) -> Result<()> {
        let failed = |e: std::io::Error| Error::file("draw on", "the terminal", e);
        let size = self.terminal.size().map_err(failed)?;
        let env = trainer.env();
        if env.has_draw {
            let best = self.history.ranking().first().map_or(0, |(agent, _)| *agent);
            let area = Rect::new(0, 0, size.width, size.height);
            let (agents, warnings) = (self.history.agents.len(), self.history.warnings.len());
            let pixels = picture_size(area, agents, warnings, env.draw_aspect);
            let state = trainer.lane_now(best)?;
            self.picture = drawing::draw(env, &state, &[0], pixels, &mut *self.painter)?.pop();
        }
        let view = View {
            title: &self.title,
            history: &self.history,
            threshold: self.threshold,
            picture: self.picture.as_ref(),
            paused: self.paused,
        };
        self.terminal.draw(|frame| view.draw(frame)).map_err(failed)?;
        self.drawn = Instant::now();
        Ok(())
    }

    /// Takes the keys that were pressed, or waits for one.
    fn keys(&mut self, wait: Duration) {
        let mut next = self.keys.recv_timeout(wait).ok();
        while let Some(key) = next {
            let control = key.modifiers.contains(KeyModifiers::CONTROL);
            match key.code {
                KeyCode::Char('c') if control => self.stop.store(INTERRUPT, Ordering::Relaxed),
                KeyCode::Char('q') | KeyCode::Esc => self.stop.store(QUIT, Ordering::Relaxed),
                KeyCode::Char('p' | ' ') => self.paused = !self.paused,
                _ => {}
            }
            next = self.keys.try_recv().ok();
        }
    }
}

/// Keys as they are pressed, read by a thread of its own: where a terminal is gone, reading from it may never return, and the
/// run is to end by the signal that comes with it.
fn listen() -> Receiver<KeyEvent> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok(input) = event::read() {
            if let Input::Key(key) = input
                && key.kind == KeyEventKind::Press
                && sender.send(key).is_err()
            {
                return;
            }
        }
    });
    receiver
}

impl Observer for Dashboard<'_> {
    fn event(&mut self, event: &Event) -> Result<()> {
        self.history.take(event);
        self.curves.take(event);
        Ok(())
    }

    fn between(&mut self, trainer: &mut Trainer) -> Result<()> {
        if self.drawn.elapsed() < PERIOD || self.stop.load(Ordering::Relaxed) != 0 {
            return Ok(());
        }
        self.keys(Duration::ZERO);
        self.draw(trainer)?;
        if self.paused {
            trainer.hold_clock();
        }
        while self.paused && self.stop.load(Ordering::Relaxed) == 0 {
            self.draw(trainer)?;
            self.keys(PERIOD);
        }
        Ok(())
    }
}

impl Drop for Dashboard<'_> {
    fn drop(&mut self) {
        ratatui::restore();
    }
}
