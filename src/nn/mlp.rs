//! Multi-layer perceptron `obs -> hidden (ReLU) ... -> actions`, its flat parameter layout and initialisation.
//!
//! Parameters of one network lie layer after layer, weights `[in, out]` row-major, then the bias `[out]`.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::kernels::Activation;

/// One dense layer in the flat layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Inputs.
    pub in_dim: u32,
    /// Outputs.
    pub out_dim: u32,
    /// Index of the first weight; the bias follows after `in_dim * out_dim` weights.
    pub weight_offset: u32,
    /// Activation of the output.
    pub activation: Activation,
}

/// Layer shapes and parameter layout of a perceptron.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mlp {
    /// Layers in order.
    pub layers: Vec<Layer>,
    /// Parameters of one network.
    pub params: u32,
}

impl Mlp {
    /// `obs_size -> hidden... -> actions`; hidden layers use `activation`, the last one is linear.
    pub fn new(obs_size: u32, hidden: &[u32], actions: u32, activation: Activation) -> Mlp {
        let dims: Vec<u32> = [obs_size].iter().chain(hidden).chain([&actions]).copied().collect();
        let mut params = 0;
        let layers = dims
            .windows(2)
            .enumerate()
            .map(|(index, dims)| {
                let last = index == hidden.len();
                let layer = Layer {
                    in_dim: dims[0],
                    out_dim: dims[1],
                    weight_offset: params,
                    activation: if last { Activation::Identity } else { activation },
                };
                params += (dims[0] + 1) * dims[1];
                layer
            })
            .collect();
        Mlp { layers, params }
    }

    /// Weights and biases uniform in `+- 1 / sqrt(in_dim)`: the default of PyTorch's `Linear`.
    pub fn init(&self, seed: u64) -> Vec<f32> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut params = Vec::with_capacity(self.params as usize);
        for layer in &self.layers {
            let bound = 1.0 / f64::from(layer.in_dim).sqrt();
            for _ in 0..(layer.in_dim + 1) * layer.out_dim {
                params.push(rng.random_range(-bound..bound) as f32);
            }
        }
        params
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_contiguous_and_counts_parameters() {
        let mlp = Mlp::new(4, &[64, 32], 2, Activation::Relu);
        assert_eq!(mlp.params, 5 * 64 + 65 * 32 + 33 * 2);
        assert_eq!(mlp.layers[1].weight_offset, 5 * 64);
        assert_eq!(mlp.layers[2].activation, Activation::Identity);
        let init = mlp.init(1);
        assert_eq!(init.len(), mlp.params as usize);
        assert!(
            init[..5 * 64].iter().all(|w| w.abs() <= 0.5) && init[..5 * 64].iter().any(|w| w.abs() > 0.4)
        );
        assert_eq!(init, mlp.init(1));
        assert_ne!(init, mlp.init(2));
    }
}
