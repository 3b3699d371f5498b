//! A network in f64: what it computes, how far f32 may be from that, and the gradient.

use crate::kernels::Activation;
use crate::nn::op::{Dense, Dueling};
use crate::nn::{Network, Op};

/// Rounding of one f32 operation.
const ROUNDING: f64 = f32::EPSILON as f64 / 2.0;

/// A ReLU about to decide.
pub struct Decision {
    /// Which tensor of the network, 1 for the first hidden layer.
    pub tensor: usize,
    /// Column of the tensor.
    pub unit: usize,
    /// The pre-activation.
    pub z: f64,
    /// Largest error of an f32 evaluation with the same weights.
    pub bound: f64,
}

/// The slope that a ReLU takes: `z` is multiplied by it, and so is the gradient.
pub type Gate<'a> = dyn FnMut(&Decision) -> f64 + 'a;

/// One evaluation.
pub struct Evaluation {
    /// Contents of every tensor.
    tensors: Vec<Vec<f64>>,
    /// Derivative of every element's activation.
    slopes: Vec<Vec<f64>>,
}

/// Whether every operation of a network is known here.
pub fn is_known(net: &Network) -> bool {
    let activations = [Activation::Identity, Activation::Relu, Activation::Tanh];
    net.ops.iter().all(|op| matches!(op, Op::Dense(_) | Op::Dueling(_)))
        && net.tensors().iter().all(|tensor| activations.contains(&tensor.activation))
}

impl Evaluation {
    /// Evaluates a network of known operations on one observation.
    pub fn new(net: &Network, weights: &[f64], obs: &[f64], gate: &mut Gate<'_>) -> Evaluation {
        let zeros = || net.tensors().iter().map(|tensor| vec![0.0; tensor.width() as usize]);
        let (mut tensors, mut slopes, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for zero in zeros() {
            slopes.push(vec![1.0; zero.len()]);
            errors.push(zero.clone());
            tensors.push(zero);
        }
        tensors[0].copy_from_slice(obs);
        for op in &net.ops {
            match op {
                Op::Dense(dense) => {
                    let (z, bounds) = pre_activations(dense, weights, &tensors, &errors);
                    let (tensor, offset) = (dense.to.tensor, dense.to.offset as usize);
                    for (j, (z, bound)) in z.into_iter().zip(bounds).enumerate() {
                        let unit = offset + j;
                        let (value, slope) = match net.tensors()[tensor].activation {
                            Activation::Relu => {
                                let slope = gate(&Decision { tensor, unit, z, bound });
                                (z * slope, slope)
                            }
                            Activation::Tanh => (z.tanh(), 1.0 - z.tanh().powi(2)),
                            Activation::Identity | Activation::Silu => (z, 1.0),
                        };
                        tensors[tensor][unit] = value;
                        slopes[tensor][unit] = slope;
                        errors[tensor][unit] = bound;
                    }
                }
                Op::Dueling(Dueling { from, from_offset, value_offset, to, head, .. }) => {
                    let advantages = &tensors[*from][*from_offset as usize..][..head.actions as usize];
                    let value = tensors[*from][*value_offset as usize];
                    let mean = advantages.iter().sum::<f64>() / f64::from(head.actions);
                    let q: Vec<f64> = advantages.iter().map(|a| a - mean + value).collect();
                    tensors[*to][head.offset as usize..][..q.len()].copy_from_slice(&q);
                }
                _ => {}
            }
        }
        Evaluation { tensors, slopes }
    }

    /// The outputs.
    pub fn outputs(&self) -> &[f64] {
        self.tensors.last().map_or(&[], Vec::as_slice)
    }

    /// Adds the gradient of the parameters for this gradient of the outputs.
    pub fn backward(&self, net: &Network, weights: &[f64], outputs: &[f64], grads: &mut [f64]) {
        let mut deltas: Vec<Vec<f64>> = self.tensors.iter().map(|tensor| vec![0.0; tensor.len()]).collect();
        if let Some(last) = deltas.last_mut() {
            last.copy_from_slice(outputs);
        }
        for op in net.ops.iter().rev() {
            match op {
                Op::Dense(Dense { from, to, weight_offset, .. }) => {
                    let (first, outputs) = (*weight_offset as usize, to.width as usize);
                    let columns = to.offset as usize..to.offset as usize + outputs;
                    let slopes = &self.slopes[to.tensor][columns.clone()];
                    let dz: Vec<f64> = deltas[to.tensor][columns]
                        .iter()
                        .zip(slopes)
                        .map(|(delta, slope)| delta * slope)
                        .collect();
                    let bias = first + from.width as usize * outputs;
                    for (g, dz) in grads[bias..][..outputs].iter_mut().zip(&dz) {
                        *g += dz;
                    }
                    for k in 0..from.width as usize {
                        let x = self.tensors[from.tensor][from.offset as usize + k];
                        let row = first + k * outputs..first + (k + 1) * outputs;
                        let mut back = 0.0;
                        for ((g, w), dz) in grads[row.clone()].iter_mut().zip(&weights[row]).zip(&dz) {
                            *g += x * dz;
                            back += w * dz;
                        }
                        deltas[from.tensor][from.offset as usize + k] += back;
                    }
                }
                Op::Dueling(Dueling { from, from_offset, value_offset, to, head, .. }) => {
                    let own = deltas[*to][head.offset as usize..][..head.actions as usize].to_vec();
                    let sum: f64 = own.iter().sum();
                    let mean = sum / f64::from(head.actions);
                    let advantages = &mut deltas[*from][*from_offset as usize..];
                    for (delta, own) in advantages.iter_mut().zip(&own) {
                        *delta += own - mean;
                    }
                    deltas[*from][*value_offset as usize] += sum;
                }
                _ => {}
            }
        }
    }
}

/// `x W + b` of a layer and what f32 may make of it: every sum of n products rounds n + 1 times at most.
fn pre_activations(
    dense: &Dense,
    weights: &[f64],
    tensors: &[Vec<f64>],
    errors: &[Vec<f64>],
) -> (Vec<f64>, Vec<f64>) {
    let Dense { from, to, weight_offset, .. } = dense;
    let (inputs, outputs) = (from.width as usize, to.width as usize);
    let own = &weights[*weight_offset as usize..][..(inputs + 1) * outputs];
    let (products, bias) = own.split_at(inputs * outputs);
    let columns = from.offset as usize..from.offset as usize + inputs;
    let mut z = bias.to_vec();
    let mut sizes: Vec<f64> = bias.iter().map(|b| b.abs()).collect();
    let mut bounds = vec![0.0; outputs];
    let x = tensors[from.tensor][columns.clone()].iter().zip(&errors[from.tensor][columns]);
    for ((x, error), row) in x.zip(products.chunks_exact(outputs)) {
        for (((z, size), bound), w) in z.iter_mut().zip(&mut sizes).zip(&mut bounds).zip(row) {
            *z += x * w;
            *size += (x * w).abs();
            *bound += error * w.abs();
        }
    }
    for (bound, size) in bounds.iter_mut().zip(sizes) {
        *bound += (inputs + 1) as f64 * ROUNDING * size;
    }
    (z, bounds)
}
