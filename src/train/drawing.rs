//! Pictures of played episodes, by the environment's own `draw`.
//!
//! ```
//! use softq::config::Config;
//! use softq::train::drawing::{Pictures, draw, every, executor_for, height_of, pictures, spread};
//! use softq::train::playback::{self, LONGEST, Policy};
//!
//! let env = softq::envs::find("cartpole")?;
//! let mut executor = executor_for(env, &softq::gpu::choose("cpu")?)?;
//! let episode = playback::play(&Config::default(), env, Policy::Random, 3, LONGEST, &mut *executor)?;
//! // A few states, the first and the last included.
//! let (shown, size) = (spread(&episode, 4), [30, height_of(env, 30)]);
//! let few = draw(env, &episode, &shown, size, &mut *executor)?;
//! assert_eq!((few.len(), few[0].rgb.len()), (4, 3 * 30 * 20));
//! // Or an animation at natural speed: of 50 states a second every other one, and the last for half a second more.
//! let Pictures { frames, delay_cs } = pictures(env, &episode, 30, &mut *executor)?;
//! assert_eq!((frames.len(), delay_cs), (every(&episode, 2).len() + 12, 4));
//! assert_eq!((&frames[0], frames.last()), (&few[0], few.last()));
//! # Ok::<(), softq::Error>(())
//! ```

use crate::engine::cpu::CpuExecutor;
use crate::engine::env::Env;
use crate::engine::executor::Executor;
use crate::engine::kernel::MAX_LOOP_ITERATIONS;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::gpu::{self, Choice};
use crate::kernels::env_draw;
use crate::report::gif::Frame;
use crate::train::playback::Episode;

/// Pictures of an episode, ready for a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictures {
    /// One per state shown.
    pub frames: Vec<Frame>,
    /// Time of each in hundredths of a second.
    pub delay_cs: u16,
}

/// An executor for playing and drawing: the twin where there is one, since single steps are all latency on a GPU, else `choice`.
/// A file that is interpreted plays well enough on the CPU, but a picture is a million calls: any driver draws it sooner.
pub fn executor_for(env: &Env, choice: &Choice) -> Result<Box<dyn Executor>> {
    match (&env.twin, env.user) {
        (None, _) => gpu::open(choice),
        (Some(_), true) if choice.address != "cpu" => gpu::open(choice),
        (Some(_), true) => match gpu::choose("auto") {
            Ok(driver) if driver.address != "cpu" => gpu::open(&driver),
            _ => Ok(Box::new(CpuExecutor::new())),
        },
        (Some(_), false) => Ok(Box::new(CpuExecutor::new())),
    }
}

/// Height of a picture of this width.
pub fn height_of(env: &Env, width: u16) -> u16 {
    (f32::from(width) / env.draw_aspect).round().clamp(1.0, 4096.0) as u16
}

/// The episode as an animation at natural speed, with at most 25 pictures a second. The last one stays for half a second.
pub fn pictures(
    env: &'static Env,
    episode: &Episode,
    width: u16,
    executor: &mut dyn Executor,
) -> Result<Pictures> {
    let width = if interpreted(env, executor) { (width / 2).max(1) } else { width };
    let stride = env.render_fps.div_ceil(25) as usize;
    let delay_cs = (100 * stride as u32 / env.render_fps).clamp(2, 1000) as u16;
    let mut frames = draw(env, episode, &every(episode, stride), [width, height_of(env, width)], executor)?;
    if let Some(last) = frames.last().cloned() {
        frames.extend(std::iter::repeat_n(last, usize::from(50 / delay_cs)));
    }
    Ok(Pictures { frames, delay_cs })
}

/// Numbers of every `stride`-th state, and always of the last one, since there it is seen how the episode ended.
pub fn every(episode: &Episode, stride: usize) -> Vec<usize> {
    let last = episode.steps();
    let mut shown: Vec<usize> = (0..=last).step_by(stride.max(1)).collect();
    if shown.last() != Some(&last) {
        shown.push(last);
    }
    shown
}

/// Numbers of `count` states at even distances, the first and the last included; each at most once.
pub fn spread(episode: &Episode, count: usize) -> Vec<usize> {
    let last = episode.steps();
    let mut shown: Vec<usize> =
        (0..count).map(|i| (i * last + count.saturating_sub(1) / 2) / (count - 1).max(1)).collect();
    shown.dedup();
    shown
}

/// Whether `draw` is interpreted, call by call: animations are then half as wide and every pixel is one place.
fn interpreted(env: &Env, executor: &dyn Executor) -> bool {
    env.user && executor.address() == "cpu"
}

/// Draws the states of these numbers, `[width, height]` each; nothing if the environment has no `draw`.
pub fn draw(
    env: &'static Env,
    episode: &Episode,
    shown: &[usize],
    [width, height]: [u16; 2],
    executor: &mut dyn Executor,
) -> Result<Vec<Frame>> {
    if !env.has_draw {
        return Ok(Vec::new());
    }
    let words = env.state_words as usize;
    let size = usize::from(width) * usize::from(height);
    let samples = if interpreted(env, executor) { 1 } else { samples_for(env, width) };
    // As many at once as fit 32 MiB, which every device allows.
    let at_once = ((8 << 20) / size.max(1)).clamp(1, 64);
    let mut pictures = Vec::with_capacity(shown.len());
    for shown in shown.chunks(at_once) {
        let states: Vec<u32> =
            shown.iter().flat_map(|i| &episode.states[i * words..][..words]).copied().collect();
        let frames = shown.len() as u32;
        let mut buffers = Buffers::default();
        const HINT: &str = "Lower --width.";
        let env_params: Buffer<u32> =
            buffers.add("env_params", u64::from(frames) * u64::from(env.param_words()), HINT);
        let state: Buffer<u32> = buffers.add("state", states.len() as u64, HINT);
        let pixels: Buffer<u32> = buffers.add("pixels", (shown.len() * size) as u64, HINT);
        let mut recording = Recording::default();
        let params = env_draw::Params { frames, width: width.into(), height: height.into(), samples };
        env_draw::record(&mut recording, env, params, env_params, state, pixels)?;
        executor.allocate(&buffers)?;
        executor.write(env_params.id, &episode.params.repeat(shown.len()))?;
        executor.write(state.id, &states)?;
        let program = executor.prepare(&recording)?;
        executor.submit(&[(program, 1)], None)?;
        let pixels = executor.read(pixels.id)?;
        pictures.extend(pixels.chunks_exact(size).map(|frame| {
            let rgb = |pixel: &u32| [*pixel as u8, (*pixel >> 8) as u8, (*pixel >> 16) as u8];
            Frame { width, height, rgb: frame.iter().flat_map(rgb).collect() }
        }));
    }
    Ok(pictures)
}

/// Places per pixel along each side: more in small pictures, where thin lines would fall between them, as far as the
/// loop bound of shaders allows.
fn samples_for(env: &Env, width: u16) -> u32 {
    let allowed = (MAX_LOOP_ITERATIONS / (1 + u64::from(env.max_loop_iterations))).isqrt() as u32;
    (400 / u32::from(width).max(1)).clamp(3, 6).min(allowed).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::envs;
    use crate::train::playback::{self, Policy};

    fn episode(frames: usize) -> Episode {
        Episode { states: vec![], params: vec![], returns: vec![0.0; frames], ended: true }
    }

    #[test]
    fn the_first_and_the_last_state_are_always_shown() {
        assert_eq!(every(&episode(6), 2), [0, 2, 4, 5]);
        assert_eq!(every(&episode(5), 2), [0, 2, 4]);
        assert_eq!(every(&episode(1), 3), [0]);
        assert_eq!(spread(&episode(11), 3), [0, 5, 10]);
        assert_eq!(spread(&episode(3), 8), [0, 1, 2]);
        assert_eq!(spread(&episode(9), 1), [0]);
    }

    #[test]
    fn every_environment_has_a_picture_that_is_not_empty() {
        for env in envs::registry() {
            let mut executor = CpuExecutor::new();
            let config = Config::default();
            let episode = playback::play(&config, env, Policy::Random, 1, 3, &mut executor).expect("episode");
            let size = [60, height_of(env, 60)];
            let frames = draw(env, &episode, &[0], size, &mut executor).expect("picture");
            let first = &frames[0].rgb[..3];
            assert!(frames[0].rgb.chunks(3).any(|pixel| pixel != first), "{} shows one colour", env.id);
        }
    }
}
