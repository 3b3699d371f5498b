//! MinAtar 1.0.15 once more, after the package's own text: maps of ten by ten cells, and one file per game.

mod asterix;
mod breakout;
mod freeway;
mod seaquest;
mod space_invaders;

use super::dynamics::{Dynamics, Lane, Outcome};
use super::random::Random;
use super::{Expect, Num};

/// A map of flags, `[row][column]`.
pub type Map = [[bool; 10]; 10];

/// `Environment.act`: the letter of the action after stickiness, and its number.
pub fn act(lane: Lane<'_>, last_action: u32, action: u32, random: &mut Random) -> (char, u32) {
    // An f32 against an f32: exact.
    let sticky_action_prob = f64::from(f32::from_bits(lane.params[0]));
    let a = if random.uniform() < sticky_action_prob { last_action } else { action };
    (['n', 'l', 'u', 'r', 'd', 'f'][a as usize], a)
}

/// `random.randint(count)`, or `None` where rounding may decide.
pub fn randint(random: &mut Random, count: u32) -> Option<u32> {
    let place = random.uniform() * f64::from(count);
    ((place - place.round()).abs() > 1e-6 || count.is_power_of_two()).then_some(place as u32)
}

/// What a step leads to.
pub fn outcome(next: Vec<u32>, r: i64, terminal: bool) -> Option<Outcome> {
    let next = next.into_iter().map(Expect::Bits).collect();
    Some(Outcome { next, reward: Num::exact(r as f32), terminated: Some(terminal) })
}

/// The words of a state that is known in full.
pub fn known(state: &[Expect]) -> Option<Vec<u32>> {
    let word = |word: &Expect| match word {
        Expect::Bits(word) => Some(*word),
        _ => None,
    };
    state.iter().map(word).collect()
}

/// An observation: the cells of each channel that are lit.
pub fn seen(channels: &[Map]) -> Vec<Expect> {
    let cells = (0..100).flat_map(|cell| channels.iter().map(move |map| map[cell / 10][cell % 10]));
    cells.map(|lit| Expect::Bits(if lit { 1.0f32.to_bits() } else { 0 })).collect()
}

/// A map with one cell lit.
pub fn single(y: u32, x: u32) -> Map {
    let mut map = Map::default();
    map[y as usize][x as usize] = true;
    map
}

/// The model of a game of MinAtar.
pub fn dynamics(file: &str) -> Option<Dynamics> {
    match file {
        "breakout.wgsl" => Some(breakout::DYNAMICS),
        "freeway.wgsl" => Some(freeway::DYNAMICS),
        "asterix.wgsl" => Some(asterix::DYNAMICS),
        "seaquest.wgsl" => Some(seaquest::DYNAMICS),
        "space_invaders.wgsl" => Some(space_invaders::DYNAMICS),
        _ => None,
    }
}
