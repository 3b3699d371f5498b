//! `torch_conv2d_net_*`: a whole network of convolutions and dense layers with relu, the loss of the taken actions, and all
//! gradients.
//!
//! A dense layer behind a grid reads it flattened: channel by channel in PyTorch, cell by cell here. Its weights are those of
//! a window as large as the grid, and change places in the same way.

use serde_json::Value;

use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::{Activation, td_error, update_end};
use crate::nn::{Activations, Network, NetworkSpec, Pass, Tensor, Wanted};
use crate::shared::agent::{Agent, TdError};
use crate::shared::shape::Shape;
use crate::verify::conformance::case::Case;
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::network::{Exported, natural};
use crate::verify::conformance::report::{Outcome, malformed, unsupported};
use crate::verify::conformance::torch_conv2d::{
    FROM_WINDOW, TO_CHANNELS_FIRST, TO_CHANNELS_LAST, TO_WINDOW, convolution, counts, four, permuted,
};
use crate::verify::conformance::torch_losses::{HUBER, MSE, SMOOTH_L1};
use crate::verify::conformance::torch_mlp::compare_grad;

/// A layer of the file.
struct Layer<'a> {
    name: &'a str,
    /// As stored.
    shape: &'a [usize],
    /// `[out, channels, height, width]`.
    window: [usize; 4],
}

impl Layer<'_> {
    fn weight(&self) -> String {
        format!("weight.{}.weight", self.name)
    }

    fn bias(&self) -> String {
        format!("weight.{}.bias", self.name)
    }
}

/// Forward, loss and backward as an update records them.
pub fn replay(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    let input = four(case, "x")?;
    let [batch, channels, height, width] = counts(input)?;
    let (layers, spec) = read(case, Shape::Grid { height, width, channels })?;
    let net = Network::new(&spec);
    let mut weights = vec![0.0; net.params() as usize];
    for (layer, parameters) in layers.iter().zip(net.parameters().chunks_exact(2)) {
        let values = permuted(case.f32_of(&layer.weight(), layer.shape)?, layer.window, TO_WINDOW);
        weights[parameters[0].offset as usize..][..values.len()].copy_from_slice(&values);
        let bias = case.f32_of(&layer.bias(), &[layer.window[0]])?;
        weights[parameters[1].offset as usize..][..bias.len()].copy_from_slice(bias);
    }
    let x = permuted(case.f32("x")?, input, TO_CHANNELS_LAST);
    let ran = run(case, device, &net, (batch, &x, &weights))?;

    let mut compare = |name: &str, got: &[f32], dims: &[usize]| -> Outcome<()> {
        comparison.tensor(name, name, got, case.f32_of(name, dims)?, case.tolerance(name)?)
    };
    let (rows, outputs) = (batch as usize, net.outputs() as usize);
    compare("q", &ran.q, &[rows, outputs])?;
    let actions = case.indices("action", outputs)?;
    let taken: Vec<f32> = ran.q.chunks(outputs).zip(actions).map(|(q, action)| q[action as usize]).collect();
    compare("q_a", &taken, &[rows])?;
    compare("hidden", &ran.hidden, &[rows, ran.hidden.len() / rows])?;
    compare("loss", &[ran.loss], &[1])?;
    let cells_last = [input[0], input[2], input[3], input[1]];
    compare("grad_x", &permuted(&ran.dx, cells_last, TO_CHANNELS_FIRST), &input)?;
    for (layer, parameters) in layers.iter().zip(net.parameters().chunks_exact(2)) {
        let [out, channels, height, width] = layer.window;
        let count = layer.window.iter().product();
        let dw = &ran.grads[parameters[0].offset as usize..][..count];
        let values = permuted(dw, [height, width, channels, out], FROM_WINDOW);
        let weight = Exported { name: format!("{}.weight", layer.name), shape: layer.shape.to_vec(), values };
        let db = ran.grads[parameters[1].offset as usize..][..out].to_vec();
        let bias = Exported { name: format!("{}.bias", layer.name), shape: vec![out], values: db };
        for part in [weight, bias] {
            compare_grad(case, comparison, &part, case.tolerance(&format!("grad.{}", part.name))?)?;
        }
    }
    Ok(())
}

/// The layers of the file in order, and the network that they make of an input.
fn read(case: &Case, input: Shape) -> Outcome<(Vec<Layer<'_>>, NetworkSpec)> {
    let mut names: Vec<&str> = case
        .names()
        .filter_map(|name| name.strip_prefix("weight.").and_then(|name| name.strip_suffix(".weight")))
        .collect();
    names.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| natural(a, b)));
    let mut layers: Vec<Layer<'_>> = Vec::new();
    let mut spec = NetworkSpec::mlp(input, &[], 1, Activation::Relu);
    let mut shape = input;
    for name in names {
        let stored = case.shape(&format!("weight.{name}.weight"))?;
        let window = match *stored {
            [out, channels, height, width] if spec.hidden.is_empty() => [out, channels, height, width],
            [out, inputs] => {
                let [height, width, channels] = shape.grid().map(|size| size as usize);
                if height * width * channels != inputs {
                    return malformed(format!(
                        "layer '{name}' has {inputs} inputs, and what it reads is {shape}"
                    ));
                }
                [out, channels, height, width]
            }
            _ => return unsupported(format!("layer '{name}' of shape {stored:?} is not built in")),
        };
        let sizes = counts(window)?;
        if stored.len() == 4 {
            if sizes[1] != shape.grid()[2] {
                return unsupported(format!(
                    "layer '{name}' has {} channels, and its input is {shape}",
                    sizes[1]
                ));
            }
            let convolution = convolution(case, sizes)?;
            spec.convolutions.push(convolution);
            let [height, width, channels] = convolution.output(shape);
            shape = Shape::Grid { height, width, channels };
        } else {
            spec.hidden.push(sizes[0]);
            shape = Shape::Flat(sizes[0]);
        }
        layers.push(Layer { name, shape: stored, window });
    }
    let Some(outputs) = spec.hidden.pop() else { return malformed("there is no layer of outputs") };
    spec.heads = vec![outputs];
    match spec.check() {
        Ok(()) => Ok((layers, spec)),
        Err(why) => malformed(why),
    }
}

/// Convolutions, then dense layers, then the outputs.
fn order(name: &str) -> u32 {
    match name {
        name if name.starts_with("conv") => 0,
        "out" => 2,
        _ => 1,
    }
}

/// Number of the loss, and its threshold.
fn loss(case: &Case) -> Outcome<(u32, f32)> {
    let text = case.config().get("loss").and_then(Value::as_str).unwrap_or_default();
    let threshold = |key: &str| {
        let value = text.split([',', '(', ')']).find_map(|part| {
            part.trim().strip_prefix(key)?.trim_start_matches([' ', '=']).parse::<f32>().ok()
        });
        value.filter(|value| *value > 0.0 && value.is_finite())
    };
    let mean = !["sum", "none"].iter().any(|other| text.contains(other));
    match text.split(['(', ' ', ',']).next() {
        Some("mean" | "mse_loss")
            if !text.starts_with("mean(") || text.starts_with("mean((q_a - target)^2)") =>
        {
            Ok((MSE, 1.0))
        }
        Some("smooth_l1_loss") if mean => Ok((SMOOTH_L1, threshold("beta").unwrap_or(1.0))),
        Some("huber_loss" | "huber") if mean => Ok((HUBER, threshold("delta").unwrap_or(1.0))),
        _ => unsupported(format!("loss '{text}' is not built in")),
    }
}

/// What a network gives.
struct Ran {
    q: Vec<f32>,
    hidden: Vec<f32>,
    loss: f32,
    dx: Vec<f32>,
    grads: Vec<f32>,
}

fn run(
    case: &Case,
    device: &mut Device<'_>,
    net: &Network,
    (batch, x, weights): (u32, &[f32], &[f32]),
) -> Outcome<Ran> {
    let (loss, huber_delta) = loss(case)?;
    let pass =
        Pass { agents: 1, batch, nets: 1, slot_net: vec![0], slot_input: vec![0], inputs: 1, gradients: 1 };
    let rows = u64::from(batch);
    let mut buffers = Buffers::default();
    let input: Buffer<f32> = buffers.add("x", x.len() as u64, "");
    let at = Activations::new(&mut buffers, "activation", net, &pass, input, "");
    let width = |tensor: &Tensor| rows * u64::from(tensor.width());
    let deltas: Vec<Buffer<f32>> =
        net.tensors().iter().map(|tensor| buffers.add("delta", width(tensor), "")).collect();
    let parameters: Buffer<f32> = buffers.add("weights", u64::from(net.params()), "");
    let grads: Buffer<f32> = buffers.add("grads", u64::from(net.params()), "");
    let agents: Buffer<Agent> = buffers.add("agents", 1, "");
    let actions: Buffer<u32> = buffers.add("actions", rows, "");
    let errors: Buffer<TdError> = buffers.add("errors", rows, "");
    let [targets, importance, entropies] =
        ["targets", "importance", "entropies"].map(|name| buffers.add::<f32>(name, rows, ""));
    let optimizers = buffers.add("optimizers", 1, "");
    let mut recording = Recording::default();
    pass.forward(&mut recording, net, parameters, &at)?;
    let params = td_error::Params {
        batch,
        actions: net.outputs(),
        slots: 1,
        grad_slots: 1,
        q_stride: net.outputs(),
        q_offset: 0,
        heads: 1,
        head: 0,
        head_weight: 1.0,
        least_weight: 0.0,
        largest_weight: f32::MAX,
        loss,
        agents: 1,
    };
    let dq = deltas[net.layout.last()];
    td_error::record(&mut recording, params, agents, at.outputs(), actions, targets, importance, dq, errors)?;
    // The mean over the batch, as an update forms it.
    let params = update_end::Params { batch, grad_slots: 1, heads: 1, later_head_weight: 1.0, agents: 1 };
    update_end::record(&mut recording, params, agents, optimizers, entropies, targets, errors)?;
    pass.backward(&mut recording, net, parameters, &at, &deltas, grads, 1, Wanted::Both)?;
    let program = device.prepare(&buffers, &recording)?;
    device.write(input, x)?;
    device.write(parameters, weights)?;
    device.write(agents, &[Agent { huber_delta, ..Agent::default() }])?;
    device.write(actions, &case.indices("action", net.outputs() as usize)?)?;
    device.write(targets, case.f32_of("target", &[batch as usize])?)?;
    device.write(importance, &vec![1.0; batch as usize])?;
    device.run(program)?;
    Ok(Ran {
        q: device.read(at.outputs())?,
        // Behind the last layer but one.
        hidden: device.read(at.tensors[net.layout.last() - 1])?,
        loss: device.read(agents)?.first().map_or(f32::NAN, |agent| agent.loss_sum),
        dx: device.read(deltas[0])?,
        grads: device.read(grads)?,
    })
}
