//! From the tensor names of a file to the engine's flat parameter layout and back.
//!
//! Linear layers are recognised by their names in order (`encoder.init`, `encoder.main.0`, `head.Q.1.0`; `0`, `2`, `4`;
//! `dense`, `dense_1`) and by shapes that fit together. Networks with other parts join here: give them a layout in
//! `crate::nn`, build it in [`Network::read`], and remove their line from [`foreign_part`].

use std::cmp::Ordering;

use crate::kernels::Activation;
use crate::nn::Mlp;
use crate::verify::conformance::case::Case;
use crate::verify::conformance::report::{Outcome, malformed, unsupported};

/// How a framework stores a linear layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// `weight` `[out, in]` and `bias`.
    Torch,
    /// `kernel` `[in, out]` and `bias`.
    TensorFlow,
}

impl Framework {
    fn weight(self) -> &'static str {
        match self {
            Framework::Torch => "weight",
            Framework::TensorFlow => "kernel",
        }
    }
}

/// A perceptron of a file.
#[derive(Clone, Debug)]
pub struct Network {
    /// Shapes and flat layout.
    pub mlp: Mlp,
    framework: Framework,
    /// Name of each layer, without prefix and without `.weight`.
    layers: Vec<String>,
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
        let parts: Vec<&str> = case.names().filter_map(|name| name.strip_prefix(prefix)).collect();
        if let Some(reason) = parts.iter().find_map(|part| foreign_part(part)) {
            return unsupported(reason);
        }
        let mut layers: Vec<&str> = parts.iter().filter_map(|part| part.strip_suffix(&suffix)).collect();
        layers.sort_by(|a, b| natural(a, b));
        if layers.is_empty() {
            return malformed(format!("no network '{prefix}*{suffix}'"));
        }
        let mut dims: Vec<u32> = Vec::new();
        for layer in &layers {
            let name = format!("{prefix}{layer}{suffix}");
            let shape = case.shape(&name)?;
            let [rows, columns] = match shape {
                [rows, columns] => [*rows, *columns].map(|dim| u32::try_from(dim).unwrap_or(u32::MAX)),
                [_] => {
                    return unsupported(format!(
                        "'{name}' is no matrix: layer normalisation is not built in"
                    ));
                }
                _ => {
                    return unsupported(format!(
                        "'{name}' has {} dimensions: only linear layers are built in",
                        shape.len()
                    ));
                }
            };
            let [inputs, outputs] = match framework {
                Framework::Torch => [columns, rows],
                Framework::TensorFlow => [rows, columns],
            };
            match dims.last() {
                Some(previous) if *previous != inputs => {
                    return malformed(format!(
                        "layer '{prefix}{layer}' takes {inputs} values after {previous}"
                    ));
                }
                Some(_) => {}
                None => dims.push(inputs),
            }
            dims.push(outputs);
        }
        let last = dims.len() - 1;
        let mlp = Mlp::new(dims[0], &dims[1..last], dims[last], activation);
        Ok(Network { mlp, framework, layers: layers.into_iter().map(str::to_owned).collect() })
    }

    /// Inputs of the first layer.
    pub fn inputs(&self) -> usize {
        self.mlp.layers.first().map_or(0, |layer| layer.in_dim as usize)
    }

    /// Outputs of the last layer.
    pub fn outputs(&self) -> usize {
        self.mlp.layers.last().map_or(0, |layer| layer.out_dim as usize)
    }

    /// Parameters of the network under `prefix`, in the engine's layout.
    pub fn import(&self, case: &Case, prefix: &str) -> Outcome<Vec<f32>> {
        let mut flat = Vec::with_capacity(self.mlp.params as usize);
        for (layer, name) in self.mlp.layers.iter().zip(&self.layers) {
            let [inputs, outputs] = [layer.in_dim, layer.out_dim].map(|dim| dim as usize);
            let weight = format!("{prefix}{name}.{}", self.framework.weight());
            match self.framework {
                Framework::Torch => {
                    flat.extend(transposed(case.f32_of(&weight, &[outputs, inputs])?, outputs, inputs));
                }
                Framework::TensorFlow => flat.extend_from_slice(case.f32_of(&weight, &[inputs, outputs])?),
            }
            flat.extend_from_slice(case.f32_of(&format!("{prefix}{name}.bias"), &[outputs])?);
        }
        Ok(flat)
    }

    /// Parameters (or gradients, or moments) in the engine's layout, as the file stores them.
    pub fn export(&self, flat: &[f32]) -> Vec<Exported> {
        let mut parts = Vec::new();
        for (layer, name) in self.mlp.layers.iter().zip(&self.layers) {
            let [inputs, outputs] = [layer.in_dim, layer.out_dim].map(|dim| dim as usize);
            let (weights, bias) =
                flat[layer.weight_offset as usize..][..(inputs + 1) * outputs].split_at(inputs * outputs);
            let (shape, values) = match self.framework {
                Framework::Torch => (vec![outputs, inputs], transposed(weights, inputs, outputs)),
                Framework::TensorFlow => (vec![inputs, outputs], weights.to_vec()),
            };
            parts.push(Exported { name: format!("{name}.{}", self.framework.weight()), shape, values });
            parts.push(Exported {
                name: format!("{name}.bias"),
                shape: vec![outputs],
                values: bias.to_vec(),
            });
        }
        parts
    }
}

/// Parameter names of architectures that the engine does not have, with the reason for the report.
fn foreign_part(name: &str) -> Option<String> {
    let has = |part: &str| name.split('.').any(|piece| piece == part);
    if has("pred") {
        Some("multi-discrete heads are not built in".into())
    } else if has("V") || has("A") {
        Some("dueling heads are not built in".into())
    } else {
        None
    }
}

/// The activation of hidden layers by its name.
pub fn activation(name: &str) -> Outcome<Activation> {
    match name {
        "relu" => Ok(Activation::Relu),
        "tanh" => Ok(Activation::Tanh),
        "identity" | "linear" => Ok(Activation::Identity),
        other => unsupported(format!("activation '{other}' is not built in")),
    }
}

/// A row-major `[rows, columns]` matrix as `[columns, rows]`.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..rows * columns).map(|i| values[(i % rows) * columns + i / rows]).collect()
}

/// Order of names in which runs of digits count as numbers: `main.2` before `main.10`, `dense` before `dense_1`.
fn natural(a: &str, b: &str) -> Ordering {
    let pieces = |name: &str| -> Vec<(u64, String)> {
        name.split(['.', '_']).map(|piece| (piece.parse().unwrap_or(0), piece.to_owned())).collect()
    };
    pieces(a).cmp(&pieces(b))
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
    }

    #[test]
    fn transposing_twice_changes_nothing() {
        let matrix: Vec<f32> = (0..6).map(|i| i as f32).collect();
        assert_eq!(transposed(&matrix, 2, 3), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(transposed(&transposed(&matrix, 2, 3), 3, 2), matrix);
    }

    #[test]
    fn foreign_architectures_are_named() {
        assert!(foreign_part("head.V.0.0.weight").expect("dueling").contains("dueling"));
        assert!(foreign_part("head.pred.0.Q.0.0.weight").expect("branches").contains("multi-discrete"));
        assert_eq!(foreign_part("head.Q.0.0.weight"), None);
    }
}
