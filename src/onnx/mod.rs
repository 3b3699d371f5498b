//! Agents as ONNX files, for whoever runs them without softq: the network that acts, with the rescaling of observations in front
//! of it and the action behind it. Whatever is exported is run before it is handed out, and compared with the engine.
//!
//! The messages are declared by hand (`proto`), since a network needs ten of ONNX's. The check runs the file's bytes in an evaluator
//! of the twenty operators that exports use (`evaluate`, in f64), which shares nothing with what built the file but those
//! declarations; `scripts/check_onnx.py` runs the same files in onnxruntime.
//!
//! ```
//! use softq::config::Config;
//! use softq::onnx::{BOUND, Exported, OBSERVATIONS, Parity, Port, export, samples};
//! use softq::train::run_dir::RunDir;
//! use softq::train::saved_run::{SavedRun, Which};
//! use softq::train::sinks::train_in;
//! use softq::train::trainer::Trainer;
//!
//! let path = std::env::temp_dir().join(format!("softq_onnx_{}", std::process::id()));
//! let config = Config { env: "catch".into(), device: "cpu".into(), total_timesteps: 2_000, ..Config::default() };
//! train_in(&mut Trainer::new(&config)?, RunDir::create(&path)?, &Default::default(), &mut |_| Ok(()))?;
//! let run = SavedRun::load(&path, Which::Last)?;
//! // The file is run before it is handed out: an error, if it differs from the engine.
//! let Exported { bytes, inputs, outputs, parity } = export(&run)?;
//! let Parity { observations, largest_difference } = parity;
//! assert!(!bytes.is_empty() && observations == OBSERVATIONS && largest_difference <= BOUND);
//! let written = |port: &Port| format!("{} [{}]", port.name, port.shape.join(", "));
//! assert_eq!(written(&inputs[0]), "observation [batch, 10, 5, 1]");
//! assert_eq!(outputs.iter().map(written).collect::<Vec<_>>(), ["q_values [batch, 3]", "action [batch]"]);
//! // What another runtime can be given, and what it should say.
//! let tensors = samples(&run)?;
//! assert_eq!(tensors[0].shape, [OBSERVATIONS as usize, 10, 5, 1]);
//! assert_eq!((tensors[1].name.as_str(), &tensors[1].shape[1..]), ("q_values", &[3][..]));
//! # std::fs::remove_dir_all(&path).expect("its own");
//! # Ok::<(), softq::Error>(())
//! ```

mod agent;
mod array;
mod evaluate;
mod graph;
mod network;
mod parity;
mod proto;

use prost::Message;

use crate::error::Result;
use crate::train::event::NamedTensor;
use crate::train::saved_run::SavedRun;

pub use parity::{BOUND, OBSERVATIONS, Parity};

/// An agent's file, and how it compares with the engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// Names and dimensions of its inputs; `batch` is free.
    pub inputs: Vec<Port>,
    /// The same of its outputs.
    pub outputs: Vec<Port>,
    /// What the comparison with the engine found.
    pub parity: Parity,
}

/// An input or output.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its dimensions, `batch` first.
    pub shape: Vec<String>,
    /// What it is.
    pub about: String,
}

/// The agent of a run as an ONNX file, compared with the engine on [`OBSERVATIONS`] observations.
pub fn export(run: &SavedRun) -> Result<Exported> {
    let acting = agent::Acting::of(run)?;
    let model = agent::model(run, &acting);
    let bytes = model.encode_to_vec();
    let parity = parity::compare(run, &acting, &bytes)?;
    let graph = model.graph.unwrap_or_default();
    let ports = |infos: Vec<proto::ValueInfoProto>| infos.into_iter().map(port).collect();
    Ok(Exported { bytes, inputs: ports(graph.input), outputs: ports(graph.output), parity })
}

/// The inputs of that comparison, `[observations, ...]`, and the engine's answers, by the names of the file's inputs and outputs:
/// for whoever wants to compare another runtime. Actions by number stand as f32.
pub fn samples(run: &SavedRun) -> Result<Vec<NamedTensor>> {
    parity::samples(run, &agent::Acting::of(run)?)
}

fn port(info: proto::ValueInfoProto) -> Port {
    let shape = info.r#type.and_then(|of| of.tensor_type).and_then(|of| of.shape).unwrap_or_default();
    let size = |dim: proto::Dimension| match dim.value {
        Some(proto::Size::DimValue(size)) => size.to_string(),
        Some(proto::Size::DimParam(name)) => name,
        None => "?".into(),
    };
    Port { name: info.name, shape: shape.dim.into_iter().map(size).collect(), about: info.doc_string }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::agents;
    use crate::config::Config;
    use crate::train::saved_run::Which;
    use crate::{Error, envs};

    /// A run of these settings with drawn weights, as if it had been trained and saved.
    fn saved(settings: &str) -> SavedRun {
        let config: Config = toml::from_str(&settings.replace("; ", "\n")).expect(settings);
        let values = config.env_values().expect("parameters");
        let env = envs::open(&config.env, &values).expect("environment");
        let config = Config { env: env.id.clone(), ..config };
        let groups = agents::plan(&config, env).expect(settings).groups;
        let mut rng = StdRng::seed_from_u64(3);
        let mut drawn = |count: usize| (0..count).map(|_| rng.random_range(-0.5f32..0.5)).collect();
        let weights = groups.iter().map(|group| drawn(group.words())).collect();
        SavedRun {
            path: PathBuf::new(),
            which: Which::Last,
            config,
            env,
            reference: None,
            groups,
            weights,
            log_alphas: vec![-1.0],
            env_steps: Some(5),
            warnings: vec![],
        }
    }

    fn names(ports: &[Port]) -> Vec<String> {
        ports.iter().map(|port| format!("{} {}", port.name, port.shape.join(","))).collect()
    }

    #[test]
    fn every_kind_of_network_computes_what_the_engine_does() {
        let small = "hidden = [9, 8]; eval_episodes = 2; num_envs = 2; batch_size = 4";
        let kinds: &[(&str, &[&str])] = &[
            ("env = 'cartpole'", &["q_values batch,2", "action batch"]),
            (
                "env = 'cartpole'; activation = 'tanh'; layer_norm = true",
                &["q_values batch,2", "action batch"],
            ),
            ("env = 'cartpole'; activation = 'silu'; dueling = true", &["q_values batch,2", "action batch"]),
            (
                "env = 'acrobot'; action_input = true; layer_norm = true",
                &["q_values batch,3", "action batch"],
            ),
            ("env = 'cartpole'; algo = 'sac_discrete'", &["logits batch,2", "action batch"]),
            (
                "env = 'mountain_car'; env_param = ['rescale_observations=true']",
                &["q_values batch,3", "action batch"],
            ),
            ("env = 'catch'; network = 'minatar'; dueling = true", &["q_values batch,3", "action batch"]),
            (
                "env = 'catch'; network = 'minatar'; layer_norm = true; activation = 'silu'",
                &["q_values batch,3", "action batch"],
            ),
            ("env = 'tray'; dueling = true", &["q_values batch,6", "action batch,2"]),
            ("env = 'tray'; action_heads = 'branching'", &["q_values batch,6", "action batch,2"]),
            (
                "env = 'pendulum'; algo = 'sac'; target_entropy = '-1dim(A)'",
                &["action batch,1", "mean batch,1", "log_std batch,1"],
            ),
            (
                "env = 'reacher'; algo = 'sac'; target_entropy = '-1dim(A)'; log_std = 'clamped'; activation = 'tanh'",
                &["action batch,2", "mean batch,2", "log_std batch,2"],
            ),
            ("env = 'multi_goal'; algo = 'soft_q_svgd'; temperature = 'fixed'", &["action batch,2"]),
        ];
        for (settings, outputs) in kinds {
            let exported = export(&saved(&format!("{settings}; {small}"))).expect(settings);
            assert_eq!(names(&exported.outputs), *outputs, "{settings}");
            assert!(exported.parity.largest_difference < 2e-6, "{settings}: {:?}", exported.parity);
            let noisy = settings.contains("svgd");
            assert_eq!(exported.inputs.len(), 1 + usize::from(noisy), "{settings}");
        }
        let exported = export(&saved(&format!("env = 'catch'; {small}"))).expect("a grid");
        assert_eq!(names(&exported.inputs), ["observation batch,10,5,1"]);
    }

    #[test]
    fn a_file_that_computes_something_else_is_refused() {
        let run = saved("env = 'cartpole'; hidden = [8]; eval_episodes = 2");
        let acting = agent::Acting::of(&run).expect("acts alone");
        let model = agent::model(&run, &acting);
        let refused = |model: &proto::ModelProto| {
            let error = parity::compare(&run, &acting, &model.encode_to_vec()).expect_err("refused");
            assert_eq!(error.exit_code(), 1);
            error.to_string()
        };
        let changed = |change: &dyn Fn(&mut proto::GraphProto)| {
            let mut model = model.clone();
            change(model.graph.as_mut().expect("graph"));
            refused(&model)
        };
        let text =
            changed(&|graph| graph.initializer[0].raw_data[..4].copy_from_slice(&0.7f32.to_le_bytes()));
        assert!(text.contains("over 1024 observations they differ by up to"), "{text}");
        let text = changed(&|graph| graph.node[2].op_type = "Tanh".into());
        assert!(text.contains("differ by up to"), "{text}");
        let text = changed(&|graph| graph.node[2].op_type = "Gelu".into());
        assert!(text.contains("(Gelu): this operator is not one"), "{text}");
        let text = changed(&|graph| graph.initializer[0].dims[0] = 3);
        assert!(text.contains("does not hold the 24 numbers"), "{text}");
        let text = changed(&|graph| graph.output[1].name = "choice".into());
        assert!(text.contains("an output is never computed"), "{text}");
        let cut = parity::compare(&run, &acting, &model.encode_to_vec()[..100]).expect_err("cut");
        assert!(cut.to_string().contains("it is no ONNX file"), "{cut}");
        // NaN is no difference of 0.
        let text =
            changed(&|graph| graph.initializer[0].raw_data[..4].copy_from_slice(&f32::NAN.to_le_bytes()));
        assert!(text.contains("up to NaN"), "{text}");
    }

    #[test]
    fn samples_are_the_inputs_and_answers_of_the_comparison() {
        let samples = samples(&saved("env = 'tray'; hidden = [8]; eval_episodes = 2")).expect("samples");
        let shapes: Vec<(&str, &[usize])> =
            samples.iter().map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice())).collect();
        let observation: &[usize] =
            &[1_024, envs::open("tray", &Default::default()).expect("built in").obs_size as usize];
        assert_eq!(
            shapes,
            [("observation", observation), ("q_values", &[1_024, 6]), ("action", &[1_024, 2])]
        );
        assert!(samples.iter().all(|tensor| tensor.values.len() == tensor.shape.iter().product::<usize>()));
        assert!(samples[2].values.iter().all(|action| [0.0, 1.0, 2.0].contains(action)));
    }

    #[test]
    fn an_agent_relative_to_a_policy_is_refused() {
        use crate::agents::reference::Reference;
        let mut run = saved("env = 'cartpole'; hidden = [8]; eval_episodes = 2");
        run.reference = Some(Reference {
            config: run.config.clone(),
            net: run.groups[0].net.clone(),
            weights: vec![],
            temperature: 1.0,
        });
        run.config.reference = "runs/other".into();
        let error = export(&run).expect_err("refused");
        assert!(matches!(error, Error::Invalid { .. }));
        let text = error.to_string();
        assert!(text.contains("reference = runs/other") && text.contains("Q + alpha ln pi_bar"), "{text}");
    }
}
