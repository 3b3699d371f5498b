//! Lanes of one environment side by side: a word of the state of all of them in a row, so that the compiler puts lanes into the
//! lanes of vectors. Operations and their order are those of [`World::step`], and so are the bits.

use bytemuck::Pod;
use pulp::{Simd, WithSimd};

use crate::engine::world::World;
use crate::shared::rng::Rng;

/// Lanes that step together.
pub const LANES: usize = 64;
/// Most words of a state.
const STATE_WORDS: usize = 4;
/// Most words of the parameters.
const PARAM_WORDS: usize = 9;

/// A word of every lane.
pub type Row = [u32; LANES];

/// [`LANES`] neighbours. All rows lie in one value, so that the compiler knows them apart.
pub struct Abreast {
    /// `EnvParams`, word by word.
    pub params: [Row; PARAM_WORDS],
    /// `State`, word by word.
    pub state: [Row; STATE_WORDS],
    /// Actions, of one word.
    pub action: Row,
    /// Steps that each lane took before.
    pub step: Row,
    /// What the step gave.
    pub reward: [f32; LANES],
    /// 1 where it ended the episode.
    pub terminated: Row,
    /// Seed of the agent.
    pub seed: u32,
    /// Random stream of the steps.
    pub stream: u32,
    /// Index of the first lane.
    pub first: u32,
}

impl Abreast {
    /// Lanes of zeros.
    pub fn new(seed: u32, stream: u32, first: u32) -> Abreast {
        Abreast {
            params: [[0; LANES]; PARAM_WORDS],
            state: [[0; LANES]; STATE_WORDS],
            action: [0; LANES],
            step: [0; LANES],
            reward: [0.0; LANES],
            terminated: [0; LANES],
            seed,
            stream,
            first,
        }
    }
}

/// Whether lanes of `W` fit.
pub const fn fits<W: World>() -> bool {
    size_of::<W::State>() <= 4 * STATE_WORDS && size_of::<W::Params>() <= 4 * PARAM_WORDS
}

/// Copies the words of one lane into the rows.
pub fn scatter(rows: &mut [Row], lane: usize, words: &[u32]) {
    for (row, word) in rows.iter_mut().zip(words) {
        row[lane] = *word;
    }
}

/// Copies one lane's words out of the rows.
pub fn gather(rows: &[Row], lane: usize, words: &mut [u32]) {
    for (row, word) in rows.iter().zip(words) {
        *word = row[lane];
    }
}

/// One step of every lane.
pub struct Steps<'a, W>(pub &'a W, pub &'a mut Abreast);

impl<W: World> WithSimd for Steps<'_, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Steps(world, lanes) = self;
        // Read before: the compiler does not see that stores into rows leave these alone.
        let (seed, stream, first) = (lanes.seed, lanes.stream, lanes.first);
        for i in 0..LANES {
            let params: W::Params = value(&lanes.params, i);
            let mut state: W::State = value(&lanes.state, i);
            let mut rng = Rng::new(seed, stream, lanes.step[i], first.wrapping_add(i as u32));
            let outcome = world.step(&params, &mut state, &[lanes.action[i]], &mut rng);
            let words = bytemuck::cast_slice::<W::State, u32>(std::slice::from_ref(&state));
            for k in 0..size_of::<W::State>() / 4 {
                lanes.state[k][i] = words[k];
            }
            lanes.reward[i] = outcome.reward;
            lanes.terminated[i] = u32::from(outcome.terminated);
        }
    }
}

/// The colours along a line of a picture, as many places side by side as lanes are.
pub struct Line<'a, W: World> {
    /// The world.
    pub world: &'a W,
    /// Its parameters.
    pub params: &'a W::Params,
    /// The state that is shown.
    pub state: &'a W::State,
    /// Where along the line.
    pub u: &'a [f32],
    /// Its height.
    pub v: f32,
    /// Red, green and blue of every place.
    pub colours: &'a mut [Vec<f32>; 3],
}

impl<W: World> WithSimd for Line<'_, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Line { world, params, state, u, v, colours } = self;
        let (mut at, mut rgb) = ([0.0; LANES], [[0.0; LANES]; 3]);
        for (block, u) in u.chunks(LANES).enumerate() {
            at[..u.len()].copy_from_slice(u);
            for i in 0..LANES {
                let [red, green, blue] = world.draw(params, state, [at[i], v]);
                (rgb[0][i], rgb[1][i], rgb[2][i]) = (red, green, blue);
            }
            for (colours, rgb) in colours.iter_mut().zip(&rgb) {
                colours[block * LANES..][..u.len()].copy_from_slice(&rgb[..u.len()]);
            }
        }
    }
}

#[inline(always)]
fn value<T: Pod>(rows: &[Row], lane: usize) -> T {
    let mut value = T::zeroed();
    let words = bytemuck::cast_slice_mut::<T, u32>(std::slice::from_mut(&mut value));
    for k in 0..size_of::<T>() / 4 {
        words[k] = rows[k][lane];
    }
    value
}
