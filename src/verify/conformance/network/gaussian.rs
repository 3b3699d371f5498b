//! A policy network with a layer of means and one of log-deviations behind the same hidden layers: `fc1`, `fc2`, `fc_mean`,
//! `fc_logstd`. In the engine's layout the two are one layer, side by side.

use super::{Framework, Linear, Network, Part, natural};
use crate::kernels::Activation;
use crate::nn::{Network as Layout, NetworkSpec, Op};
use crate::verify::conformance::case::Case;
use crate::verify::conformance::report::{Outcome, malformed};

impl Network {
    /// The policy network whose parameters are called `{prefix}{layer}.weight` and `{prefix}{layer}.bias`.
    pub fn read_gaussian(case: &Case, prefix: &str, activation: Activation) -> Outcome<Network> {
        let framework = Framework::Torch;
        let suffix = format!(".{}", framework.weight());
        let mut names: Vec<&str> = case
            .names()
            .filter_map(|name| name.strip_prefix(prefix).and_then(|name| name.strip_suffix(&suffix)))
            .filter(|name| !name.ends_with("_mean") && !name.ends_with("_logstd"))
            .collect();
        names.sort_by(|a, b| natural(a, b));
        let read = |name: &str| Linear::read(case, prefix, name, &suffix, framework);
        let hidden: Vec<Linear> = names.into_iter().map(read).collect::<Outcome<_>>()?;
        let outputs = [read("fc_mean")?, read("fc_logstd")?];
        let Some(first) = hidden.first() else { return malformed(format!("'{prefix}' has no hidden layer")) };
        let ends = hidden.iter().map(|layer| layer.outputs).collect::<Vec<u32>>();
        let follows = hidden.iter().skip(1).zip(&ends).all(|(layer, width)| layer.inputs == *width);
        let last = ends[ends.len() - 1];
        let alike = outputs.iter().all(|layer| layer.inputs == last && layer.outputs == outputs[0].outputs);
        if !follows || !alike {
            return malformed(format!("the layers of '{prefix}' do not fit together"));
        }
        let layout = Layout::new(&NetworkSpec::mlp(first.inputs, &ends, 2 * outputs[0].outputs, activation));
        let mut parts = Vec::new();
        let dense = layout.ops.iter().filter_map(|op| match op {
            Op::Dense(dense) => Some(dense),
            _ => None,
        });
        for (index, dense) in dense.enumerate() {
            let (inputs, stride) = (dense.from.width as usize, dense.to.width as usize);
            let weight = dense.weight_offset as usize;
            let mut column = 0;
            for layer in hidden.get(index).map_or(&outputs[..], std::slice::from_ref) {
                let outputs = layer.outputs as usize;
                let bias = weight + inputs * stride + column;
                let weight = weight + column;
                parts.push(Part { name: layer.name.clone(), inputs, outputs, weight, stride, bias });
                column += outputs;
            }
        }
        Ok(Network { layout, framework, parts })
    }
}
