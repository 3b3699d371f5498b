//! The probes: random words from the paper's listing, elementary functions from the standard library in f64.

use super::num::{FLUSH, Num};
use super::random::Random;
use super::{Expect, Expected, unchanged};
use crate::verify::case::Case;

/// The first two words and the third draw as a uniform number.
pub fn rng(case: &Case) -> Expected {
    let mut words = unchanged(case, "words");
    let positions = case.get::<u32>("positions").chunks_exact(4).take(case.params[0] as usize);
    for (i, position) in positions.enumerate() {
        let mut random = Random::new(position[0], position[1], position[2], position[3]);
        words[3 * i] = Expect::Bits(random.word());
        words[3 * i + 1] = Expect::Bits(random.word());
        words[3 * i + 2] = Expect::Bits((random.uniform() as f32).to_bits());
    }
    vec![("words", words)]
}

/// `exp x, ln |x|, e^x - 1, tanh x, sin x, cos x`, each within the accuracy that the other oracles assume.
pub fn math(case: &Case) -> Expected {
    let mut y = unchanged(case, "y");
    for (i, x) in case.get::<f32>("x").iter().enumerate().take(case.params[0] as usize) {
        let x = Num::exact(*x);
        let magnitude = Num { value: x.value.abs(), bound: 0.0 };
        // The functions saturate where f32 would overflow.
        let top = Num { value: x.value.min(88.0), bound: 0.0 };
        let (sine, cosine) = x.sin_cos();
        let values = [top.exp(), magnitude.ln(), top.expm1(), x.tanh(), sine, cosine];
        for (k, mut value) in values.into_iter().enumerate() {
            value.bound += FLUSH;
            y[6 * i + k] = Expect::Float(value);
        }
    }
    vec![("y", y)]
}
