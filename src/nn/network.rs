//! A Q network as a short list of operations over named tensors, and its flat parameter layout.
//!
//! `obs -> dense (layer norm) activation ... -> heads`. A head is a block of action values; several heads make a
//! multi-discrete network. Heads may have a hidden layer of their own, and may be dueling (A and V apart). The hidden
//! layers of all heads are one dense layer side by side, and their last layers work on slices of it.

use std::fmt;

use crate::kernels::Activation;
use crate::nn::init::Initialiser;

/// What to build.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSpec {
    /// Length of an observation.
    pub obs_size: u32,
    /// Widths of the shared hidden layers.
    pub hidden: Vec<u32>,
    /// Activation of hidden layers.
    pub activation: Activation,
    /// Layer normalisation between each shared hidden layer and its activation.
    pub layer_norm: bool,
    /// Actions of each head.
    pub heads: Vec<u32>,
    /// Width of a hidden layer in every head (for dueling: in A and in V each).
    pub head_hidden: Option<u32>,
    /// `q = A - mean(A) + V` in every head; needs `head_hidden`.
    pub dueling: bool,
    /// The network is a q(s, a) of one output that sees the action one-hot behind the observation, and is evaluated for every
    /// action (coax's type 1); for one head without a hidden layer of its own.
    pub action_input: bool,
    /// Initial weights.
    pub initialiser: Initialiser,
}

impl NetworkSpec {
    /// A plain perceptron with one head.
    pub fn mlp(obs_size: u32, hidden: &[u32], actions: u32, activation: Activation) -> NetworkSpec {
        NetworkSpec {
            obs_size,
            hidden: hidden.to_vec(),
            activation,
            layer_norm: false,
            heads: vec![actions],
            head_hidden: None,
            dueling: false,
            action_input: false,
            initialiser: Initialiser::default(),
        }
    }
}

/// A tensor of the network, `width` columns per row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Columns.
    pub width: u32,
    /// Activation that has been applied to it.
    pub activation: Activation,
}

/// Columns of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Which tensor.
    pub tensor: usize,
    /// First column.
    pub offset: u32,
    /// Columns.
    pub width: u32,
}

/// One head's block of action values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// First column in the last tensor.
    pub offset: u32,
    /// Actions.
    pub actions: u32,
}

/// One operation. Offsets into the parameters of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// `to(a) = (from, e_a)` for every action: `repeats` blocks of columns side by side, which all later operations treat as
    /// rows of their own.
    AppendActions {
        /// Input tensor.
        from: usize,
        /// Output tensor.
        to: usize,
    },
    /// `to = act(from W + b)`: W `[from.width, to.width]`, then b.
    Dense {
        /// Input columns.
        from: Slice,
        /// Output columns.
        to: Slice,
        /// First weight.
        weight_offset: u32,
    },
    /// `to = act(layer_norm(from))`: gamma, then beta.
    LayerNorm {
        /// Input tensor.
        from: usize,
        /// Output tensor.
        to: usize,
        /// First scale.
        weight_offset: u32,
    },
    /// `to = silu(from)`: its derivative needs its input, so both are kept.
    Silu {
        /// Input tensor.
        from: usize,
        /// Output tensor.
        to: usize,
    },
    /// `to = A - mean(A) + V` for one head: A and V lie side by side in `from`.
    Dueling {
        /// Input tensor.
        from: usize,
        /// Column of A(0).
        from_offset: u32,
        /// Output tensor.
        to: usize,
        /// The head.
        head: Head,
    },
}

/// A named block of the flat parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Name, e.g. `layer0.weight`.
    pub name: String,
    /// Dimensions; weights are `[in, out]`.
    pub shape: Vec<u32>,
    /// First element.
    pub offset: u32,
}

/// How a network's operations become dispatches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// One dispatch per operation: any network.
    #[default]
    Layered,
    /// One dispatch per direction: networks that [`Network::fused`] accepts.
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
    /// Tensors; the first is the observation, the last holds the action values.
    pub tensors: Vec<Tensor>,
    /// Operations in order.
    pub ops: Vec<Op>,
    /// Heads: columns of the last tensor.
    pub heads: Vec<Head>,
    /// Blocks of columns in every tensor but the first, one per action of a network that sees the action; else 1.
    pub repeats: u32,
    /// Parameters of one network.
    pub params: u32,
    /// Their names, in order.
    pub parameters: Vec<Parameter>,
    /// Activation of hidden layers.
    pub activation: Activation,
    /// Initial weights.
    pub initialiser: Initialiser,
    /// How its passes are recorded; layered unless [`Network::fused`] is asked for.
    pub path: Path,
}

impl Network {
    /// Lays a network out.
    pub fn new(spec: &NetworkSpec) -> Network {
        let input = Tensor { width: spec.obs_size, activation: Activation::Identity };
        let mut net = Network {
            tensors: vec![input],
            ops: vec![],
            heads: vec![],
            repeats: 1,
            params: 0,
            parameters: vec![],
            activation: spec.activation,
            initialiser: spec.initialiser,
            path: Path::Layered,
        };
        let total: u32 = spec.heads.iter().sum();
        if spec.action_input {
            net.repeats = total;
            net.tensors.push(Tensor { width: total * (spec.obs_size + total), ..net.tensors[0].clone() });
            net.ops.push(Op::AppendActions { from: 0, to: 1 });
        }
        for (i, width) in spec.hidden.iter().enumerate() {
            let name = format!("layer{i}");
            if spec.layer_norm {
                net.dense_all(&name, *width, Activation::Identity);
                net.layer_norm(&format!("norm{i}"));
            } else {
                net.dense_all(&name, *width, net.applied());
            }
            net.silu();
        }
        let mut offset = 0;
        for actions in &spec.heads {
            net.heads.push(Head { offset, actions: *actions });
            offset += actions;
        }
        match spec.head_hidden {
            None => {
                net.dense_all(
                    &format!("layer{}", spec.hidden.len()),
                    total / net.repeats,
                    Activation::Identity,
                );
            }
            Some(width) => {
                // Branches side by side: per head A (and V), each with a hidden layer of its own.
                let branches: Vec<(String, u32)> = spec
                    .heads
                    .iter()
                    .enumerate()
                    .flat_map(|(k, actions)| match spec.dueling {
                        true => vec![(format!("head{k}.advantage"), *actions), (format!("head{k}.value"), 1)],
                        false => vec![(format!("head{k}"), *actions)],
                    })
                    .collect();
                net.dense_all("head_hidden", width * branches.len() as u32, net.applied());
                net.silu();
                let hidden = net.tensors.len() - 1;
                let outputs = branches.iter().map(|(_, outputs)| outputs).sum();
                net.tensors.push(Tensor { width: outputs, activation: Activation::Identity });
                let mut offset = 0;
                for (i, (name, outputs)) in branches.iter().enumerate() {
                    let from = Slice { tensor: hidden, offset: i as u32 * width, width };
                    let to = Slice { tensor: hidden + 1, offset, width: *outputs };
                    net.dense(name, from, to);
                    offset += outputs;
                }
                if spec.dueling {
                    net.tensors.push(Tensor { width: total, activation: Activation::Identity });
                    let mut from_offset = 0;
                    for head in net.heads.clone() {
                        net.ops.push(Op::Dueling { from: hidden + 1, from_offset, to: hidden + 2, head });
                        from_offset += head.actions + 1;
                    }
                }
            }
        }
        net.align();
        net
    }

    /// Dense layers start, and networks end, at multiples of 4 words, so that kernels can load four weights at a time.
    /// What lies between belongs to no layer: its gradient is 0, and it stays 0.
    fn align(&mut self) {
        self.params = self.params.next_multiple_of(4);
    }

    /// A dense layer from the whole last tensor to a new one.
    fn dense_all(&mut self, name: &str, width: u32, activation: Activation) {
        let from = self.tensors.len() - 1;
        let from = Slice { tensor: from, offset: 0, width: self.width(from) };
        self.tensors.push(Tensor { width: width * self.repeats, activation });
        self.dense(name, from, Slice { tensor: self.tensors.len() - 1, offset: 0, width });
    }

    fn dense(&mut self, name: &str, from: Slice, to: Slice) {
        self.align();
        self.ops.push(Op::Dense { from, to, weight_offset: self.params });
        self.parameter(format!("{name}.weight"), vec![from.width, to.width]);
        self.parameter(format!("{name}.bias"), vec![to.width]);
    }

    /// The activation that a layer applies itself; silu follows as an operation.
    fn applied(&self) -> Activation {
        if self.activation == Activation::Silu { Activation::Identity } else { self.activation }
    }

    /// Silu from the whole last tensor to a new one, where that is the activation.
    fn silu(&mut self) {
        if self.activation == Activation::Silu {
            let from = self.tensors.len() - 1;
            self.tensors.push(self.tensors[from].clone());
            self.ops.push(Op::Silu { from, to: from + 1 });
        }
    }

    fn layer_norm(&mut self, name: &str) {
        let from = self.tensors.len() - 1;
        let width = self.width(from);
        self.tensors.push(Tensor { width: width * self.repeats, activation: self.applied() });
        self.ops.push(Op::LayerNorm { from, to: from + 1, weight_offset: self.params });
        self.parameter(format!("{name}.scale"), vec![width]);
        self.parameter(format!("{name}.shift"), vec![width]);
    }

    fn parameter(&mut self, name: String, shape: Vec<u32>) {
        let count: u32 = shape.iter().product();
        self.parameters.push(Parameter { name, shape, offset: self.params });
        self.params += count;
    }

    /// Blocks of columns in a tensor.
    pub fn repeats_of(&self, tensor: usize) -> u32 {
        if tensor == 0 { 1 } else { self.repeats }
    }

    /// Columns of one block of a tensor.
    pub fn width(&self, tensor: usize) -> u32 {
        self.tensors[tensor].width / self.repeats_of(tensor)
    }

    /// Columns of the action values.
    pub fn outputs(&self) -> u32 {
        self.tensors[self.tensors.len() - 1].width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_network_is_contiguous_and_counts_its_parameters() {
        let net = Network::new(&NetworkSpec::mlp(4, &[64, 32], 2, Activation::Relu));
        assert_eq!(net.params, 5 * 64 + 65 * 32 + 33 * 2 + 2);
        let names: Vec<&str> = net.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names[..3], ["layer0.weight", "layer0.bias", "layer1.weight"]);
        assert_eq!(net.parameters[2].offset, 5 * 64);
        let init = net.init(1);
        assert_eq!(init.len(), net.params as usize);
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
        assert_eq!(net.params, u32::next_multiple_of((4 + 3 + 1) * 8 + 9 * 6 + 7, 4));
        let widths: Vec<u32> = net.tensors.iter().map(|tensor| tensor.width).collect();
        assert_eq!(widths, [4, 3 * 7, 3 * 8, 3 * 6, 3]);
        assert_eq!((net.outputs(), net.width(2), net.heads[0].actions), (3, 8, 3));
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
        let widths: Vec<u32> = net.tensors.iter().map(|tensor| tensor.width).collect();
        assert_eq!(widths, [5, 16, 16, 32, 7, 5]);
        // Every dense layer takes up whole fours.
        let heads: u32 = [3, 1, 2, 1].iter().map(|outputs: &u32| (9 * outputs).next_multiple_of(4)).sum();
        assert_eq!(net.params, 6 * 16 + 2 * 16 + 17 * 32 + heads);
        let value = net.parameters.iter().find(|parameter| parameter.name == "head1.value.weight");
        assert_eq!(value.map(|parameter| parameter.shape.clone()), Some(vec![8, 1]));
    }
}
