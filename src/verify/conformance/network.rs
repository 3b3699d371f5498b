//! From the tensor names of a file to the engine's flat parameter layout and back.
//!
//! Linear layers are recognised by their names in order (`encoder.init`, `encoder.main.0`, `head.Q.1.0`; `0`, `2`, `4`;
//! `dense`, `dense_1`; `conv`, `fc1`, `fc_q`) and by shapes that fit together. A vector between matrices is a layer norm. Names with a piece `A`,
//! `V` or `pred` belong to branches: a dueling head has A and V, a multi-discrete network one `pred.{k}` per head, and each
//! branch is a hidden and an output layer.

mod gaussian;

use std::cmp::Ordering;

use crate::kernels::Activation;
use crate::nn::{Network as Layout, NetworkSpec, Op};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::report::{Outcome, malformed, unsupported};

/// How a framework stores a linear layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// `weight` `[out, in]` and `bias`.
    Torch,
    /// `kernel` `[in, out]` and `bias`.
    TensorFlow,
    /// `w` `[in, out]` and `b`.
    Haiku,
}

impl Framework {
    fn weight(self) -> &'static str {
        match self {
            Framework::Torch => "weight",
            Framework::TensorFlow => "kernel",
            Framework::Haiku => "w",
        }
    }

    fn bias(self) -> &'static str {
        match self {
            Framework::Torch | Framework::TensorFlow => "bias",
            Framework::Haiku => "b",
        }
    }
}

/// A network of a file.
#[derive(Clone, Debug)]
pub struct Network {
    /// Operations and flat layout.
    pub layout: Layout,
    framework: Framework,
    /// Every matrix or vector pair of the file, with its place in the layout.
    parts: Vec<Part>,
}

/// A layer of the file: `{name}.weight` and `{name}.bias`.
#[derive(Clone, Debug)]
struct Part {
    name: String,
    /// Inputs and outputs; no inputs for a layer norm.
    inputs: usize,
    outputs: usize,
    /// Where the weight's first element lies, and how far its rows `[inputs]` are apart.
    weight: usize,
    stride: usize,
    /// Where the bias lies.
    bias: usize,
}

/// Parameters of one layer as the file stores them.
pub struct Exported {
    /// Name without prefix, e.g. `encoder.init.weight`.
    pub name: String,
    /// Dimensions as in the file.
    pub shape: Vec<usize>,
    /// Values in the file's order.
    pub values: Vec<f32>,
}

impl Network {
    /// The network whose parameters are called `{prefix}{layer}.weight` and `{prefix}{layer}.bias`.
    pub fn read(case: &Case, prefix: &str, framework: Framework, activation: Activation) -> Outcome<Network> {
        let suffix = format!(".{}", framework.weight());
        let mut names: Vec<&str> = case
            .names()
            .filter_map(|name| name.strip_prefix(prefix).and_then(|name| name.strip_suffix(&suffix)))
            .collect();
        names.sort_by(|a, b| natural(a, b));
        if names.is_empty() {
            return malformed(format!("no network '{prefix}*{suffix}'"));
        }
        let mut trunk = Vec::new();
        let mut branches: Vec<(String, Vec<Linear>)> = Vec::new();
        for name in names {
            let linear = Linear::read(case, prefix, name, &suffix, framework)?;
            match branch_of(name) {
                None => trunk.push(linear),
                Some(branch) => match branches.iter_mut().find(|(known, _)| *known == branch) {
                    Some((_, layers)) => layers.push(linear),
                    None => branches.push((branch, vec![linear])),
                },
            }
        }
        let spec = spec_of(&trunk, &branches, activation)?;
        let layout = Layout::new(&spec);
        let parts = place(&layout, &trunk, &branches)?;
        Ok(Network { layout, framework, parts })
    }

    /// The same network as a q(s, a) that sees the action behind the observation, for an environment of `actions` actions.
    pub fn seeing_the_action(self, actions: usize) -> Outcome<Network> {
        let plain = self.inputs().checked_sub(actions).filter(|obs| *obs > 0 && self.outputs() == 1);
        let (Some(obs_size), Ok(actions)) = (plain, u32::try_from(actions)) else {
            return malformed(format!(
                "{} inputs, {} outputs for {actions} actions",
                self.inputs(),
                self.outputs()
            ));
        };
        let normed = self.layout.ops.iter().any(|op| matches!(op, Op::LayerNorm(_)));
        let widths = self.layout.ops.iter().filter_map(|op| match op {
            Op::Dense(dense) => Some(dense.to.width),
            _ => None,
        });
        let mut hidden: Vec<u32> = widths.collect();
        hidden.pop();
        let spec = NetworkSpec {
            layer_norm: normed,
            action_input: true,
            ..NetworkSpec::mlp(obs_size as u32, &hidden, actions, self.layout.layout.activation)
        };
        // The parameters are the same, and lie in the same places.
        Ok(Network { layout: Layout::new(&spec), ..self })
    }

    /// Inputs of the first layer.
    pub fn inputs(&self) -> usize {
        self.layout.tensors()[0].width() as usize
    }

    /// Outputs of all heads together.
    pub fn outputs(&self) -> usize {
        self.layout.outputs() as usize
    }

    /// Parameters of the network under `prefix`, in the engine's layout.
    pub fn import(&self, case: &Case, prefix: &str) -> Outcome<Vec<f32>> {
        let mut flat = vec![0.0; self.layout.params() as usize];
        for part in &self.parts {
            let weight = format!("{prefix}{}.{}", part.name, self.framework.weight());
            let values = case.f32_of(&weight, &part.shape(self.framework))?;
            for (index, at) in part.elements(self.framework).enumerate() {
                flat[at] = values[index];
            }
            let bias =
                case.f32_of(&format!("{prefix}{}.{}", part.name, self.framework.bias()), &[part.outputs])?;
            flat[part.bias..][..part.outputs].copy_from_slice(bias);
        }
        Ok(flat)
    }

    /// Parameters (or gradients, or moments) in the engine's layout, as the file stores them.
    pub fn export(&self, flat: &[f32]) -> Vec<Exported> {
        let mut exported = Vec::new();
        for part in &self.parts {
            exported.push(Exported {
                name: format!("{}.{}", part.name, self.framework.weight()),
                shape: part.shape(self.framework),
                values: part.elements(self.framework).map(|at| flat[at]).collect(),
            });
            exported.push(Exported {
                name: format!("{}.{}", part.name, self.framework.bias()),
                shape: vec![part.outputs],
                values: flat[part.bias..][..part.outputs].to_vec(),
            });
        }
        exported
    }
}

impl Part {
    /// Dimensions of the weight in the file.
    fn shape(&self, framework: Framework) -> Vec<usize> {
        match (self.inputs, framework) {
            (0, _) => vec![self.outputs],
            (inputs, Framework::Torch) => vec![self.outputs, inputs],
            (inputs, Framework::TensorFlow | Framework::Haiku) => vec![inputs, self.outputs],
        }
    }

    /// Places of the weight's elements in the flat layout, in the file's order.
    fn elements(&self, framework: Framework) -> impl Iterator<Item = usize> + '_ {
        let inputs = self.inputs.max(1);
        (0..inputs * self.outputs).map(move |index| {
            let (input, output) = match framework {
                Framework::Torch => (index % inputs, index / inputs),
                Framework::TensorFlow | Framework::Haiku => (index / self.outputs, index % self.outputs),
            };
            self.weight + input * self.stride + output
        })
    }
}

/// A layer of a file before it has a place.
struct Linear {
    name: String,
    /// 0 for a layer norm.
    inputs: u32,
    outputs: u32,
}

impl Linear {
    fn read(case: &Case, prefix: &str, layer: &str, suffix: &str, framework: Framework) -> Outcome<Linear> {
        let name = format!("{prefix}{layer}{suffix}");
        let size = |dim: usize| u32::try_from(dim).ok().filter(|dim| (1..=65_536).contains(dim));
        let dims: Option<Vec<u32>> = case.shape(&name)?.iter().map(|dim| size(*dim)).collect();
        let (inputs, outputs) = match (dims.as_deref(), framework) {
            (Some([width]), _) => (0, *width),
            (Some([outputs, inputs]), Framework::Torch)
            | (Some([inputs, outputs]), Framework::TensorFlow | Framework::Haiku) => (*inputs, *outputs),
            (Some(dims), _) => {
                return unsupported(format!("'{name}' has {} dimensions: no linear layer", dims.len()));
            }
            (None, _) => return malformed(format!("'{name}' has a dimension that is 0 or beyond 65,536")),
        };
        Ok(Linear { name: layer.to_owned(), inputs, outputs })
    }
}

/// The branch that a layer belongs to: its name up to the piece `A`, `V` or `Q` of a head that has several branches.
fn branch_of(name: &str) -> Option<String> {
    let pieces: Vec<&str> = name.split('.').collect();
    let several = pieces.iter().any(|piece| ["A", "V", "pred"].contains(piece));
    let at = pieces.iter().position(|piece| ["A", "V", "Q"].contains(piece)).filter(|_| several)?;
    Some(pieces[..=at].join("."))
}

/// The shape of the network, with every layer's inputs held against the outputs before it.
fn spec_of(
    trunk: &[Linear],
    branches: &[(String, Vec<Linear>)],
    activation: Activation,
) -> Outcome<NetworkSpec> {
    let mut width = None;
    let mut dims = Vec::new();
    for layer in trunk {
        if width
            .is_some_and(|width| width != layer.inputs.max(if layer.inputs == 0 { layer.outputs } else { 0 }))
        {
            return malformed(format!("layer '{}' does not fit the layer before it", layer.name));
        }
        width = Some(layer.outputs);
        if layer.inputs > 0 {
            dims.push(layer.outputs);
        }
    }
    let norms = trunk.len() - dims.len();
    let Some(first) = trunk.first().filter(|first| first.inputs > 0) else {
        return malformed("the network does not begin with a linear layer");
    };
    let mut spec = NetworkSpec::mlp(first.inputs, &[], 0, activation);
    spec.layer_norm = norms > 0;
    if branches.is_empty() {
        spec.heads = dims.split_off(dims.len() - 1);
        spec.hidden = dims;
    } else {
        spec.hidden = dims;
        spec.dueling = branches.iter().any(|(name, _)| name.ends_with(".V"));
        for (name, layers) in branches {
            let [hidden, output] = layers.as_slice() else {
                return unsupported(format!("branch '{name}' has {} layers; two are built in", layers.len()));
            };
            let head_hidden = *spec.head_hidden.get_or_insert(hidden.outputs);
            if Some(hidden.inputs) != width || hidden.outputs != head_hidden || output.inputs != head_hidden {
                return malformed(format!("the layers of branch '{name}' do not fit together"));
            }
            if name.ends_with(".V") {
                if output.outputs != 1 {
                    return malformed(format!("branch '{name}' has {} outputs, expected 1", output.outputs));
                }
            } else {
                spec.heads.push(output.outputs);
            }
        }
        spec.heads.remove(0);
        let values = branches.len() - spec.heads.len();
        if spec.dueling && values != spec.heads.len() {
            return malformed("not every head has one A and one V branch");
        }
    }
    if norms > 0 && (norms != spec.hidden.len() || !branches.is_empty()) {
        return unsupported(
            "layer normalisation is built in behind every shared hidden layer, and without branches",
        );
    }
    Ok(spec)
}

/// Gives every layer of the file its place in the layout.
fn place(layout: &Layout, trunk: &[Linear], branches: &[(String, Vec<Linear>)]) -> Outcome<Vec<Part>> {
    // Within a head the layout has A before V; names sort the same way.
    let hidden: Vec<&Linear> = branches.iter().filter_map(|(_, layers)| layers.first()).collect();
    let outputs: Vec<&Linear> = branches.iter().filter_map(|(_, layers)| layers.get(1)).collect();
    let mut rest = trunk.iter().chain(outputs);
    let mut parts = Vec::new();
    let mut trunk_left = trunk.len();
    for op in &layout.ops {
        let (inputs, width, offset) = match op {
            Op::Dense(op) => (op.from.width as usize, op.to.width as usize, op.weight_offset),
            Op::LayerNorm(op) => (0, layout.layout.width(op.from) as usize, op.weight_offset),
            Op::AppendActions(_) | Op::Conv2d(_) | Op::Silu(_) | Op::Dueling(_) => continue,
        };
        let weight = offset as usize;
        let bias = weight + inputs.max(1) * width;
        if trunk_left == 0 && parts.len() == trunk.len() && !hidden.is_empty() {
            // All branches' hidden layers side by side.
            let mut column = 0;
            for layer in &hidden {
                let outputs = layer.outputs as usize;
                parts.push(Part {
                    name: layer.name.clone(),
                    inputs,
                    outputs,
                    weight: weight + column,
                    stride: width,
                    bias: bias + column,
                });
                column += outputs;
            }
            continue;
        }
        let Some(layer) = rest.next() else { return malformed("the file has fewer layers than its network") };
        trunk_left = trunk_left.saturating_sub(1);
        parts.push(Part { name: layer.name.clone(), inputs, outputs: width, weight, stride: width, bias });
    }
    Ok(parts)
}

/// The activation of hidden layers by its name.
pub fn activation(name: &str) -> Outcome<Activation> {
    match name {
        "relu" => Ok(Activation::Relu),
        "tanh" => Ok(Activation::Tanh),
        "silu" | "swish" => Ok(Activation::Silu),
        "identity" | "linear" => Ok(Activation::Identity),
        other => unsupported(format!("activation '{other}' is not built in")),
    }
}

/// Order of names in which runs of digits count as numbers: `main.2` before `main.10`, `dense` before `dense_1`. `fc_q` and
/// `fc_logits` are outputs and come last.
pub fn natural(a: &str, b: &str) -> Ordering {
    let outputs = |name: &str| name.ends_with("_q") || name.ends_with("_logits");
    let pieces = |name: &str| -> Vec<(u64, String)> {
        name.split(['.', '_']).map(|piece| (piece.parse().unwrap_or(0), piece.to_owned())).collect()
    };
    outputs(a).cmp(&outputs(b)).then_with(|| pieces(a).cmp(&pieces(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_ordered_by_number() {
        let mut names = ["head.Q.1.0", "encoder.main.10", "encoder.main.2", "head.Q.0.0", "encoder.init"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["encoder.init", "encoder.main.2", "encoder.main.10", "head.Q.0.0", "head.Q.1.0"]);
        let mut names = ["dense_10", "dense_2", "dense"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["dense", "dense_2", "dense_10"]);
        let mut names = ["fc_logits", "conv", "fc1"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["conv", "fc1", "fc_logits"]);
    }

    #[test]
    fn branches_are_recognised_by_name() {
        assert_eq!(branch_of("head.A.0.0").as_deref(), Some("head.A"));
        assert_eq!(branch_of("head.pred.1.V.1.0").as_deref(), Some("head.pred.1.V"));
        assert_eq!(branch_of("head.pred.0.Q.0.0").as_deref(), Some("head.pred.0.Q"));
        assert_eq!(branch_of("head.Q.0.0"), None);
        assert_eq!(branch_of("encoder.main.0"), None);
    }

    #[test]
    fn torch_matrices_are_transposed_into_their_slice() {
        let part = Part { name: "a".into(), inputs: 2, outputs: 3, weight: 10, stride: 6, bias: 0 };
        // File order [out, in]: (0,0) (0,1) (1,0) ...
        let torch: Vec<usize> = part.elements(Framework::Torch).collect();
        assert_eq!(torch, [10, 16, 11, 17, 12, 18]);
        let tensorflow: Vec<usize> = part.elements(Framework::TensorFlow).collect();
        assert_eq!(tensorflow, [10, 11, 12, 16, 17, 18]);
    }
}
