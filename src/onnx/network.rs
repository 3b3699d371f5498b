//! A network as nodes: one function per operation of `nn/op`.

use crate::kernels::Activation;
use crate::nn::op::{AppendActions, Conv2d, Dense, Dueling, LayerNorm, Silu};
use crate::nn::{Network, Op, Parameter, Slice};
use crate::onnx::graph::Graph;
use crate::onnx::proto::AttributeProto;
use crate::shared::shape::Shape;

/// Some columns of a tensor.
struct Part {
    offset: u32,
    width: u32,
    value: String,
}

/// What the graph has of a tensor so far.
#[derive(Default)]
struct Known {
    /// Its columns, `[batch, width]`; `[batch, actions, width]` where the network sees the action.
    parts: Vec<Part>,
    /// A grid as it came in, `[batch, height, width, channels]`.
    grid: Option<String>,
    /// A grid as convolutions take and leave it, `[batch, channels, height, width]`.
    channels_first: Option<String>,
}

/// Puts a network's operations into a graph.
pub struct Lowering<'a> {
    graph: &'a mut Graph,
    net: &'a Network,
    /// Of this one network `[params]`.
    weights: &'a [f32],
    /// In front of the names of its constants, `q0.`.
    prefix: String,
    known: Vec<Known>,
}

/// Adds the network to the graph; `input` has the shape of the network's input. The name of its outputs `[batch, outputs]`.
pub fn lower(graph: &mut Graph, net: &Network, weights: &[f32], prefix: String, input: String) -> String {
    let known = net.tensors().iter().map(|_| Known::default()).collect();
    let mut lowering = Lowering { graph, net, weights, prefix, known };
    match net.tensors()[0].shape {
        Shape::Flat(width) => lowering.set(net.layout.whole(0), width, input),
        Shape::Grid { .. } => lowering.known[0].grid = Some(input),
    }
    for op in &net.ops {
        match op {
            Op::AppendActions(op) => lowering.append_actions(op),
            Op::Conv2d(op) => lowering.conv2d(op),
            Op::Dense(op) => lowering.dense(op),
            Op::LayerNorm(op) => lowering.layer_norm(op),
            Op::Silu(op) => lowering.silu(op),
            Op::Dueling(op) => lowering.dueling(op),
        }
    }
    let last = net.layout.last();
    let outputs = lowering.flat(last);
    match net.layout.repeats {
        1 => outputs,
        // One value for each action: [batch, actions, 1].
        _ => lowering.graph.node("Flatten", &[&outputs], vec![AttributeProto::int("axis", 1)]),
    }
}

impl Lowering<'_> {
    /// Remembers columns of a tensor.
    fn set(&mut self, at: Slice, width: u32, value: String) {
        self.known[at.tensor].parts.push(Part { offset: at.offset, width, value });
    }

    fn set_whole(&mut self, tensor: usize, value: String) {
        let whole = self.net.layout.whole(tensor);
        self.set(whole, whole.width, value);
    }

    /// All columns of a tensor.
    fn flat(&mut self, tensor: usize) -> String {
        let (graph, known) = (&mut *self.graph, &mut self.known[tensor]);
        let flatten = || vec![AttributeProto::int("axis", 1)];
        if known.parts.is_empty() {
            let value = match (&known.grid, &known.channels_first) {
                (Some(grid), _) => graph.node("Flatten", &[grid], flatten()),
                (None, Some(first)) => {
                    let perm = AttributeProto::ints("perm", &[0, 2, 3, 1]);
                    let last = graph.node("Transpose", &[first], vec![perm]);
                    graph.node("Flatten", &[&last], flatten())
                }
                (None, None) => unreachable!("operations come in order"),
            };
            self.set_whole(tensor, value.clone());
            return value;
        }
        known.parts.sort_by_key(|part| part.offset);
        let parts: Vec<&str> = known.parts.iter().map(|part| part.value.as_str()).collect();
        graph.side_by_side(&parts)
    }

    /// Some columns of a tensor.
    fn columns(&mut self, from: Slice) -> String {
        if from == self.net.layout.whole(from.tensor) {
            return self.flat(from.tensor);
        }
        let of = &self.known[from.tensor].parts;
        if let Some(part) = of.iter().find(|part| (part.offset, part.width) == (from.offset, from.width)) {
            return part.value.clone();
        }
        let whole = self.flat(from.tensor);
        self.graph.columns(&whole, from.offset, from.width)
    }

    /// A grid with its channels first.
    fn channels_first(&mut self, tensor: usize) -> String {
        if let Some(first) = &self.known[tensor].channels_first {
            return first.clone();
        }
        let grid = match self.known[tensor].grid.clone() {
            Some(grid) => grid,
            None => {
                let [height, width, channels] = self.net.tensors()[tensor].shape.grid().map(i64::from);
                let flat = self.flat(tensor);
                let shape = self.graph.whole(&[-1, height, width, channels]);
                self.graph.node("Reshape", &[&flat, &shape], vec![])
            }
        };
        let perm = AttributeProto::ints("perm", &[0, 3, 1, 2]);
        let first = self.graph.node("Transpose", &[&grid], vec![perm]);
        self.known[tensor].channels_first = Some(first.clone());
        first
    }

    /// The activation of `tensor`.
    fn activated(&mut self, tensor: usize, value: String) -> String {
        match self.net.tensors()[tensor].activation {
            Activation::Relu => self.graph.node("Relu", &[&value], vec![]),
            Activation::Tanh => self.graph.node("Tanh", &[&value], vec![]),
            // Silu is an operation of its own.
            Activation::Identity | Activation::Silu => value,
        }
    }

    /// The parameter that begins at `offset` and the one behind it: weight and bias, or scale and shift.
    fn parameters(&self, offset: u32) -> [&Parameter; 2] {
        let all = self.net.parameters();
        let index = all.partition_point(|parameter| parameter.offset < offset);
        [&all[index], &all[index + 1]]
    }

    fn values(&self, parameter: &Parameter) -> &[f32] {
        &self.weights[parameter.offset as usize..][..parameter.shape.iter().product::<u32>() as usize]
    }

    /// Both as constants, as they lie in memory.
    fn constants(&mut self, offset: u32) -> [String; 2] {
        self.parameters(offset).map(|parameter| parameter.clone()).map(|parameter| {
            let values = self.values(&parameter).to_vec();
            self.graph.floats(&format!("{}{}", self.prefix, parameter.name), &parameter.shape, &values)
        })
    }

    /// The observation once for every action, with zeros behind it to which the action is added.
    fn append_actions(&mut self, op: &AppendActions) {
        let (seen, actions) = (self.net.layout.width(op.from), self.net.layout.repeats);
        let observation = self.flat(op.from);
        let axis = self.graph.whole(&[1]);
        let row = self.graph.node("Unsqueeze", &[&observation, &axis], vec![]);
        let pads = self.graph.whole(&[0, 0, 0, 0, 0, i64::from(actions)]);
        let padded = self.graph.node("Pad", &[&row, &pads], vec![]);
        let width = seen + actions;
        let mut one_hot = vec![0.0; (actions * width) as usize];
        for action in 0..actions {
            one_hot[(action * width + seen + action) as usize] = 1.0;
        }
        let one_hot = self.graph.floats(&format!("{}actions", self.prefix), &[1, actions, width], &one_hot);
        let rows = self.graph.node("Add", &[&padded, &one_hot], vec![]);
        self.set_whole(op.to, rows);
    }

    fn conv2d(&mut self, op: &Conv2d) {
        let x = self.channels_first(op.from);
        let [weight, bias] = self.parameters(op.weight_offset).map(|parameter| parameter.clone());
        let dims = [weight.shape[0], weight.shape[1], weight.shape[2], weight.shape[3]];
        let turned = filters_first(self.values(&weight), dims);
        let [height, width, channels, filters] = dims;
        let name = format!("{}{}", self.prefix, weight.name);
        let w = self.graph.floats(&name, &[filters, channels, height, width], &turned);
        let values = self.values(&bias).to_vec();
        let b = self.graph.floats(&format!("{}{}", self.prefix, bias.name), &bias.shape, &values);
        let [[kernel_y, kernel_x], [stride_y, stride_x], [pad_y, pad_x]] =
            [op.convolution.kernel, op.convolution.stride, op.convolution.padding]
                .map(|pair| pair.map(i64::from));
        let attributes = vec![
            AttributeProto::ints("kernel_shape", &[kernel_y, kernel_x]),
            AttributeProto::ints("strides", &[stride_y, stride_x]),
            AttributeProto::ints("pads", &[pad_y, pad_x, pad_y, pad_x]),
        ];
        let sum = self.graph.node("Conv", &[&x, &w, &b], attributes);
        self.known[op.to].channels_first = Some(self.activated(op.to, sum));
    }

    fn dense(&mut self, op: &Dense) {
        let x = self.columns(op.from);
        let [weight, bias] = self.constants(op.weight_offset);
        let product = self.graph.node("MatMul", &[&x, &weight], vec![]);
        let sum = self.graph.node("Add", &[&product, &bias], vec![]);
        let value = self.activated(op.to.tensor, sum);
        self.set(op.to, op.to.width, value);
    }

    fn layer_norm(&mut self, op: &LayerNorm) {
        let x = self.flat(op.from);
        let [scale, shift] = self.constants(op.weight_offset);
        let attributes =
            vec![AttributeProto::int("axis", -1), AttributeProto::float("epsilon", LayerNorm::EPS)];
        let normal = self.graph.node("LayerNormalization", &[&x, &scale, &shift], attributes);
        let value = self.activated(op.to, normal);
        self.set_whole(op.to, value);
    }

    fn silu(&mut self, op: &Silu) {
        let x = self.flat(op.from);
        let gate = self.graph.node("Sigmoid", &[&x], vec![]);
        let value = self.graph.node("Mul", &[&x, &gate], vec![]);
        self.set_whole(op.to, value);
    }

    fn dueling(&mut self, op: &Dueling) {
        let columns = |offset, width| Slice { tensor: op.from, offset, width };
        let advantages = self.columns(columns(op.from_offset, op.head.actions));
        let value = self.columns(columns(op.value_offset, 1));
        let attributes = vec![AttributeProto::ints("axes", &[-1]), AttributeProto::int("keepdims", 1)];
        let mean = self.graph.node("ReduceMean", &[&advantages], attributes);
        let centred = self.graph.node("Sub", &[&advantages, &mean], vec![]);
        let values = self.graph.node("Add", &[&centred, &value], vec![]);
        let to = Slice { tensor: op.to, offset: op.head.offset, width: op.head.actions };
        self.set(to, to.width, values);
    }
}

/// `[height, width, channels, filters]` as `[filters, channels, height, width]`.
fn filters_first(values: &[f32], [height, width, channels, filters]: [u32; 4]) -> Vec<f32> {
    let mut turned = Vec::with_capacity(values.len());
    for filter in 0..filters {
        for channel in 0..channels {
            for cell in 0..height * width {
                turned.push(values[((cell * channels + channel) * filters + filter) as usize]);
            }
        }
    }
    turned
}
