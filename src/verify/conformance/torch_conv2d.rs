//! `torch_conv2d_*`: one convolution with relu, its output and its gradients for a given cotangent.
//!
//! PyTorch's grids are channels-first and its weights `[out, in, height, width]`; here both are channels-last. The cotangent
//! is one of the relu's output. A second convolution that copies each channel (a window of one cell, weight 1) hands it back
//! through the relu.

use serde_json::Value;

use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::Activation;
use crate::nn::{Activations, Convolution, Network, NetworkSpec, Pass, Tensor, Wanted};
use crate::shared::shape::Shape;
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::report::{Outcome, malformed, unsupported};

/// From `[n, channels, height, width]` to `[n, height, width, channels]`.
pub const TO_CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];
/// Back again.
pub const TO_CHANNELS_FIRST: [usize; 4] = [0, 3, 1, 2];
/// From `[out, in, height, width]` to `[height, width, in, out]`.
pub const TO_WINDOW: [usize; 4] = [2, 3, 1, 0];
/// Back again.
pub const FROM_WINDOW: [usize; 4] = [3, 2, 0, 1];

/// `values` of shape `dims` with axis `order[i]` in the place of axis `i`.
pub fn permuted(values: &[f32], dims: [usize; 4], order: [usize; 4]) -> Vec<f32> {
    let strides = [dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3], 1];
    let [a, b, c, d] = order.map(|axis| (dims[axis], strides[axis]));
    let mut result = Vec::with_capacity(values.len());
    for i in 0..a.0 {
        for j in 0..b.0 {
            for k in 0..c.0 {
                result.extend((0..d.0).map(|l| values[i * a.1 + j * b.1 + k * c.1 + l * d.1]));
            }
        }
    }
    result
}

/// The shape of a tensor of four axes.
pub fn four(case: &Case, name: &str) -> Outcome<[usize; 4]> {
    match case.shape(name)?.try_into() {
        Ok(dims) => Ok(dims),
        Err(_) => malformed(format!("tensor '{name}' is {:?}, expected four axes", case.shape(name)?)),
    }
}

/// Sizes as the engine counts them.
pub fn counts<const N: usize>(sizes: [usize; N]) -> Outcome<[u32; N]> {
    // A tensor of a file is far below this; products of its axes are checked where buffers are made.
    match sizes.iter().all(|size| *size < 1 << 24) {
        true => Ok(sizes.map(|size| size as u32)),
        false => unsupported(format!("sizes {sizes:?} are beyond 2^24")),
    }
}

/// A pair of `config`, rows first; one number stands for both.
fn pair(case: &Case, key: &str, default: u32) -> Outcome<[u32; 2]> {
    let number = |value: &Value| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..1e9).contains(number));
        number.map(|number| number as u32)
    };
    let found = match case.config().get(key) {
        None => Some([default; 2]),
        Some(Value::Array(list)) => match &list[..] {
            [rows, columns] => number(rows).zip(number(columns)).map(|(rows, columns)| [rows, columns]),
            _ => None,
        },
        Some(value) => number(value).map(|both| [both; 2]),
    };
    match found {
        Some(pair) => Ok(pair),
        None => unsupported(format!("{key} {} is no pair of numbers", case.config()[key])),
    }
}

/// Stride and padding of `config`; dilated and grouped convolutions are not built in.
pub fn convolution(case: &Case, [filters, _, height, width]: [u32; 4]) -> Outcome<Convolution> {
    for key in ["dilation", "groups"] {
        if pair(case, key, 1)? != [1, 1] {
            return unsupported(format!("convolutions with {key} are not built in"));
        }
    }
    let stride = pair(case, "stride", 1)?;
    let padding = match case.config().get("padding").and_then(Value::as_str) {
        Some("valid") => [0, 0],
        // As many zeros on either side as keep the size, which PyTorch allows with a stride of 1.
        Some("same") if stride == [1, 1] && height % 2 == 1 && width % 2 == 1 => [height / 2, width / 2],
        _ => pair(case, "padding", 0)?,
    };
    if stride.contains(&0) {
        return malformed("a stride is 0");
    }
    Ok(Convolution { filters, kernel: [height, width], stride, padding })
}

/// Forward and backward through the convolution kernels.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let (input, window) = (four(case, "x")?, four(case, "weight")?);
    let ([batch, channels, height, width], kernel) = (counts(input)?, counts(window)?);
    if kernel[1] != channels {
        return unsupported(format!("weights of {} channels on an input of {channels}", kernel[1]));
    }
    let convolution = convolution(case, kernel)?;
    let spec = NetworkSpec {
        convolutions: vec![convolution],
        ..NetworkSpec::mlp(Shape::Grid { height, width, channels }, &[], 1, Activation::Relu)
    };
    if let Err(why) = spec.check() {
        return malformed(why);
    }
    let [rows, columns, filters] = convolution.output(spec.input).map(|size| size as usize);
    let output = [input[0], filters, rows, columns];
    let x = permuted(case.f32("x")?, input, TO_CHANNELS_LAST);
    let weights = permuted(case.f32("weight")?, window, TO_WINDOW);
    let bias = case.f32_of("bias", &[filters])?;
    let layer = Layer { spec, batch, x, weights: [&weights, bias].concat() };
    let dy = case.f32_of("cotangent", &output)?;
    let ran = layer.run(device, Activation::Relu, &permuted(dy, output, TO_CHANNELS_LAST))?;
    let channels_last = [input[0], rows, columns, filters];
    let mut compare = |name: &str, got: &[f32], dims: &[usize]| -> Outcome<()> {
        comparison.tensor(name, name, got, case.f32_of(name, dims)?, case.tolerance(name)?)
    };
    if case.has("z") {
        let before = layer.run(device, Activation::Identity, &vec![0.0; dy.len()])?;
        compare("z", &permuted(&before.y, channels_last, TO_CHANNELS_FIRST), &output)?;
    }
    compare("y", &permuted(&ran.y, channels_last, TO_CHANNELS_FIRST), &output)?;
    let inputs_last = [input[0], input[2], input[3], input[1]];
    compare("grad_x", &permuted(&ran.dx, inputs_last, TO_CHANNELS_FIRST), &input)?;
    let (dw, db) = ran.grads.split_at(weights.len());
    let window_last = [window[2], window[3], window[1], window[0]];
    compare("grad_weight", &permuted(dw, window_last, FROM_WINDOW), &window)?;
    compare("grad_bias", &db[..filters], &[filters])
}

/// One convolution with its input and weights, channels-last.
struct Layer {
    spec: NetworkSpec,
    batch: u32,
    x: Vec<f32>,
    weights: Vec<f32>,
}

/// What it gives.
struct Ran {
    y: Vec<f32>,
    dx: Vec<f32>,
    grads: Vec<f32>,
}

impl Layer {
    /// Forward, and backward from the gradient `dy` of its output behind the activation.
    fn run(&self, device: &mut Device<'_>, activation: Activation, dy: &[f32]) -> Outcome<Ran> {
        let filters = self.spec.convolutions[0].filters;
        let copy = Convolution::square(filters, 1, 1);
        let convolutions = vec![self.spec.convolutions[0], copy];
        let net = Network::new(&NetworkSpec { activation, convolutions, ..self.spec.clone() });
        // Up to the copy; a head follows that is not asked for.
        let net = Network { ops: net.ops[..2].to_vec(), ..net };
        let pass = Pass {
            agents: 1,
            batch: self.batch,
            nets: 1,
            slot_net: vec![0],
            slot_input: vec![0],
            inputs: 1,
            gradients: 1,
        };
        let mut buffers = Buffers::default();
        let input: Buffer<f32> = buffers.add("x", self.x.len() as u64, "");
        let activations = Activations::new(&mut buffers, "activation", &net, &pass, input, "");
        let width = |tensor: &Tensor| u64::from(self.batch) * u64::from(tensor.width());
        let deltas: Vec<Buffer<f32>> =
            net.tensors().iter().map(|tensor| buffers.add("delta", width(tensor), "")).collect();
        let parameters: Buffer<f32> = buffers.add("weights", u64::from(net.params()), "");
        let grads: Buffer<f32> = buffers.add("grads", u64::from(net.params()), "");
        let mut recording = Recording::default();
        pass.forward(&mut recording, &net, parameters, &activations)?;
        pass.backward(&mut recording, &net, parameters, &activations, &deltas, grads, 1, Wanted::Both)?;
        let program = device.prepare(&buffers, &recording)?;
        device.write(input, &self.x)?;
        device.write(parameters, &self.weights)?;
        let mut all = device.read(parameters)?;
        let at = net.parameters()[2].offset as usize;
        for channel in 0..filters as usize {
            all[at + channel * (filters as usize + 1)] = 1.0;
        }
        device.write(parameters, &all)?;
        device.write(deltas[2], dy)?;
        device.run(program)?;
        let y = device.read(activations.tensors[1])?;
        Ok(Ran { y, dx: device.read(deltas[0])?, grads: device.read(grads)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_change_places_and_come_back() {
        let values: Vec<f32> = (0u8..120).map(f32::from).collect();
        let last = permuted(&values, [2, 3, 4, 5], TO_CHANNELS_LAST);
        // [n, h, w, c] = [1, 2, 3, 1] was [1, 1, 2, 3].
        assert_eq!(last[((4 + 2) * 5 + 3) * 3 + 1], values[((3 + 1) * 4 + 2) * 5 + 3]);
        assert_eq!(permuted(&last, [2, 4, 5, 3], TO_CHANNELS_FIRST), values);
        let window = permuted(&values, [2, 3, 4, 5], TO_WINDOW);
        assert_eq!(window[((2 * 5 + 3) * 3 + 1) * 2 + 1], values[((3 + 1) * 4 + 2) * 5 + 3]);
        assert_eq!(permuted(&window, [4, 5, 3, 2], FROM_WINDOW), values);
    }
}
