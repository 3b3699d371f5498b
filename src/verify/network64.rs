//! A network's action values in f64, from the definitions of its operations.

use crate::kernels::Activation;
use crate::nn::op::{AppendActions, Conv2d, Dense, Dueling, LayerNorm, Silu};
use crate::nn::{Convolution, Network, Op};
use crate::shared::shape::Shape;

/// PyTorch's default, as in the recorded layer norm.
const LAYER_NORM_EPS: f64 = 1e-5_f32 as f64;

/// Action values of a network in f64.
pub fn forward(net: &Network, weights: &[f64], obs: &[f64], clearance: &mut f64) -> Vec<f64> {
    let mut tensors: Vec<Vec<f64>> = net.tensors().iter().map(|t| vec![0.0; t.width() as usize]).collect();
    tensors[0].copy_from_slice(obs);
    let mut activate = |tensor: usize, z: f64| match net.tensors()[tensor].activation {
        // Silu is an operation of its own.
        Activation::Identity | Activation::Silu => z,
        Activation::Tanh => z.tanh(),
        Activation::Relu => {
            *clearance = clearance.min(z.abs());
            z.max(0.0)
        }
    };
    for op in &net.ops {
        match op {
            Op::AppendActions(AppendActions { from, to }) => {
                let actions = net.layout.repeats as usize;
                let seen = |a: usize| (0..actions).map(move |i| f64::from(u8::from(i == a)));
                let pair = |a: usize| tensors[*from].iter().copied().chain(seen(a)).collect::<Vec<f64>>();
                tensors[*to] = (0..actions).flat_map(pair).collect();
            }
            Op::Conv2d(Conv2d { from, to, weight_offset, convolution }) => {
                let own = &weights[*weight_offset as usize..];
                let input = net.tensors()[*from].shape.grid();
                let sums = convolved(convolution, (&tensors[*from], input), own);
                tensors[*to] = sums.into_iter().map(|z| activate(*to, z)).collect();
            }
            Op::Dense(Dense { from, to, weight_offset, .. }) => {
                let outputs = to.width as usize;
                let own = &weights[*weight_offset as usize..];
                for block in 0..net.layout.repeats_of(from.tensor) as usize {
                    let at = block * net.layout.width(from.tensor) as usize + from.offset as usize;
                    let x = tensors[from.tensor][at..][..from.width as usize].to_vec();
                    let at = block * net.layout.width(to.tensor) as usize + to.offset as usize;
                    for j in 0..outputs {
                        let products = x.iter().enumerate().map(|(k, x)| x * own[k * outputs + j]);
                        let z = products.sum::<f64>() + own[x.len() * outputs + j];
                        tensors[to.tensor][at + j] = activate(to.tensor, z);
                    }
                }
            }
            Op::LayerNorm(LayerNorm { from, to, weight_offset }) => {
                let width = net.layout.width(*from) as usize;
                for block in 0..net.layout.repeats_of(*from) as usize {
                    let x = tensors[*from][block * width..][..width].to_vec();
                    let n = x.len() as f64;
                    let mean = x.iter().sum::<f64>() / n;
                    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
                    let own = &weights[*weight_offset as usize..];
                    for (k, x) in x.iter().enumerate() {
                        let normal = (x - mean) / (variance + LAYER_NORM_EPS).sqrt();
                        tensors[*to][block * width + k] = activate(*to, own[k] * normal + own[width + k]);
                    }
                }
            }
            Op::Silu(Silu { from, to }) => {
                let z = tensors[*from].clone();
                tensors[*to] = z.iter().map(|z| z / (1.0 + (-z).exp())).collect();
            }
            Op::Dueling(Dueling { from, from_offset, value_offset, to, head, .. }) => {
                let advantages = tensors[*from][*from_offset as usize..][..head.actions as usize].to_vec();
                let value = tensors[*from][*value_offset as usize];
                let mean = advantages.iter().sum::<f64>() / f64::from(head.actions);
                for (a, advantage) in advantages.iter().enumerate() {
                    tensors[*to][head.offset as usize + a] = advantage - mean + value;
                }
            }
        }
    }
    tensors.pop().unwrap_or_default()
}

/// `x * W + b` of a grid `[height, width, channels]`, position by position.
fn convolved(of: &Convolution, (x, [height, width, channels]): (&[f64], [u32; 3]), own: &[f64]) -> Vec<f64> {
    let [rows, columns, filters] = of.output(Shape::Grid { height, width, channels });
    let [kernel_rows, kernel_columns] = of.kernel;
    let mut sums = Vec::new();
    for (oy, ox) in (0..rows).flat_map(|oy| (0..columns).map(move |ox| (oy, ox))) {
        for filter in 0..filters {
            let mut sum = own[(kernel_rows * kernel_columns * channels * filters + filter) as usize];
            for (ky, kx) in (0..kernel_rows).flat_map(|ky| (0..kernel_columns).map(move |kx| (ky, kx))) {
                let y = i64::from(oy * of.stride[0] + ky) - i64::from(of.padding[0]);
                let x_at = i64::from(ox * of.stride[1] + kx) - i64::from(of.padding[1]);
                if !(0..i64::from(height)).contains(&y) || !(0..i64::from(width)).contains(&x_at) {
                    continue;
                }
                for c in 0..channels {
                    let cell = (y * i64::from(width) + x_at) as u32 * channels + c;
                    let weight = ((ky * kernel_columns + kx) * channels + c) * filters + filter;
                    sum += x[cell as usize] * own[weight as usize];
                }
            }
            sums.push(sum);
        }
    }
    sums
}
