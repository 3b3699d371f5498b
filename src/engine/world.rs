//! An environment's functions on the CPU: [`World`], which its Rust file implements, and the same over words, as executors
//! hold states and parameters.
//!
//! ```
//! use softq::engine::env::Outcome;
//! use softq::engine::world::{EnvTwin, NoParams, World};
//! use softq::shared::rng::{Rng, STREAM_STEP};
//!
//! /// Steps along a line, up to its end.
//! struct Walk {
//!     end: u32,
//! }
//!
//! impl World for Walk {
//!     type State = u32;
//!     type Params = NoParams;
//!
//!     fn reset(&self, _: &NoParams, rng: &mut Rng<'_>) -> u32 {
//!         rng.u32() % self.end
//!     }
//!
//!     fn step(&self, _: &NoParams, at: &mut u32, action: &[u32], _: &mut Rng<'_>) -> Outcome {
//!         *at += action[0];
//!         Outcome { reward: -1.0, terminated: *at >= self.end }
//!     }
//!
//!     fn observe(&self, _: &NoParams, at: &u32, obs: &mut [f32]) {
//!         obs[0] = *at as f32 / self.end as f32;
//!     }
//!
//!     fn draw(&self, _: &NoParams, at: &u32, uv: [f32; 2]) -> [f32; 3] {
//!         if uv[0] * (self.end as f32) < *at as f32 { [1.0; 3] } else { [0.0; 3] }
//!     }
//! }
//!
//! // Its words are what executors see.
//! let twin: &dyn EnvTwin = &Walk { end: 4 };
//! assert_eq!((twin.state_words(), twin.param_words()), (1, 1));
//! let (mut state, mut rng) = ([3], Rng::new(0, STREAM_STEP, 0, 0));
//! assert_eq!(twin.step(&[0], &mut state, &[1], &mut rng), Outcome { reward: -1.0, terminated: true });
//! assert_eq!(state, [4]);
//! let mut colours = [vec![0.0; 2], vec![0.0; 2], vec![0.0; 2]];
//! twin.draw(&[0], &[2], &[0.1, 0.9], 0.5, &mut colours);
//! assert_eq!(colours[0], [1.0, 0.0], "left half white");
//! ```

use bytemuck::Pod;

use crate::engine::abreast::{self, Abreast};
use crate::engine::simd::Arch;
use crate::shared::outcome::Outcome;
use crate::shared::rng::Rng;

/// `EnvParams` of environments without runtime parameters: one unused word, as in WGSL.
pub type NoParams = u32;

/// One number of a state, as an axis of a grid over all states.
///
/// ```
/// use softq::engine::world::Axis;
///
/// let axes: &[Axis] = softq::envs::find("pendulum")?.twin().axes();
/// let names: Vec<(&str, bool)> = axes.iter().map(|axis| (axis.name, axis.wraps)).collect();
/// assert_eq!(names, [("theta", true), ("theta_dot", false)]);
/// # Ok::<(), softq::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Its name in `State`.
    pub name: &'static str,
    /// Least value.
    pub low: f32,
    /// Largest value.
    pub high: f32,
    /// Whether `high` is `low` again, as with angles.
    pub wraps: bool,
    /// Points along it where nothing else is asked for.
    pub points: u32,
}

/// The functions of an environment on the CPU, typed: what an environment's Rust file implements, in the same order of
/// operations as its WGSL file.
pub trait World: Send + Sync + 'static {
    /// Twin of the `State` struct.
    type State: Pod;
    /// Twin of the `EnvParams` struct.
    type Params: Pod;

    /// Draws an initial state.
    fn reset(&self, params: &Self::Params, rng: &mut Rng<'_>) -> Self::State;
    /// Advances the state. `action`: one word per head; the bits of an `f32` per dimension of a box.
    fn step(
        &self,
        params: &Self::Params,
        state: &mut Self::State,
        action: &[u32],
        rng: &mut Rng<'_>,
    ) -> Outcome;
    /// Writes every element of the observation.
    fn observe(&self, params: &Self::Params, state: &Self::State, obs: &mut [f32]);
    /// Colour, sRGB in 0 to 1, of the picture at `uv`: (0, 0) is the top left, (1, 1) the bottom right.
    fn draw(&self, params: &Self::Params, state: &Self::State, uv: [f32; 2]) -> [f32; 3];
    /// The axes of a grid over all states, in the order of `State`, whose fields must all be `f32` and whose steps must draw no
    /// random number; none where such a grid is no use. See `envs::grid`.
    fn axes(&self) -> &'static [Axis] {
        &[]
    }
    /// Whether [`World::step`] is a few operations without loops, on one word of action: then many lanes of a rollout step
    /// together, in vectors.
    const ABREAST: bool = false;
}

/// [`World`] over words, which is how buffers hold states and parameters.
pub trait EnvTwin: Send + Sync {
    /// See [`World::reset`].
    fn reset(&self, params: &[u32], state: &mut [u32], rng: &mut Rng<'_>);
    /// See [`World::step`].
    fn step(&self, params: &[u32], state: &mut [u32], action: &[u32], rng: &mut Rng<'_>) -> Outcome;
    /// [`World::step`] of many lanes at once; false, and nothing done, where they had better step one by one.
    fn step_abreast(&self, _lanes: &mut Abreast) -> bool {
        false
    }
    /// See [`World::observe`].
    fn observe(&self, params: &[u32], state: &[u32], obs: &mut [f32]);
    /// [`World::draw`] along a line of a picture: at every `u`, and at height `v`. Each channel of `colours` is as long as `u`.
    fn draw(&self, params: &[u32], state: &[u32], u: &[f32], v: f32, colours: &mut [Vec<f32>; 3]);
    /// See [`World::axes`].
    fn axes(&self) -> &'static [Axis];
    /// Words of the state.
    fn state_words(&self) -> usize;
    /// Words of the parameters.
    fn param_words(&self) -> usize;
}

impl std::fmt::Debug for dyn EnvTwin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnvTwin")
    }
}

impl<W: World> EnvTwin for W {
    fn reset(&self, params: &[u32], state: &mut [u32], rng: &mut Rng<'_>) {
        bytemuck::cast_slice_mut::<u32, W::State>(state)[0] = World::reset(self, typed(params), rng);
    }

    fn step(&self, params: &[u32], state: &mut [u32], action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let state = &mut bytemuck::cast_slice_mut::<u32, W::State>(state)[0];
        World::step(self, typed(params), state, action, rng)
    }

    fn step_abreast(&self, lanes: &mut Abreast) -> bool {
        let together = W::ABREAST && const { abreast::fits::<W>() };
        if together {
            Arch::new().dispatch(abreast::Steps(self, lanes));
        }
        together
    }

    fn observe(&self, params: &[u32], state: &[u32], obs: &mut [f32]) {
        World::observe(self, typed(params), typed(state), obs);
    }

    fn draw(&self, params: &[u32], state: &[u32], u: &[f32], v: f32, colours: &mut [Vec<f32>; 3]) {
        Arch::new().dispatch(abreast::Line {
            world: self,
            params: typed(params),
            state: typed(state),
            u,
            v,
            colours,
        });
    }

    fn axes(&self) -> &'static [Axis] {
        World::axes(self)
    }

    fn state_words(&self) -> usize {
        std::mem::size_of::<W::State>() / 4
    }

    fn param_words(&self) -> usize {
        std::mem::size_of::<W::Params>() / 4
    }
}

fn typed<T: Pod>(words: &[u32]) -> &T {
    &bytemuck::cast_slice::<u32, T>(words)[0]
}
