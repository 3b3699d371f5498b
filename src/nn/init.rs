//! Initial parameters of a network.
//!
//! Every dense layer, and of layers that lie side by side every branch on its own, is a block of weights with `fan_in` rows
//! and `fan_out` columns. Output layers are those whose values no activation follows.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::config::Init;
use crate::engine::threads;
use crate::kernels::Activation;
use crate::nn::network::{Network, Op};

/// An initialisation with its gains.
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

/// A block of weights: `fan_in` rows of `stride` columns, of which `fan_out` from `offset` on belong to it.
struct Block {
    offset: usize,
    stride: usize,
    fan_in: usize,
    fan_out: usize,
    /// Its first bias.
    bias: usize,
    gain: f64,
}

impl Network {
    /// Parameters drawn from `seed`. Layer norms start as scale 1, shift 0.
    pub fn init(&self, seed: u64) -> Vec<f32> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut params = vec![0.0; self.params as usize];
        let init = self.initialiser.init;
        for op in &self.ops {
            match op {
                Op::Dense { .. } if init == Init::TorchDefault => {
                    self.torch_default(op, &mut rng, &mut params)
                }
                Op::Dense { .. } => {
                    for block in self.blocks(op) {
                        fill(&block, init, &mut rng, &mut params);
                    }
                }
                Op::LayerNorm { from, weight_offset, .. } => {
                    params[*weight_offset as usize..][..self.width(*from) as usize].fill(1.0);
                }
                Op::AppendActions { .. } | Op::Silu { .. } | Op::Dueling { .. } => {}
            }
        }
        params
    }

    fn torch_default(&self, op: &Op, rng: &mut StdRng, params: &mut [f32]) {
        let Op::Dense { from, to, weight_offset } = op else { return };
        let bound = self.gain_of(op) / f64::from(from.width).sqrt();
        let count = (from.width + 1) * to.width;
        for value in &mut params[*weight_offset as usize..][..count as usize] {
            *value = if bound > 0.0 { rng.random_range(-bound..bound) as f32 } else { 0.0 };
        }
    }

    /// The branches of a dense layer.
    fn blocks(&self, op: &Op) -> Vec<Block> {
        let Op::Dense { from, to, weight_offset } = op else { return Vec::new() };
        let [fan_in, stride, first] = [from.width, to.width, *weight_offset].map(|n| n as usize);
        // Later layers read slices of what lies side by side, some through a silu.
        let activated = self.ops.iter().find_map(|op| match op {
            Op::Silu { from, to: activated } if *from == to.tensor => Some(*activated),
            _ => None,
        });
        let read = activated.unwrap_or(to.tensor);
        let mut branches: Vec<(u32, u32)> = self
            .ops
            .iter()
            .filter_map(|op| match op {
                Op::Dense { from, .. } if from.tensor == read => Some((from.offset, from.width)),
                _ => None,
            })
            .collect();
        if branches.is_empty() {
            branches.push((0, to.width));
        }
        let gain = self.gain_of(op);
        let block = |(offset, width): (u32, u32)| Block {
            offset: first + offset as usize,
            stride,
            fan_in,
            fan_out: width as usize,
            bias: first + fan_in * stride + offset as usize,
            gain,
        };
        branches.into_iter().map(block).collect()
    }

    fn gain_of(&self, op: &Op) -> f64 {
        let Op::Dense { to, .. } = op else { return 1.0 };
        let hidden = self.ops.iter().any(|op| match op {
            Op::Dense { from, .. } => from.tensor == to.tensor,
            Op::LayerNorm { from, .. } | Op::Silu { from, .. } => *from == to.tensor,
            Op::AppendActions { .. } | Op::Dueling { .. } => false,
        });
        match (hidden, self.initialiser.gain) {
            (false, _) => self.initialiser.output_gain,
            (true, Some(gain)) if self.initialiser.init != Init::TorchDefault => gain,
            (true, _) => gain(self.initialiser.init, self.activation),
        }
    }
}

fn fill(block: &Block, init: Init, rng: &mut StdRng, params: &mut [f32]) {
    let Block { fan_in, fan_out, gain, .. } = *block;
    let weights = match init {
        Init::Orthogonal => orthogonal(fan_in, fan_out, rng),
        Init::He => normals(fan_in * fan_out, rng).into_iter().map(|z| z / (fan_in as f64).sqrt()).collect(),
        Init::Glorot | Init::TorchDefault => {
            let bound = (6.0 / (fan_in + fan_out) as f64).sqrt();
            (0..fan_in * fan_out).map(|_| rng.random_range(-bound..bound)).collect::<Vec<f64>>()
        }
    };
    for (row, weights) in weights.chunks_exact(fan_out).enumerate() {
        let to = &mut params[block.offset + row * block.stride..][..fan_out];
        for (to, weight) in to.iter_mut().zip(weights) {
            *to = (gain * weight) as f32;
        }
    }
    params[block.bias..][..fan_out].fill(0.0);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::NetworkSpec;

    /// A network of one shared layer and two dueling heads, its dense layers' blocks and parameters.
    fn drawn(initialiser: Initialiser, activation: Activation, hidden: u32) -> (Network, Vec<f32>) {
        let spec = NetworkSpec {
            initialiser,
            heads: vec![3, 2],
            head_hidden: Some(hidden / 2),
            dueling: true,
            ..NetworkSpec::mlp(7, &[hidden], 0, activation)
        };
        let net = Network::new(&spec);
        let params = net.init(3);
        (net, params)
    }

    /// The weights of a block `[fan_in][fan_out]` and its biases.
    fn read(block: &Block, params: &[f32]) -> (Vec<Vec<f64>>, Vec<f32>) {
        let row = |i: usize| {
            let row = &params[block.offset + i * block.stride..][..block.fan_out];
            row.iter().map(|w| f64::from(*w)).collect()
        };
        ((0..block.fan_in).map(row).collect(), params[block.bias..][..block.fan_out].to_vec())
    }

    fn blocks(net: &Network) -> Vec<Block> {
        net.ops.iter().flat_map(|op| net.blocks(op)).collect()
    }

    #[test]
    fn orthogonal_blocks_are_orthonormal_times_their_gain() {
        for (activation, hidden) in [(Activation::Relu, 2f64.sqrt()), (Activation::Tanh, 5.0 / 3.0)] {
            let initialiser = Initialiser { init: Init::Orthogonal, gain: None, output_gain: 0.5 };
            let (net, params) = drawn(initialiser, activation, 16);
            let blocks = blocks(&net);
            // The shared layer, 4 branches side by side, and their outputs.
            assert_eq!(blocks.len(), 9);
            for (i, block) in blocks.iter().enumerate() {
                let gain = if i < 5 { hidden } else { 0.5 };
                let (rows, biases) = read(block, &params);
                assert!(biases.iter().all(|bias| *bias == 0.0));
                let wide = block.fan_out > block.fan_in;
                let count = block.fan_in.min(block.fan_out);
                let vector = |k: usize| -> Vec<f64> {
                    if wide { rows[k].clone() } else { rows.iter().map(|row| row[k]).collect() }
                };
                for a in 0..count {
                    for b in 0..=a {
                        let want = if a == b { gain * gain } else { 0.0 };
                        let got = dot(&vector(a), &vector(b));
                        assert!((got - want).abs() < 1e-6, "block {i}, {a} . {b}: {got}, not {want}");
                    }
                }
            }
        }
    }

    #[test]
    fn he_and_glorot_have_their_variances() {
        let variance = |values: &[f64]| values.iter().map(|w| w * w).sum::<f64>() / values.len() as f64;
        for (init, gain, want) in [
            (Init::He, None, 2.0 / 300.0),
            (Init::He, Some(3.0), 9.0 / 300.0),
            (Init::Glorot, None, 2.0 / 500.0),
            (Init::TorchDefault, None, 1.0 / (3.0 * 300.0)),
        ] {
            let initialiser = Initialiser { init, gain, output_gain: 1.0 };
            let spec = NetworkSpec { initialiser, ..NetworkSpec::mlp(300, &[200], 4, Activation::Relu) };
            let net = Network::new(&spec);
            let params = net.init(11);
            let (rows, biases) = read(&blocks(&net)[0], &params);
            let got = variance(&rows.concat());
            // 60,000 weights: the standard error of a variance is below 0.6% of it.
            assert!((got / want - 1.0).abs() < 0.025, "{init:?}: {got}, not {want}");
            assert_eq!(biases.iter().all(|bias| *bias == 0.0), init != Init::TorchDefault);
            let largest = rows.concat().iter().fold(0.0, |top: f64, w| top.max(w.abs()));
            // Uniform ones end at sqrt(3) deviations, normal ones do not.
            assert_eq!(largest > 1.74 * want.sqrt(), init == Init::He, "{init:?}: {largest}");
        }
    }

    #[test]
    fn output_gain_0_starts_with_action_values_of_0() {
        for init in [Init::TorchDefault, Init::Orthogonal, Init::He, Init::Glorot] {
            let initialiser = Initialiser { init, gain: None, output_gain: 0.0 };
            let (net, params) = drawn(initialiser, Activation::Silu, 8);
            let blocks = blocks(&net);
            for (i, block) in blocks.iter().enumerate() {
                let (rows, biases) = read(block, &params);
                let zeros = rows.concat().iter().all(|w| *w == 0.0) && biases.iter().all(|b| *b == 0.0);
                assert_eq!(zeros, i >= 5, "{init:?}, block {i}");
            }
        }
    }
}
