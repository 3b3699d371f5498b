//! A Q network as a short list of operations over named tensors, and its flat parameter layout.
//!
//! `obs -> convolution (layer norm) activation ... -> dense (layer norm) activation ... -> heads`. A head is a block of action values; several heads make a
//! multi-discrete network. Heads may have a hidden layer of their own, and may be dueling (A and V apart, V perhaps one for
//! all heads). The hidden layers of all heads are one dense layer side by side, and their last layers work on slices of it.

use std::fmt;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::kernels::Activation;
use crate::nn::init::Initialiser;
use crate::nn::layout::{Layout, Parameter, Slice, Tensor};
use crate::nn::op::{AppendActions, Conv2d, Convolution, Dense, Dueling, Head, LayerNorm, Op, Silu};
use crate::shared::shape::Shape;

/// What to build.
///
/// ```
/// use softq::kernels::Activation;
/// use softq::nn::{Convolution, Head, Network, NetworkSpec};
/// use softq::shared::shape::Shape;
///
/// let image = Shape::Grid { height: 10, width: 10, channels: 4 };
/// let spec = NetworkSpec {
///     convolutions: vec![Convolution::square(16, 3, 1)],
///     heads: vec![3, 2],
///     head_hidden: Some(8),
///     dueling: true,
///     ..NetworkSpec::mlp(image, &[32], 0, Activation::Relu)
/// };
/// assert_eq!(spec.check(), Ok(()));
/// let net = Network::new(&spec);
/// assert_eq!((net.tensors()[1].width(), net.outputs()), (8 * 8 * 16, 5));
/// assert_eq!(net.heads, [Head { offset: 0, actions: 3 }, Head { offset: 3, actions: 2 }]);
/// let large = NetworkSpec { convolutions: vec![Convolution::square(16, 11, 1)], ..spec };
/// assert!(large.check().expect_err("no window fits").contains("11 x 11"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSpec {
    /// Shape of an observation.
    pub input: Shape,
    /// Convolutions in front of the shared hidden layers, each with the activation behind it.
    pub convolutions: Vec<Convolution>,
    /// Widths of the shared hidden layers.
    pub hidden: Vec<u32>,
    /// Activation of hidden layers.
    pub activation: Activation,
    /// Layer normalisation between each convolution or shared hidden layer and its activation.
    pub layer_norm: bool,
    /// Actions of each head.
    pub heads: Vec<u32>,
    /// Width of a hidden layer in every head (for dueling: in A and in V each).
    pub head_hidden: Option<u32>,
    /// `q = A - mean(A) + V` in every head; needs `head_hidden`.
    pub dueling: bool,
    /// All dueling heads have one V.
    pub one_value: bool,
    /// The network is a q(s, a) of one output that sees the action one-hot behind the observation, and is evaluated for every
    /// action (coax's type 1); for one head without a hidden layer of its own.
    pub action_input: bool,
    /// Initial weights.
    pub initialiser: Initialiser,
}

impl NetworkSpec {
    /// What is wrong with it, if anything: a convolution whose window does not fit into what it is applied to, or one of
    /// observations with actions behind them.
    pub fn check(&self) -> std::result::Result<(), String> {
        if self.action_input && !self.convolutions.is_empty() {
            return Err("a convolution cannot see the action behind an observation".into());
        }
        let mut shape = self.input;
        for (i, convolution) in self.convolutions.iter().enumerate() {
            let [height, width, channels] = convolution.output(shape);
            if height == 0 || width == 0 {
                let [rows, columns] = convolution.kernel;
                let padding = match convolution.padding {
                    [0, 0] => String::new(),
                    [y, x] => format!(" padded by {y} x {x}"),
                };
                return Err(format!(
                    "convolution {i} has windows of {rows} x {columns}, and its input is {shape}{padding}"
                ));
            }
            shape = Shape::Grid { height, width, channels };
        }
        Ok(())
    }

    /// A plain perceptron with one head.
    pub fn mlp(input: impl Into<Shape>, hidden: &[u32], actions: u32, activation: Activation) -> NetworkSpec {
        NetworkSpec {
            input: input.into(),
            convolutions: vec![],
            hidden: hidden.to_vec(),
            activation,
            layer_norm: false,
            heads: vec![actions],
            head_hidden: None,
            dueling: false,
            one_value: false,
            action_input: false,
            initialiser: Initialiser::default(),
        }
    }
}

/// How a network's operations become dispatches.
///
/// ```
/// use softq::config::PathChoice;
/// use softq::kernels::Activation;
/// use softq::nn::{Network, NetworkSpec, Path};
///
/// let of = |width| Network::new(&NetworkSpec::mlp(4u32, &[width], 2, Activation::Relu));
/// assert_eq!(of(64).fused().map(|net| net.path), Ok(Path::Fused));
/// // `auto` takes that on hardware alone: on the CPU layers are faster.
/// assert_eq!(of(64).on(PathChoice::Auto, true).map(|net| net.path), Ok(Path::Fused));
/// assert_eq!(of(64).on(PathChoice::Auto, false).map(|net| net.path), Ok(Path::Layered));
/// assert!(of(512).on(PathChoice::Fused, true).expect_err("too wide").contains("512"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// One dispatch per operation: any network.
    #[default]
    Layered,
    /// One dispatch per direction: plain, narrow perceptrons.
    Fused,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Path::Layered => "layered",
            Path::Fused => "fused",
        })
    }
}

/// Operations, tensors and parameter layout of a Q network.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Tensors and parameters; the last tensor holds the action values.
    pub layout: Layout,
    /// Operations in order.
    pub ops: Vec<Op>,
    /// Heads: columns of the last tensor.
    pub heads: Vec<Head>,
    /// How its passes are recorded; layered unless [`Network::fused`] is asked for.
    pub path: Path,
}

impl Network {
    /// Lays a network out, which [`NetworkSpec::check`] must have nothing against.
    pub fn new(spec: &NetworkSpec) -> Network {
        let mut offset = 0;
        let head = |actions: &u32| {
            offset += actions;
            Head { offset: offset - actions, actions: *actions }
        };
        let mut net = Network {
            layout: Layout::new(spec.input, spec.activation, spec.initialiser),
            ops: vec![],
            heads: spec.heads.iter().map(head).collect(),
            path: Path::Layered,
        };
        let outputs: u32 = spec.heads.iter().sum();
        if spec.action_input {
            net.ops.push(Op::AppendActions(AppendActions::new(&mut net.layout, outputs)));
        }
        for (i, convolution) in spec.convolutions.iter().enumerate() {
            let (name, layout) = (format!("conv{i}"), &mut net.layout);
            let activation = if spec.layer_norm { Activation::Identity } else { layout.applied() };
            net.ops.push(Op::Conv2d(Conv2d::new(layout, &name, *convolution, activation)));
            if spec.layer_norm {
                net.ops.push(Op::LayerNorm(LayerNorm::new(layout, &format!("conv_norm{i}"))));
            }
            net.silu();
        }
        for (i, width) in spec.hidden.iter().enumerate() {
            let name = format!("layer{i}");
            if spec.layer_norm {
                net.ops.push(Op::Dense(Dense::hidden(&mut net.layout, &name, *width, Activation::Identity)));
                net.ops.push(Op::LayerNorm(LayerNorm::new(&mut net.layout, &format!("norm{i}"))));
            } else {
                let applied = net.layout.applied();
                net.ops.push(Op::Dense(Dense::hidden(&mut net.layout, &name, *width, applied)));
            }
            net.silu();
        }
        match spec.head_hidden {
            None => {
                let (name, width) = (format!("layer{}", spec.hidden.len()), outputs / net.layout.repeats);
                net.ops.push(Op::Dense(Dense::outputs(&mut net.layout, &name, width)));
            }
            Some(width) => net.branches(spec, width),
        }
        net.layout.align();
        net
    }

    /// Heads with a hidden layer, `width` wide, of their own: per head A (and V), side by side; the V of all at the end.
    fn branches(&mut self, spec: &NetworkSpec, width: u32) {
        let layout = &mut self.layout;
        let one_value = spec.dueling && spec.one_value;
        let mut branches: Vec<(String, u32)> = spec
            .heads
            .iter()
            .enumerate()
            .flat_map(|(k, actions)| match spec.dueling {
                true if one_value => vec![(format!("head{k}.advantage"), *actions)],
                true => vec![(format!("head{k}.advantage"), *actions), (format!("head{k}.value"), 1)],
                false => vec![(format!("head{k}"), *actions)],
            })
            .collect();
        if one_value {
            branches.push(("value".into(), 1));
        }
        let count = branches.len() as u32;
        let applied = layout.applied();
        let side_by_side = Dense::hidden(layout, "head_hidden", width * count, applied);
        self.ops.push(Op::Dense(Dense { branches: count, ..side_by_side }));
        self.silu();
        let layout = &mut self.layout;
        let hidden = layout.last();
        let raw = layout.push(branches.iter().map(|(_, outputs)| outputs).sum(), Activation::Identity);
        let mut offset = 0;
        for (i, (name, outputs)) in (0..).zip(&branches) {
            let from = Slice { tensor: hidden, offset: i * width, width };
            let to = Slice { tensor: raw, offset, width: *outputs };
            self.ops.push(Op::Dense(Dense { output: true, ..Dense::between(layout, name, from, to) }));
            offset += outputs;
        }
        if spec.dueling {
            self.ops.extend(Dueling::all(layout, &self.heads, one_value).into_iter().map(Op::Dueling));
        }
    }

    /// Silu from the whole last tensor to a new one, where that is the activation.
    fn silu(&mut self) {
        if self.layout.activation == Activation::Silu {
            self.ops.push(Op::Silu(Silu::new(&mut self.layout)));
        }
    }

    /// Parameters drawn from `seed`.
    pub fn init(&self, seed: u64) -> Vec<f32> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut params = vec![0.0; self.params() as usize];
        for op in &self.ops {
            op.operation().init(&self.layout, &mut rng, &mut params);
        }
        params
    }

    /// Number of parameters of one network.
    pub fn params(&self) -> u32 {
        self.layout.params
    }

    /// Its parameters by name, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.layout.parameters
    }

    /// Its tensors: the observation first, the action values last.
    pub fn tensors(&self) -> &[Tensor] {
        &self.layout.tensors
    }

    /// Columns of the action values.
    pub fn outputs(&self) -> u32 {
        self.layout.tensors[self.layout.last()].width()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Init;
    use crate::nn::init::Block;

    #[test]
    fn a_plain_network_is_contiguous_and_counts_its_parameters() {
        let net = Network::new(&NetworkSpec::mlp(4, &[64, 32], 2, Activation::Relu));
        assert_eq!(net.params(), 5 * 64 + 65 * 32 + 33 * 2 + 2);
        let names: Vec<&str> = net.parameters().iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names[..3], ["layer0.weight", "layer0.bias", "layer1.weight"]);
        assert_eq!(net.parameters()[2].offset, 5 * 64);
        let init = net.init(1);
        assert_eq!(init.len(), net.params() as usize);
        assert!(
            init[..5 * 64].iter().all(|w| w.abs() <= 0.5) && init[..5 * 64].iter().any(|w| w.abs() > 0.4)
        );
        assert_eq!(init, net.init(1));
        assert_ne!(init, net.init(2));
    }

    #[test]
    fn a_network_that_sees_the_action_has_one_output_and_a_block_per_action() {
        let spec = NetworkSpec { action_input: true, ..NetworkSpec::mlp(4, &[8, 6], 3, Activation::Relu) };
        let net = Network::new(&spec);
        assert_eq!(net.params(), u32::next_multiple_of((4 + 3 + 1) * 8 + 9 * 6 + 7, 4));
        let widths: Vec<u32> = net.tensors().iter().map(Tensor::width).collect();
        assert_eq!(widths, [4, 3 * 7, 3 * 8, 3 * 6, 3]);
        assert_eq!((net.outputs(), net.layout.width(2), net.heads[0].actions), (3, 8, 3));
    }

    #[test]
    fn convolutions_have_the_shapes_and_the_bound_of_pytorch() {
        let grid = Shape::Grid { height: 84, width: 84, channels: 4 };
        let nature = NetworkSpec {
            convolutions: vec![
                Convolution::square(32, 8, 4),
                Convolution::square(64, 4, 2),
                Convolution::square(64, 3, 1),
            ],
            ..NetworkSpec::mlp(grid, &[512], 6, Activation::Relu)
        };
        assert_eq!(nature.check(), Ok(()));
        let net = Network::new(&nature);
        let widths: Vec<u32> = net.tensors().iter().map(Tensor::width).collect();
        assert_eq!(widths, [84 * 84 * 4, 20 * 20 * 32, 9 * 9 * 64, 7 * 7 * 64, 512, 6]);
        // Mnih et al. 2015 with 4 frames and 6 actions.
        let fours = |count: u32| count.next_multiple_of(4);
        assert_eq!(net.params(), 8_224 + 32_832 + 36_928 + 1_606_144 + fours(3_078));
        assert_eq!(net.parameters()[2].shape, [4, 4, 32, 64]);
        let params = net.init(5);
        let largest = |from: usize, count: usize| {
            params[from..from + count].iter().fold(0.0f32, |top, weight| top.max(weight.abs()))
        };
        for (parameter, fan_in) in [(0, 256.0f32), (2, 512.0), (4, 576.0)] {
            let (first, bound) = (net.parameters()[parameter].offset as usize, 1.0 / fan_in.sqrt());
            let top = largest(first, 8_000);
            assert!(top <= bound && top > 0.99 * bound, "{top}, {bound}");
        }
        let small =
            NetworkSpec { input: Shape::Grid { height: 36, width: 35, channels: 1 }, ..nature.clone() };
        assert_eq!(
            small.check().expect_err("too narrow"),
            "convolution 2 has windows of 3 x 3, and its input is 3 x 2 x 64"
        );
        assert!(NetworkSpec { input: 49.into(), ..nature.clone() }.check().is_err(), "a row has one cell");
        let seeing = NetworkSpec { action_input: true, ..nature }.check();
        assert!(seeing.expect_err("refused").contains("action"));
    }

    #[test]
    fn dueling_heads_are_slices_of_one_hidden_layer() {
        let spec = NetworkSpec {
            heads: vec![3, 2],
            head_hidden: Some(8),
            dueling: true,
            layer_norm: true,
            ..NetworkSpec::mlp(5, &[16], 0, Activation::Tanh)
        };
        let net = Network::new(&spec);
        assert_eq!(net.heads, [Head { offset: 0, actions: 3 }, Head { offset: 3, actions: 2 }]);
        assert_eq!(net.outputs(), 5);
        // Observation, pre-norm, hidden, head hidden (4 branches), A and V of both heads, q.
        let widths: Vec<u32> = net.tensors().iter().map(Tensor::width).collect();
        assert_eq!(widths, [5, 16, 16, 32, 7, 5]);
        // Every dense layer takes up whole fours.
        let heads: u32 = [3, 1, 2, 1].iter().map(|outputs: &u32| (9 * outputs).next_multiple_of(4)).sum();
        assert_eq!(net.params(), 6 * 16 + 2 * 16 + 17 * 32 + heads);
        let value = net.parameters().iter().find(|parameter| parameter.name == "head1.value.weight");
        assert_eq!(value.map(|parameter| parameter.shape.clone()), Some(vec![8, 1]));
    }

    #[test]
    fn heads_with_one_value_share_its_column() {
        let spec = NetworkSpec {
            heads: vec![3, 2, 4],
            head_hidden: Some(8),
            dueling: true,
            one_value: true,
            ..NetworkSpec::mlp(5, &[16], 0, Activation::Tanh)
        };
        let net = Network::new(&spec);
        // Observation, hidden, head hidden (4 branches), three As and V, q.
        let widths: Vec<u32> = net.tensors().iter().map(Tensor::width).collect();
        assert_eq!(widths, [5, 16, 32, 10, 9]);
        let dueling = net.ops.iter().filter_map(|op| match op {
            Op::Dueling(dueling) => Some((dueling.from_offset, dueling.value_offset, dueling.adds)),
            _ => None,
        });
        assert_eq!(dueling.collect::<Vec<_>>(), [(0, 9, true), (3, 9, true), (5, 9, false)]);
        let value = net.parameters().iter().find(|parameter| parameter.name == "value.weight");
        assert_eq!(value.map(|parameter| parameter.shape.clone()), Some(vec![8, 1]));
    }

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
        let dense = net.ops.iter().filter_map(|op| match op {
            Op::Dense(dense) => Some(dense.blocks()),
            _ => None,
        });
        dense.flatten().collect()
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
                        let got = vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum::<f64>();
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
