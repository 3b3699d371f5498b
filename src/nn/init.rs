//! Initial parameters of a network.
//!
//! Every dense layer, and of layers that lie side by side every branch on its own, is a block of weights with `fan_in` rows
//! and `fan_out` columns; so is a convolution, with a row per number of its window. Output layers are those whose values no
//! activation follows.

use rand::RngExt;
use rand::rngs::StdRng;

use crate::config::Init;
use crate::engine::threads;
use crate::kernels::Activation;

/// An initialisation with its gains.
///
/// ```
/// use softq::config::Init;
/// use softq::kernels::Activation;
/// use softq::nn::init::gain;
/// use softq::nn::{Initialiser, Network, NetworkSpec};
///
/// let initialiser = Initialiser { init: Init::Orthogonal, output_gain: 0.0, ..Initialiser::default() };
/// let tanh = Activation::Tanh;
/// assert_eq!(gain(Init::Orthogonal, tanh), 5.0 / 3.0);
/// assert_eq!([false, true].map(|output| initialiser.gain_of(tanh, output)), [5.0 / 3.0, 0.0]);
///
/// let net = Network::new(&NetworkSpec { initialiser, ..NetworkSpec::mlp(4u32, &[8], 2, tanh) });
/// let outputs = &net.parameters()[2];
/// assert_eq!(outputs.name, "layer1.weight");
/// assert!(net.init(1)[outputs.offset as usize..].iter().all(|weight| *weight == 0.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Initialiser {
    /// The distribution.
    pub init: Init,
    /// Gain of hidden layers; `None` for the activation's own (see [`gain`]). `torch_default` has none.
    pub gain: Option<f64>,
    /// Gain of output layers; 0 starts them, biases included, as zeros.
    pub output_gain: f64,
}

impl Default for Initialiser {
    fn default() -> Self {
        Initialiser { init: Init::TorchDefault, gain: None, output_gain: 1.0 }
    }
}

/// The gain that keeps the scale of signals through an activation, as PyTorch's `calculate_gain` has it; silu counts as relu.
/// Glorot's own analysis is of tanh near 0, with gain 1 throughout.
pub fn gain(init: Init, activation: Activation) -> f64 {
    match (init, activation) {
        (Init::TorchDefault | Init::Glorot, _) | (_, Activation::Identity) => 1.0,
        (_, Activation::Relu | Activation::Silu) => std::f64::consts::SQRT_2,
        (_, Activation::Tanh) => 5.0 / 3.0,
    }
}

impl Initialiser {
    /// The gain of a layer in front of `activation`, or of one of outputs.
    pub fn gain_of(&self, activation: Activation, output: bool) -> f64 {
        match self.gain {
            _ if output => self.output_gain,
            Some(gain) if self.init != Init::TorchDefault => gain,
            _ => gain(self.init, activation),
        }
    }
}

/// A block of weights: `fan_in` rows of `stride` columns, of which `fan_out` from `offset` on belong to it.
pub(super) struct Block {
    pub offset: usize,
    pub stride: usize,
    pub fan_in: usize,
    pub fan_out: usize,
    /// Its first bias.
    pub bias: usize,
}

impl Block {
    /// Draws the weights; biases are 0.
    pub fn fill(&self, init: Init, gain: f64, rng: &mut StdRng, params: &mut [f32]) {
        let Block { fan_in, fan_out, .. } = *self;
        let weights = match init {
            Init::Orthogonal => orthogonal(fan_in, fan_out, rng),
            Init::He => {
                normals(fan_in * fan_out, rng).into_iter().map(|z| z / (fan_in as f64).sqrt()).collect()
            }
            Init::Glorot | Init::TorchDefault => {
                let bound = (6.0 / (fan_in + fan_out) as f64).sqrt();
                (0..fan_in * fan_out).map(|_| rng.random_range(-bound..bound)).collect::<Vec<f64>>()
            }
        };
        for (row, weights) in weights.chunks_exact(fan_out).enumerate() {
            let to = &mut params[self.offset + row * self.stride..][..fan_out];
            for (to, weight) in to.iter_mut().zip(weights) {
                *to = (gain * weight) as f32;
            }
        }
        params[self.bias..][..fan_out].fill(0.0);
    }
}

/// PyTorch's default for a layer of `fan_in` inputs: weights and biases alike uniform within `gain / sqrt(fan_in)`.
pub(super) fn torch_default(fan_in: u32, gain: f64, rng: &mut StdRng, layer: &mut [f32]) {
    let bound = gain / f64::from(fan_in).sqrt();
    for value in layer {
        *value = if bound > 0.0 { rng.random_range(-bound..bound) as f32 } else { 0.0 };
    }
}

/// Standard normals by Box and Muller.
fn normals(count: usize, rng: &mut StdRng) -> Vec<f64> {
    (0..count)
        .map(|_| {
            // In (0, 1]: the logarithm is finite.
            let (u, v) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
            (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
        })
        .collect()
}

/// `[rows, columns]` with orthonormal columns, or rows where those are fewer: Gram and Schmidt on normal vectors, which is
/// uniform over all such matrices.
fn orthogonal(rows: usize, columns: usize, rng: &mut StdRng) -> Vec<f64> {
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = (0..count).map(|_| normals(length, rng)).collect();
    for i in 0..count {
        let (done, rest) = vectors.split_at_mut(i + 1);
        let Some(current) = done.last_mut() else { continue };
        let norm = dot(current, current).sqrt();
        current.iter_mut().for_each(|x| *x /= norm);
        let current = &*current;
        // Each later vector on its own: the order of threads does not matter.
        threads::any_order(rest.chunks_mut(64).collect(), |vectors: &mut [Vec<f64>]| {
            for vector in vectors {
                let share = dot(vector, current);
                vector.iter_mut().zip(current).for_each(|(x, unit)| *x -= share * unit);
            }
        });
    }
    match rows >= columns {
        true => (0..rows * columns).map(|at| vectors[at % columns][at / columns]).collect(),
        false => vectors.concat(),
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
