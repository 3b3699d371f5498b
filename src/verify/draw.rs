//! Random numbers of the case generators: sizes around every tile and workgroup edge, values from tame to hostile.
//!
//! ```
//! use softq::verify::case::READ_SENTINEL;
//! use softq::verify::draw::{Draw, SIZES, Style, strided};
//!
//! // The numbers of a case depend on the seed, the kernel and the index alone.
//! let [mut draw, mut again] = [0, 0].map(|index| Draw::new(7, "adam", None, index));
//! let values = draw.values(4);
//! assert_eq!(values, again.values(4));
//! assert!(draw.style == Style::Unit && values.iter().all(|value| value.abs() <= 1.0));
//! assert!(SIZES.contains(&draw.size(100)));
//! // Two rows of four columns, of which only the two from column 1 on hold values.
//! let rows = strided(2, (4, 1), 2, || draw.value());
//! assert_eq!([0, 3, 4, 7].map(|at: usize| rows[at].to_bits()), [READ_SENTINEL; 4]);
//! assert!(rows[1..3].iter().chain(&rows[5..7]).all(|value| value.is_finite()));
//! ```

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::engine::rule::Rule;
use crate::shared::agent::{Agent, Lane};
use crate::shared::optimizer::{ADAM, Optimizer, RADAM, RADAM_OPTAX};
use crate::verify::case::READ_SENTINEL;

/// Sizes at and around powers of two, and primes between them.
pub const SIZES: [u32; 18] = [1, 2, 3, 5, 8, 13, 31, 63, 64, 65, 100, 127, 128, 129, 191, 255, 256, 257];

/// What the numbers of a case look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Uniform in (-1, 1).
    Unit,
    /// All zeros.
    Zeros,
    /// A handful of values, so that rows hold equal entries.
    Ties,
    /// Magnitudes up to 1e15: squares and products stay finite.
    Huge,
    /// Magnitudes around 1e-15.
    Tiny,
    /// Magnitudes from 1e-6 to 1e6, both signs.
    Mixed,
}

/// Rows of `stride` columns of which only `used` from `offset` on hold values; a read beside them meets a sentinel.
pub fn strided(
    rows: u32,
    (stride, offset): (u32, u32),
    used: u32,
    mut value: impl FnMut() -> f32,
) -> Vec<f32> {
    let mut values = vec![f32::from_bits(READ_SENTINEL); (rows * stride) as usize];
    for row in values.chunks_mut(stride as usize) {
        row[offset as usize..(offset + used) as usize].fill_with(&mut value);
    }
    values
}

/// A seeded source of one case.
pub struct Draw {
    rng: StdRng,
    /// The target rule of the case's kernel.
    pub rule: Option<&'static Rule>,
    /// Style of the case's numbers.
    pub style: Style,
}

impl Draw {
    /// The source of case `index` of a kernel, perhaps with a target rule.
    pub fn new(seed: u64, kernel: &str, rule: Option<&'static Rule>, index: usize) -> Draw {
        let name =
            kernel.bytes().fold(0u64, |hash, byte| hash.wrapping_mul(131).wrapping_add(u64::from(byte)));
        let key = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ name.rotate_left(20) ^ index as u64;
        let style =
            [Style::Unit, Style::Mixed, Style::Ties, Style::Huge, Style::Tiny, Style::Zeros][index % 6];
        Draw { rng: StdRng::seed_from_u64(key), rule, style }
    }

    /// Uniform in `low..=high`.
    pub fn int(&mut self, low: u32, high: u32) -> u32 {
        self.rng.random_range(low..=high)
    }

    /// Any 32 bits.
    pub fn bits(&mut self) -> u32 {
        self.rng.random()
    }

    /// Uniform in `[low, high)`.
    pub fn float(&mut self, low: f32, high: f32) -> f32 {
        self.rng.random_range(low..high)
    }

    /// `10^e` with `e` uniform in `[low, high)`.
    pub fn magnitude(&mut self, low: f32, high: f32) -> f32 {
        10f32.powf(self.float(low, high))
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.int(1, n) == 1
    }

    /// One of the sizes.
    pub fn size(&mut self, most: u32) -> u32 {
        let fitting = SIZES.iter().filter(|size| **size <= most).count() as u32;
        SIZES[self.int(0, fitting.max(1) - 1) as usize]
    }

    /// A value in the case's style.
    pub fn value(&mut self) -> f32 {
        let sign = if self.one_in(2) { 1.0 } else { -1.0 };
        match self.style {
            Style::Unit => self.float(-1.0, 1.0),
            Style::Zeros => 0.0,
            Style::Ties => self.int(0, 3) as f32 - 1.0,
            Style::Huge => sign * self.magnitude(0.0, 15.0),
            Style::Tiny => sign * self.magnitude(-16.0, -14.0),
            Style::Mixed => sign * self.magnitude(-6.0, 6.0),
        }
    }

    /// `count` values in the case's style.
    pub fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.value()).collect()
    }

    /// `count` values uniform in `[low, high)`.
    pub fn floats(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        (0..count).map(|_| self.float(low, high)).collect()
    }

    /// Columns in memory and the first one used, for rows of `used` columns: alone in half of the cases, else a slice of
    /// a wider row.
    pub fn columns(&mut self, used: u32) -> (u32, u32) {
        self.columns_by(used, 1)
    }

    /// The same with both a multiple of `unit`.
    pub fn columns_by(&mut self, used: u32, unit: u32) -> (u32, u32) {
        if self.one_in(2) {
            return (used, 0);
        }
        let offset = unit * self.int(0, 5);
        (offset + used + unit * self.int(0, 5), offset)
    }

    /// A temperature between 1e-4 and 100.
    pub fn alpha(&mut self) -> f32 {
        self.magnitude(-4.0, 2.0)
    }

    /// An agent's record in the middle of a run.
    pub fn agent(&mut self) -> Agent {
        let log_alpha = self.float(-9.0, 4.5);
        let updates = [0, 1, 9, 999, 1_000_000][self.int(0, 4) as usize];
        Agent {
            seed: self.bits(),
            gamma: [0.99, 0.9, 1.0, 0.0][self.int(0, 3) as usize],
            huber_delta: [1.0, 0.1][self.int(0, 1) as usize],
            alpha_learning_rate: self.magnitude(-4.0, -1.0),
            target_entropy: self.float(-0.5, 1.0),
            log_alpha_initial: self.float(-3.0, 0.0),
            log_alpha_final: self.float(-6.0, -2.0),
            log_alpha_min: -9.21,
            log_alpha_max: 4.6,
            alpha_decay_steps: [0.0, 1e3, 6e4][self.int(0, 2) as usize],
            epsilon: self.float(0.0, 1.0),
            epsilon_final: self.float(0.0, 0.1),
            epsilon_decay_steps: [0.0, 1.0, 5e3, 1e6][self.int(0, 3) as usize],
            reward_scale: [1.0, 0.1, 7.0][self.int(0, 2) as usize],
            priority_exponent: [0.6, 1.0, 0.0][self.int(0, 2) as usize],
            priority_eps: [1e-6, 1e-2][self.int(0, 1) as usize],
            importance_exponent: self.float(0.0, 1.0),
            importance_exponent_final: 1.0,
            importance_steps: [0.0, 5e3, 1e6][self.int(0, 2) as usize],
            munchausen_scale: [0.9, 0.0, 0.5][self.int(0, 2) as usize],
            munchausen_clip: [-1.0, -0.3][self.int(0, 1) as usize],
            updates,
            nonfinite: 0,
            log_alpha,
            alpha: log_alpha.exp(),
            alpha_m: self.float(-0.1, 0.1),
            alpha_v: self.float(0.0, 0.1),
            entropy: self.float(0.0, 1.0),
            max_priority: self.magnitude(-1.0, 2.0),
            window_updates: self.int(0, 100),
            entropy_sum: self.float(0.0, 50.0),
            loss_sum: self.float(0.0, 50.0),
            q_sum: self.float(-50.0, 50.0),
            grad_norm_sum: self.float(0.0, 50.0),
            q_lambda: self.float(0.0, 1.0),
        }
    }

    /// An optimiser's record in the middle of a run, or before its first step.
    pub fn optimizer(&mut self) -> Optimizer {
        let beta1 = [0.9f64, 0.5, 0.0][self.int(0, 2) as usize];
        let beta2 = [0.999f64, 0.99, 0.9][self.int(0, 2) as usize];
        let steps = [1, 2, 4, 10, 1_000, 1_000_001][self.int(0, 5) as usize];
        let t = f64::from(steps);
        let form = [ADAM, ADAM, RADAM, RADAM_OPTAX][self.int(0, 3) as usize];
        Optimizer {
            learning_rate: self.magnitude(-5.0, -1.0),
            one_minus_beta1: (1.0 - beta1) as f32,
            one_minus_beta2: (1.0 - beta2) as f32,
            ln_beta1: beta1.ln().max(-100.0) as f32,
            ln_beta2: beta2.ln() as f32,
            adam_eps: [1e-8, 1e-5][self.int(0, 1) as usize],
            weight_decay: [0.0, 0.0, 0.01][self.int(0, 2) as usize],
            max_grad_norm: [0.0, 0.5, 10.0][self.int(0, 2) as usize],
            target_update_interval: [1, 1, 2, 10][self.int(0, 3) as usize],
            polyak: [0.005, 1.0, 0.3][self.int(0, 2) as usize],
            form,
            steps,
            grad_norm: self.float(0.0, 5.0),
            grad_scale: self.float(0.1, 1.0),
            correction1: (1.0 - beta1.powf(t)) as f32,
            correction2: (1.0 - beta2.powf(t)) as f32,
            rectification: if form == ADAM {
                1.0
            } else {
                [0.0, self.float(0.02, 1.0)][self.int(0, 1) as usize]
            },
        }
    }

    /// The optimisers of `count` agents.
    pub fn optimizers(&mut self, count: u32) -> Vec<Optimizer> {
        (0..count).map(|_| self.optimizer()).collect()
    }

    /// `count` agents.
    pub fn agents(&mut self, count: u32) -> Vec<Agent> {
        (0..count).map(|_| self.agent()).collect()
    }

    /// The bookkeeping of one environment in the middle of a run.
    pub fn lane(&mut self, step: u32, max_episode_steps: u32) -> Lane {
        let last = max_episode_steps.saturating_sub(1);
        let episode_step = if self.one_in(4) { last } else { self.int(0, last) };
        Lane {
            step,
            episode_step,
            episode_return: self.float(-500.0, 500.0),
            episodes: if self.one_in(2) { 0 } else { self.int(1, 1000) },
            first_return: self.float(-500.0, 500.0),
            window_episodes: self.int(0, 9),
            window_return: self.float(-1000.0, 1000.0),
            window_length: self.int(0, 4000) as f32,
            fault: if self.one_in(32) { self.int(1, 1000) } else { 0 },
        }
    }
}
