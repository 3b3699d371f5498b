//! The random numbers once more, from the paper: M. Jarzynski and M. Olano, "Hash Functions for GPU Rendering", JCGT 9(3),
//! 2020, listing of pcg4d; here in 64-bit arithmetic modulo 2^32.

use super::Num;

const MODULUS: u64 = 1 << 32;

/// Purposes of the streams, as `shaders/shared/rng.wgsl` numbers them.
pub mod stream {
    /// Environment resets.
    pub const RESET: u32 = 0;
    /// Action choices.
    pub const ACTION: u32 = 1;
    /// Environment dynamics.
    pub const STEP: u32 = 2;
    /// Replay sampling.
    pub const REPLAY: u32 = 3;
    /// Sampled backups.
    pub const BACKUP: u32 = 4;
    /// Draws of a policy for an update, the first of two.
    pub const POLICY: u32 = 5;
}

/// The hash, on 32-bit numbers.
pub fn pcg4d(input: [u64; 4]) -> [u64; 4] {
    let [x, y, z, w] = input.map(|v| (v * 1_664_525 + 1_013_904_223) % MODULUS);
    let round = |x: u64, y: u64, z: u64, w: u64| {
        let x = (x + y * w % MODULUS) % MODULUS;
        let y = (y + z * x % MODULUS) % MODULUS;
        let z = (z + x * y % MODULUS) % MODULUS;
        let w = (w + y * z % MODULUS) % MODULUS;
        [x, y, z, w]
    };
    let [x, y, z, w] = round(x, y, z, w).map(|v| v ^ (v / 65_536));
    round(x, y, z, w)
}

/// A position in a stream.
pub struct Random {
    place: [u64; 4],
    draw: usize,
    given: Vec<u32>,
}

impl Random {
    /// The first number of a position.
    pub fn new(seed: u32, stream: u32, step: u32, lane: u32) -> Random {
        Random::with_given(&[], seed, stream, step, lane)
    }

    /// The same with a list of words in place of the first ones.
    pub fn with_given(given: &[u32], seed: u32, stream: u32, step: u32, lane: u32) -> Random {
        Random { place: [lane, step, stream << 16, seed].map(u64::from), draw: 0, given: given.to_vec() }
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        let draw = self.draw;
        self.draw += 1;
        // The low half of the third component counts the hashes, of four words each.
        let [lane, step, stream, seed] = self.place;
        let hash = || pcg4d([lane, step, stream + draw as u64 / 4, seed]);
        self.given.get(draw).copied().unwrap_or_else(|| hash()[draw % 4] as u32)
    }

    /// Uniform in (0, 1): centre of one of 2^23 cells, exact in f32.
    pub fn uniform(&mut self) -> f64 {
        (f64::from(self.word() / 512) + 0.5) / f64::from(1 << 23)
    }

    /// Standard normal: the quantile of the centre of one of 2^32 cells. The bound is that of M. Giles' polynomials in f32.
    pub fn normal(&mut self) -> Num {
        let share = (f64::from(self.word()) + 0.5) / MODULUS as f64;
        let (mut low, mut high) = (-7.0, 7.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            *(if below(middle) < share { &mut low } else { &mut high }) = middle;
        }
        Num { value: low, bound: 1e-6 * f64::abs(low) + 4e-7 }
    }

    /// Uniform in (low, high).
    pub fn range(&mut self, low: f64, high: f64) -> Num {
        let share = Num { value: self.uniform(), bound: 0.0 };
        let (low, high) = (Num::constant(low), Num::constant(high));
        low + (high - low) * share
    }
}

/// The standard normal distribution function: its Taylor series near 0, Laplace's continued fraction in the tails.
fn below(z: f64) -> f64 {
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    if z.abs() > 3.0 {
        let fraction = (1..80).rev().fold(z.abs(), |tail, k| z.abs() + f64::from(k) / tail);
        let tail = density / fraction;
        return if z < 0.0 { tail } else { 1.0 - tail };
    }
    let (mut term, mut sum) = (z, z);
    for k in 1..60 {
        term *= z * z / f64::from(2 * k + 1);
        sum += term;
    }
    0.5 + density * sum
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_distribution_function_is_that_of_tables() {
        for (z, share) in [
            (-6.0, 9.865_876_450_376_946e-10),
            (-1.0, 0.158_655_253_931_457_05),
            (2.5, 0.993_790_334_674_224),
        ] {
            assert!((super::below(z) - share).abs() < 1e-12 * share, "{z}: {}", super::below(z));
        }
    }
}
