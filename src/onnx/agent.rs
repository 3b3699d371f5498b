//! The model of an agent: its acting network between an observation as the environment's file makes it and an action.
//!
//! | actions | outputs |
//! |---|---|
//! | choices | `q_values` or `logits` `[batch, choices of all heads]`; `action` `[batch]` or `[batch, heads]`, the largest of each head |
//! | real numbers, a Gaussian policy | `action` `[batch, dims]`, that of the mean; `mean` and `log_std` of the Gaussian in front of tanh |
//! | real numbers, a sampling network | `action` `[batch, dims]` for `noise` `[batch, dims]`, standard normal numbers |

use crate::agents::{self, continuous};
use crate::config::ValueTransform;
use crate::engine::env::{ActionSpace, Env};
use crate::error::{Error, Result};
use crate::nn::{GroupSpec, Head};
use crate::onnx::graph::Graph;
use crate::onnx::network::lower;
use crate::onnx::proto::{
    AttributeProto, IR_VERSION, ModelProto, OPSET, OperatorSetIdProto, StringStringEntryProto,
};
use crate::shared::math::exp_f32;
use crate::shared::shape::Shape;
use crate::shared::tanh_gaussian::LogStd;
use crate::train::saved_run::SavedRun;

/// The acting network of a run.
pub struct Acting<'a> {
    /// Its group.
    pub group: &'a GroupSpec,
    /// Which group of the run's weights.
    pub index: usize,
    /// Its place in the group.
    pub net: u32,
    /// Whether it turns noise behind the observation into actions.
    pub noisy: bool,
    /// What its outputs are, where actions are choices.
    pub values: &'static str,
    /// Where the deviation of a Gaussian lies.
    pub log_std: LogStd,
}

impl Acting<'_> {
    /// The network that acts, unless it does not act alone.
    pub fn of(run: &SavedRun) -> Result<Acting<'_>> {
        if run.reference.is_some() {
            return Err(Error::invalid(
                "reference",
                &run.config.reference,
                "uniform for an export",
                "This agent acts by its values and a reference policy together (Q + alpha ln pi_bar), and a file of its network \
                 alone would act otherwise. `softq eval` and `softq record` let it act as it is.",
            ));
        }
        let actor = agents::find(&run.config.algo)?.actor;
        Ok(Acting {
            group: &run.groups[actor.group],
            index: actor.group,
            net: actor.net,
            noisy: actor.noisy,
            values: if actor.policy { "logits" } else { "q_values" },
            log_std: continuous::log_std(&run.config),
        })
    }

    /// Its weights `[params]`.
    pub fn weights<'w>(&self, run: &'w SavedRun) -> &'w [f32] {
        let params = self.group.net.params() as usize;
        &run.weights[self.index][self.net as usize * params..][..params]
    }
}

/// The dimensions of an observation.
pub fn observation_dims(env: &Env) -> Vec<u32> {
    match env.obs_shape {
        Shape::Flat(size) => vec![size],
        Shape::Grid { height, width, channels } => vec![height, width, channels],
    }
}

/// The model of `run`.
pub fn model(run: &SavedRun, acting: &Acting<'_>) -> ModelProto {
    let env = run.env;
    let mut graph = Graph::default();
    let dims = observation_dims(env);
    let about = format!("an observation of {}, as its environment makes it", env.id);
    let seen = graph.input("observation", &dims, &about);
    let seen = rescaled(&mut graph, env, &dims, seen);
    let input = if acting.noisy {
        let words = env.actions.words() as u32;
        let noise =
            graph.input("noise", &[words], "standard normal numbers; zeros for the same action every time");
        graph.side_by_side(&[&seen, &noise])
    } else {
        seen
    };
    let prefix = format!("{}{}.", acting.group.name, acting.net);
    let outputs = lower(&mut graph, &acting.group.net, acting.weights(run), prefix, input);
    match &env.actions {
        ActionSpace::Box { low, high } => {
            real_action(&mut graph, acting, (low, high), &env.actions.scales(), &outputs);
        }
        _ => choice(&mut graph, acting.values, &acting.group.net.heads, &outputs),
    }
    ModelProto {
        ir_version: IR_VERSION,
        producer_name: "softq".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: format!(
            "An agent trained in {} with {} ({})",
            env.id,
            run.config.algo,
            run.which.label()
        ),
        graph: Some(graph.finish(&format!("{} {}", run.config.algo, env.id))),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        metadata_props: metadata(run),
    }
}

/// `(x - middle) * factor`, where observations are rescaled from their bounds.
fn rescaled(graph: &mut Graph, env: &Env, dims: &[u32], seen: String) -> String {
    if env.obs_rescaled.is_empty() {
        return seen;
    }
    let [middle, factor] = [0, 1].map(|i| env.obs_rescaled.iter().map(|map| map[i]).collect::<Vec<f32>>());
    let middle = graph.floats("observation.middle", dims, &middle);
    let factor = graph.floats("observation.factor", dims, &factor);
    let centred = graph.node("Sub", &[&seen, &middle], vec![]);
    graph.node("Mul", &[&centred, &factor], vec![])
}

/// Values and the largest of each head.
fn choice(graph: &mut Graph, values: &str, heads: &[Head], outputs: &str) {
    let widths: u32 = heads.iter().map(|head| head.actions).sum();
    let largest = |keepdims| vec![AttributeProto::int("axis", -1), AttributeProto::int("keepdims", keepdims)];
    let (action, dims) = match heads {
        [_] => (graph.node("ArgMax", &[outputs], largest(0)), vec![]),
        _ => {
            let chosen: Vec<String> = heads
                .iter()
                .map(|head| {
                    let own = graph.columns(outputs, head.offset, head.actions);
                    graph.node("ArgMax", &[&own], largest(1))
                })
                .collect();
            let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
            (graph.side_by_side(&chosen), vec![heads.len() as u32])
        }
    };
    let about = match heads {
        [_] => "one for each action".to_owned(),
        _ => {
            let sizes: Vec<String> = heads.iter().map(|head| head.actions.to_string()).collect();
            format!("those of all heads side by side: {}", sizes.join(" + "))
        }
    };
    graph.output(outputs, values, &[widths], &about);
    graph.output_whole(&action, "action", &dims, "the action of the largest value, of equals the first");
}

/// `tanh(u)` brought to the bounds of the environment, and the Gaussian of `u` where there is one.
fn real_action(
    graph: &mut Graph,
    acting: &Acting<'_>,
    (low, high): (&[f32], &[f32]),
    scales: &[[f32; 2]],
    outputs: &str,
) {
    let dims = low.len() as u32;
    let gaussian = !acting.noisy;
    let mean = if gaussian { graph.columns(outputs, 0, dims) } else { outputs.to_owned() };
    let vector = |graph: &mut Graph, name: &str, values: &[f32]| {
        graph.floats(&format!("action.{name}"), &[values.len() as u32], values)
    };
    let column = |i: usize| scales.iter().map(|scale| scale[i]).collect::<Vec<f32>>();
    let (scale, bias) = (vector(graph, "scale", &column(0)), vector(graph, "bias", &column(1)));
    let (low, high) = (vector(graph, "low", low), vector(graph, "high", high));
    let squashed = graph.node("Tanh", &[&mean], vec![]);
    let scaled = graph.node("Mul", &[&squashed, &scale], vec![]);
    let moved = graph.node("Add", &[&scaled, &bias], vec![]);
    let above = graph.node("Max", &[&moved, &low], vec![]);
    let action = graph.node("Min", &[&above, &high], vec![]);
    if !gaussian {
        return graph.output(&action, "action", &[dims], "the action of this noise");
    }
    let raw = graph.columns(outputs, dims, dims);
    let LogStd { low, high, squashed } = acting.log_std;
    let log_std = if squashed == 1 {
        let (half, one) = (0.5 * (high - low), [1.0]);
        let (half, one) = (vector(graph, "half_range", &[half]), vector(graph, "one", &one));
        let lowest = vector(graph, "log_std_min", &[low]);
        let tanh = graph.node("Tanh", &[&raw], vec![]);
        let above = graph.node("Add", &[&tanh, &one], vec![]);
        let above = graph.node("Mul", &[&above, &half], vec![]);
        graph.node("Add", &[&above, &lowest], vec![])
    } else {
        let (low, high) = (vector(graph, "log_std_min", &[low]), vector(graph, "log_std_max", &[high]));
        let above = graph.node("Max", &[&raw, &low], vec![]);
        graph.node("Min", &[&above, &high], vec![])
    };
    graph.output(&action, "action", &[dims], "the action of the mean");
    graph.output(&mean, "mean", &[dims], "the mean of the Gaussian in front of tanh");
    graph.output(&log_std, "log_std", &[dims], "the logarithm of its standard deviation");
}

/// What a reader may want to know of the agent.
fn metadata(run: &SavedRun) -> Vec<StringStringEntryProto> {
    let alphas: Vec<String> = run.log_alphas.iter().map(|log| exp_f32(*log).to_string()).collect();
    let mut lines = vec![
        ("softq_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("env", run.config.env.clone()),
        ("algo", run.config.algo.clone()),
        ("action_space", run.env.actions.to_string()),
        ("alpha", alphas.join(",")),
        ("weights", run.which.label()),
    ];
    lines.extend(run.env_steps.map(|steps| ("env_steps", steps.to_string())));
    if run.config.value_transform != ValueTransform::None {
        lines.push(("value_transform", run.config.value_transform.word().to_owned()));
    }
    let entry = |(key, value): (&str, String)| StringStringEntryProto { key: key.into(), value };
    lines.into_iter().map(entry).collect()
}
