//! What a live view asks of a run while it goes on, without stopping it: contents of buffers and weights, which come as events,
//! and the training environments drawn straight from the device's memory.
//!
//! ```
//! use softq::agents;
//! use softq::config::Config;
//! use softq::engine::cpu::CpuExecutor;
//! use softq::train::event::Event;
//! use softq::train::live::{Gallery, Watched};
//! use softq::train::trainer::Trainer;
//!
//! let config = Config { env: "catch".into(), device: "cpu".into(), ..Config::default() };
//! let env = softq::envs::find(&config.env)?;
//! let mut plan = agents::plan(&config, env)?;
//! let mut gallery = Gallery::declare(&mut plan, env, 2, 20)?.expect("catch can be drawn");
//! let (choice, executor) = (softq::gpu::choose("cpu")?, Box::new(CpuExecutor::new()));
//! let mut trainer = Trainer::with_executor(&config, env, plan, choice, executor)?;
//! trainer.advance()?;
//!
//! let Watched { outputs, width, lanes, .. } = trainer.watched();
//! trainer.ask_for(outputs)?;
//! trainer.draw(&mut gallery)?;
//! let mut lengths = Vec::new();
//! for event in trainer.receive()? {
//!     if let Event::Contents { words, .. } = event {
//!         lengths.push(words.len() as u32);
//!     }
//! }
//! // A value of each of three actions in every environment, and two pictures.
//! assert_eq!((width, lanes, gallery.height), (3, config.num_envs, 40));
//! assert_eq!(lengths, [width * lanes, gallery.frames * gallery.width * gallery.height]);
//! # Ok::<(), softq::Error>(())
//! ```

use std::time::Duration;

use crate::agents::plan::Plan;
use crate::engine::env::Env;
use crate::engine::executor::Program;
use crate::engine::kernel::MAX_LOOP_ITERATIONS;
use crate::engine::recording::{Buffer, BufferId, Recording};
use crate::error::Result;
use crate::kernels::env_draw;
use crate::train::course::What;
use crate::train::drawing::height_of;
use crate::train::event::Evaluated;
use crate::train::trainer::Trainer;

/// Pictures of training environments: of the first lanes of the first agent, then of the next agent's. Declared before the
/// run's memory is allocated, recorded over the same memory.
pub struct Gallery {
    /// Pictures.
    pub frames: u32,
    /// Pixels per row.
    pub width: u32,
    /// Rows of pixels.
    pub height: u32,
    /// Where they are drawn, `[frames, height, width]`, red in the lowest byte.
    pub pixels: BufferId,
    recording: Recording,
    program: Option<Program>,
}

impl Gallery {
    /// Adds the memory of at most `frames` pictures to a plan; none where the environment has no `draw`.
    pub fn declare(plan: &mut Plan, env: &'static Env, frames: u32, width: u32) -> Result<Option<Gallery>> {
        let Some(shard) = plan.shards.first().filter(|_| env.has_draw) else { return Ok(None) };
        let frames = frames.min(shard.agents * shard.stage.num_lanes);
        let height = u32::from(height_of(env, width.min(4096) as u16));
        let (params, state) = (shard.stage.env_params(), shard.stage.state());
        let size = u64::from(frames) * u64::from(width) * u64::from(height);
        let pixels: Buffer<u32> = plan.buffers.add("gallery", size, "Draw fewer or smaller pictures.");
        // Two places along each side of a pixel, as far as the loop bound of shaders allows.
        let samples = if 4 * (1 + u64::from(env.max_loop_iterations)) <= MAX_LOOP_ITERATIONS { 2 } else { 1 };
        let mut recording = Recording::default();
        let params_of = env_draw::Params { frames, width, height, samples };
        env_draw::record(&mut recording, env, params_of, params, state, pixels)?;
        Ok(Some(Gallery { frames, width, height, pixels: pixels.id, recording, program: None }))
    }
}

/// The buffers that say what the agents of the first shard see and prefer.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// Outputs of the acting network at the last step of every training environment, `[agents, lanes, outputs]`.
    pub outputs: BufferId,
    /// Outputs per environment.
    pub width: u32,
    /// Training environments per agent.
    pub lanes: u32,
    /// The agents' records.
    pub records: BufferId,
    /// Bookkeeping of the environments, `[agents, lanes]`.
    pub bookkeeping: BufferId,
}

impl Trainer {
    /// Where to look at agents at work.
    pub fn watched(&self) -> Watched {
        let shard = &self.plan.shards[0];
        let outputs = shard.stage.outputs();
        let rows = u64::from(shard.agents) * u64::from(shard.stage.num_lanes);
        Watched {
            outputs: outputs.id,
            width: (outputs.len / rows) as u32,
            lanes: shard.stage.num_lanes,
            records: shard.records.id,
            bookkeeping: shard.stage.lanes().id,
        }
    }

    /// Has the device's own clock take the time of every submission from here on; whether it has one.
    pub fn meter(&mut self) -> bool {
        self.executor.meter()
    }

    /// How long the device has been at work, as far as that has arrived; none without [`Trainer::meter`] or a clock.
    pub fn metered(&mut self) -> Option<Duration> {
        self.executor.metered()
    }

    /// Asks for the contents of a buffer behind everything submitted so far; they come as [`Event::Contents`].
    ///
    /// [`Event::Contents`]: crate::train::event::Event::Contents
    pub fn ask_for(&mut self, buffer: BufferId) -> Result<()> {
        self.executor.request(buffer)?;
        self.course.expect(What::Contents(buffer.0), 1);
        Ok(())
    }

    /// Asks for the weights of an agent as they are now; they come as [`Event::Current`].
    ///
    /// [`Event::Current`]: crate::train::event::Event::Current
    pub fn ask_for_current(&mut self, agent: usize) -> Result<()> {
        self.plan.check_agent(agent)?;
        // No evaluation belongs to them.
        let evaluated = Evaluated { agent, env_steps: self.course.env_steps, mean: f64::NAN, cut: false };
        self.ask_for_weights(What::Current, evaluated)
    }

    /// Draws the gallery as the environments are now and asks for its pixels, which come as the contents of its buffer.
    pub fn draw(&mut self, gallery: &mut Gallery) -> Result<()> {
        let program = match gallery.program {
            Some(program) => program,
            None => *gallery.program.insert(self.executor.prepare(&gallery.recording)?),
        };
        self.executor.submit(&[(program, 1)], Some(gallery.pixels))?;
        self.course.expect(What::Contents(gallery.pixels.0), 1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents;
    use crate::config::Config;
    use crate::engine::cpu::CpuExecutor;
    use crate::train::drawing;
    use crate::train::event::Event;

    fn small() -> Config {
        let small = Config {
            device: "cpu".into(),
            hidden: vec![8],
            num_envs: 3,
            learning_starts: 30,
            ..Config::default()
        };
        Config { batch_size: 8, agents: 2, ..small }
    }

    fn contents(trainer: &mut Trainer) -> Vec<u32> {
        let events = trainer.receive().expect("events");
        let words = events.into_iter().find_map(|event| match event {
            Event::Contents { words, .. } => Some(words),
            _ => None,
        });
        words.expect("contents")
    }

    #[test]
    fn the_gallery_shows_what_a_recorded_episode_shows() {
        let config = small();
        let env = crate::envs::find(&config.env).expect("environment");
        let mut plan = agents::plan(&config, env).expect("plan");
        let mut gallery =
            Gallery::declare(&mut plan, env, 5, 24).expect("recorded").expect("it can be drawn");
        let choice = crate::gpu::choose("cpu").expect("choice");
        let mut trainer = Trainer::with_executor(&config, env, plan, choice, Box::new(CpuExecutor::new()))
            .expect("trainer");
        for _ in 0..10 {
            trainer.advance().expect("a step");
        }
        trainer.draw(&mut gallery).expect("drawn");
        let pixels = contents(&mut trainer);
        let (frames, size) = (gallery.frames as usize, (gallery.width * gallery.height) as usize);
        assert_eq!((frames, pixels.len()), (5, 5 * size));
        // Lane 0 of agent 1 is the fourth of all.
        let now = trainer.lane_now(1).expect("state");
        let shape = [gallery.width as u16, gallery.height as u16];
        let picture =
            drawing::draw(env, &now, &[0], shape, &mut CpuExecutor::new()).expect("picture").remove(0);
        // The same picture of fewer samples: no pixel is far from the other.
        let far = pixels[3 * size..][..size].iter().zip(picture.rgb.chunks(3)).filter(|(pixel, rgb)| {
            (0..3).any(|channel| ((*pixel >> (8 * channel)) as u8).abs_diff(rgb[channel]) > 128)
        });
        assert!(far.count() <= size / 20);
        assert!(pixels[..size] != pixels[size..][..size], "two environments look alike");
    }

    #[test]
    fn asked_contents_and_weights_are_those_of_the_device() {
        let mut trainer = Trainer::new(&small()).expect("trainer");
        for _ in 0..20 {
            trainer.advance().expect("a step");
        }
        let watched = trainer.watched();
        assert_eq!((watched.width, watched.lanes), (2, 3));
        trainer.ask_for(watched.outputs).expect("asked");
        assert_eq!(contents(&mut trainer).len(), 2 * 3 * 2);
        trainer.ask_for_current(0).expect("asked");
        let events = trainer.receive().expect("events");
        let Some(Event::Current(weights)) = events.into_iter().next() else { panic!("no weights") };
        assert_eq!(weights.tensors, trainer.last_weights().expect("weights").tensors);
        assert_eq!(weights.greedy_mean, None);
        let error = trainer.ask_for_current(2).expect_err("two agents").to_string();
        assert!(error.contains("from 0 to 1"), "{error}");
        assert!(trainer.lane_now(2).is_err() && trainer.set_weights(&[]).is_err());
        assert!(trainer.ask_for(BufferId(9_999)).is_err());
    }

    #[test]
    fn what_is_received_while_a_run_is_held_takes_none_of_its_time() {
        let mut trainer = Trainer::new(&small()).expect("trainer");
        for _ in 0..20 {
            trainer.advance().expect("a step");
        }
        trainer.hold_clock();
        let before = trainer.course().wall_s;
        trainer.ask_for(trainer.watched().records).expect("asked");
        trainer.receive().expect("events");
        std::thread::sleep(Duration::from_millis(300));
        trainer.receive().expect("events");
        assert_eq!(trainer.course().wall_s, before);
        trainer.advance().expect("a step");
        assert!((before..before + 0.25).contains(&trainer.course().wall_s));
    }

    #[test]
    fn a_run_that_is_watched_ends_with_the_bits_of_one_that_is_not() {
        let config = Config { total_timesteps: 400, eval_frequency: 0, eval_episodes: 2, ..small() };
        let mut alone = Trainer::new(&config).expect("trainer");
        alone.run(&mut |_| Ok(())).expect("run");
        let mut trainer = Trainer::new(&config).expect("trainer");
        while !trainer.course().finished() {
            trainer.ask_for(trainer.watched().records).expect("asked");
            pollster::block_on(trainer.step()).expect("a step");
        }
        assert_eq!(
            trainer.read_buffer("weights").expect("weights"),
            alone.read_buffer("weights").expect("weights")
        );
    }
}
