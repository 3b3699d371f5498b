//! Twin of `shaders/shared/rng.wgsl`: counter-based random numbers, bit-equal on every device.
//!
//! ```
//! use softq::shared::rng::{Rng, STREAM_ACTION, agent_seed, pcg4d};
//!
//! // Every agent of a run has a seed of its own.
//! let seed = agent_seed(1, 0);
//! assert_ne!(seed, agent_seed(1, 1));
//! // A number is a hash of its place: lane, step, stream with draw, and seed. A hash has four words, for four draws.
//! let (step, lane) = (7, 3);
//! let mut rng = Rng::new(seed, STREAM_ACTION, step, lane);
//! let words = pcg4d([lane, step, STREAM_ACTION << 16, seed]);
//! assert_eq!([(); 4].map(|_| rng.u32()), words);
//! assert!((-0.05..0.05).contains(&rng.range(-0.05, 0.05)));
//! ```

/// Stream of environment resets.
pub const STREAM_RESET: u32 = 0;
/// Stream of action choices.
pub const STREAM_ACTION: u32 = 1;
/// Stream of environment dynamics.
pub const STREAM_STEP: u32 = 2;
/// Stream of replay sampling.
pub const STREAM_REPLAY: u32 = 3;
/// Stream of sampled backups.
pub const STREAM_BACKUP: u32 = 4;
/// Streams of the draws of a policy for an update: this one and the next.
pub const STREAM_POLICY: u32 = 5;
/// Stream of the noise of a network that acts by it.
pub const STREAM_NOISE: u32 = 7;
/// Streams of one purpose start at a multiple of this.
pub const STREAMS: u32 = 8;

/// A position in one random stream.
#[derive(Clone, Copy, Debug)]
pub struct Rng<'a> {
    /// The agent's seed.
    pub seed: u32,
    /// Purpose.
    pub stream: u32,
    /// Step of the environment, or update.
    pub step: u32,
    /// Environment, or batch row.
    pub lane: u32,
    /// Numbers drawn so far at this position.
    pub draw: u32,
    /// Words to return before the generator's own, as `shaders/shared/rng_given.wgsl` does; empty outside of replays.
    pub given: &'a [u32],
}

/// The hash of Jarzynski and Olano, JCGT 9(3), 2020.
#[inline(always)]
pub fn pcg4d(input: [u32; 4]) -> [u32; 4] {
    let mut v = input.map(|x| x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    let mix = |v: &mut [u32; 4]| {
        v[0] = v[0].wrapping_add(v[1].wrapping_mul(v[3]));
        v[1] = v[1].wrapping_add(v[2].wrapping_mul(v[0]));
        v[2] = v[2].wrapping_add(v[0].wrapping_mul(v[1]));
        v[3] = v[3].wrapping_add(v[1].wrapping_mul(v[2]));
    };
    mix(&mut v);
    v = v.map(|x| x ^ (x >> 16));
    mix(&mut v);
    v
}

impl Rng<'_> {
    /// A stream position with nothing drawn yet.
    #[inline(always)]
    pub fn new(seed: u32, stream: u32, step: u32, lane: u32) -> Rng<'static> {
        Rng { seed, stream, step, lane, draw: 0, given: &[] }
    }

    /// 32 random bits.
    #[inline(always)]
    pub fn u32(&mut self) -> u32 {
        let draw = self.draw;
        self.draw += 1;
        match self.given.get(draw as usize) {
            Some(word) => *word,
            None => {
                let words = pcg4d([self.lane, self.step, (self.stream << 16) | (draw >> 2), self.seed]);
                words[(draw & 3) as usize]
            }
        }
    }

    /// Uniform in (0, 1): the centres of 2^23 cells.
    #[inline(always)]
    pub fn uniform(&mut self) -> f32 {
        ((self.u32() >> 9) as f32 + 0.5) * (1.0 / 8_388_608.0)
    }

    /// Uniform in (low, high).
    #[inline(always)]
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }
}

/// The 32-bit seed of agent `agent` in a run with seed `seed`.
pub fn agent_seed(seed: u64, agent: u32) -> u32 {
    pcg4d([seed as u32, (seed >> 32) as u32, agent, 0x5eed])[3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_is_flat_and_streams_differ() {
        let n = 200_000;
        let mut counts = [0u32; 64];
        for lane in 0..n {
            let mut rng = Rng::new(7, STREAM_RESET, 3, lane);
            let u = rng.uniform();
            assert!(u > 0.0 && u < 1.0);
            counts[(u * 64.0) as usize] += 1;
        }
        let expected = f64::from(n) / 64.0;
        let chi_square: f64 = counts.iter().map(|c| (f64::from(*c) - expected).powi(2) / expected).sum();
        // 63 degrees of freedom: p = 0.001 at 103.4.
        assert!(chi_square < 103.4, "{chi_square}");
        let first = |stream, step| Rng::new(7, stream, step, 0).u32();
        assert_ne!(first(0, 0), first(1, 0));
        assert_ne!(first(0, 0), first(0, 1));
        assert_ne!(agent_seed(0, 0), agent_seed(0, 1));
    }

    #[test]
    fn no_draw_of_a_position_tells_of_another() {
        // Cells of 16 x 16 for the high bits of two draws, of one position or of two that follow each other. Chi-square with 255
        // degrees of freedom is above 350 once in 15,000 times, and 3 times 36 pairs are counted.
        let n = 1u32 << 16;
        let positions: [&dyn Fn(u32) -> Rng<'static>; 3] =
            [&|i| Rng::new(3, STREAM_RESET, 11, i), &|i| Rng::new(3, STREAM_STEP, i, 5), &|i| {
                Rng::new(i, STREAM_ACTION, 11, 5)
            }];
        for (along, position) in positions.into_iter().enumerate() {
            let draws: Vec<[usize; 8]> = (0..=n)
                .map(|i| {
                    let mut rng = position(i);
                    std::array::from_fn(|_| (rng.u32() >> 28) as usize)
                })
                .collect();
            let check = |name: &str, pair: &dyn Fn(usize) -> (usize, usize)| {
                let mut counts = [[0u32; 16]; 16];
                for i in 0..n as usize {
                    let (a, b) = pair(i);
                    counts[a][b] += 1;
                }
                let expected = f64::from(n) / 256.0;
                let off = |count: &u32| (f64::from(*count) - expected).powi(2) / expected;
                let chi_square: f64 = counts.iter().flatten().map(off).sum();
                assert!(chi_square < 350.0, "{name} along {along}: {chi_square}");
            };
            for a in 0..8 {
                check(&format!("draw {a} and the next position's"), &|i| (draws[i][a], draws[i + 1][a]));
                for b in a + 1..8 {
                    check(&format!("draws {a} and {b}"), &|i| (draws[i][a], draws[i][b]));
                }
            }
        }
    }

    #[test]
    fn a_million_draws_are_uniform() {
        // Kolmogorov-Smirnov: below 1.95 / sqrt(n) at p = 0.001, along lanes, steps and draws.
        let n = 1_000_000u32;
        let streams: [&dyn Fn(u32) -> f32; 3] = [
            &|i| Rng::new(3, STREAM_RESET, u32::MAX, i).uniform(),
            &|i| Rng::new(3, STREAM_STEP, i, 5).uniform(),
            &|i| Rng { draw: i % 1000, ..Rng::new(3, STREAM_ACTION, i / 1000, 8) }.uniform(),
        ];
        for (index, stream) in streams.into_iter().enumerate() {
            let mut values: Vec<f32> = (0..n).map(stream).collect();
            values.sort_by(f32::total_cmp);
            let distance = (0u32..)
                .zip(&values)
                .map(|(i, value)| (f64::from(*value) - (f64::from(i) + 0.5) / f64::from(n)).abs())
                .fold(0.0, f64::max);
            assert!(distance < 1.95 / f64::from(n).sqrt(), "stream {index}: {distance}");
        }
    }

    #[test]
    fn streams_of_a_million_lanes_do_not_overlap() {
        // Three words of a stream are 96 bits: among 5 million sequences of independent streams no two are expected to be
        // equal (probability 2e-16), while overlapping ones would share them.
        let mut seen: Vec<[u32; 3]> = (0..1_000_000)
            .flat_map(|lane| {
                (0..5).map(move |stream| {
                    let mut rng = Rng::new(11, stream, 7, lane);
                    [rng.u32(), rng.u32(), rng.u32()]
                })
            })
            .collect();
        seen.sort_unstable();
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn neighbouring_lanes_and_steps_are_uncorrelated() {
        let at = |lane, step| f64::from(Rng::new(1, STREAM_ACTION, step, lane).uniform()) - 0.5;
        let n = 100_000;
        let lanes: f64 = (0..n).map(|i| at(i, 0) * at(i + 1, 0)).sum::<f64>() / f64::from(n) * 12.0;
        let steps: f64 = (0..n).map(|i| at(0, i) * at(0, i + 1)).sum::<f64>() / f64::from(n) * 12.0;
        // The standard error of each correlation is 1 / sqrt(n) = 0.0032.
        assert!(lanes.abs() < 0.013 && steps.abs() < 0.013, "{lanes} {steps}");
    }
}
