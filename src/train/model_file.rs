//! `model.safetensors`, `best.safetensors` and `agents.safetensors`: weights, readable by every safetensors reader, with the run in `__metadata__`.
//!
//! ```
//! use std::path::Path;
//!
//! use softq::config::Config;
//! use softq::train::event::{NamedTensor, Weights};
//! use softq::train::model_file::{Model, model_bytes, read_model};
//!
//! let bias = NamedTensor { name: "q0.layer0.bias".into(), shape: vec![2], values: vec![0.5, -0.5] };
//! let (config, tensors) = (Config::default(), vec![bias.clone()]);
//! let weights = Weights { agent: 0, config, env_steps: 1_000, greedy_mean: None, tensors };
//! let mut bytes = model_bytes(&weights)?;
//! let Model { tensors, metadata, checked } = read_model(Path::new("model.safetensors"), &bytes)?;
//! assert_eq!((&tensors["q0.layer0.bias"], metadata["env_steps"].as_str(), checked), (&bias, "1000", true));
//! // A file that was damaged is no model.
//! *bytes.last_mut().expect("some") ^= 1;
//! assert!(read_model(Path::new("model.safetensors"), &bytes).is_err());
//! # Ok::<(), softq::Error>(())
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::Dtype;

use crate::agents;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::train::event::{AllWeights, NamedTensor, Weights};
use crate::train::run_dir::{AGENTS_FILE, MODEL_FILE};
use crate::train::tensor_file::{self, Plain};

/// Bytes of the file. The same weights and run give the same bytes.
pub fn model_bytes(weights: &Weights) -> Result<Vec<u8>> {
    let Weights { config, tensors, .. } = weights;
    let mut metadata = metadata(MODEL_FILE, config, weights.env_steps)?;
    metadata.insert("agent", weights.agent.to_string());
    metadata.extend(weights.greedy_mean.map(|mean| ("eval_greedy_mean", mean.to_string())));
    tensor_bytes(MODEL_FILE, tensors, metadata)
}

/// Bytes of the file of all agents of a population.
///
/// ```
/// use std::path::Path;
///
/// use softq::config::Config;
/// use softq::train::event::{AllWeights, NamedTensor};
/// use softq::train::model_file::{agents_bytes, read_model};
///
/// // Two values of each of three agents.
/// let bias = NamedTensor { name: "q0.layer0.bias".into(), shape: vec![3, 2], values: vec![0.5; 6] };
/// let config = Config { agents: 3, ..Config::default() };
/// let bytes = agents_bytes(&AllWeights { config, env_steps: 1_000, tensors: vec![bias] })?;
/// assert_eq!(read_model(Path::new("agents.safetensors"), &bytes)?.metadata["agents"], "3");
/// # Ok::<(), softq::Error>(())
/// ```
pub fn agents_bytes(all: &AllWeights) -> Result<Vec<u8>> {
    let mut metadata = metadata(AGENTS_FILE, &all.config, all.env_steps)?;
    let agents = all.tensors.first().map_or(0, |tensor| tensor.shape[0]);
    metadata.insert("agents", agents.to_string());
    tensor_bytes(AGENTS_FILE, &all.tensors, metadata)
}

/// What both say of the run.
fn metadata(name: &str, config: &Config, env_steps: u64) -> Result<BTreeMap<&'static str, String>> {
    let settings = toml::to_string(config).map_err(|e| Error::file("write", name, e))?;
    Ok(BTreeMap::from([
        ("algo", config.algo.clone()),
        ("config", settings),
        ("env", config.env.clone()),
        ("env_steps", env_steps.to_string()),
        agents::described(config),
        (
            "layout",
            "dense weights [in, out]; convolutions [height, width, in, out] on grids [height, width, channels]".into(),
        ),
        ("seed", config.seed.to_string()),
        ("softq_version", env!("CARGO_PKG_VERSION").to_owned()),
    ]))
}

/// Bytes of a file called `name` of these tensors, with a digest of it all in its metadata.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::path::Path;
///
/// use softq::train::event::NamedTensor;
/// use softq::train::model_file::{read_model, tensor_bytes};
///
/// let scale = NamedTensor { name: "scale".into(), shape: vec![1], values: vec![2.0] };
/// let metadata = BTreeMap::from([("unit", "metres".to_owned())]);
/// let bytes = tensor_bytes("scales.safetensors", &[scale], metadata)?;
/// let read = read_model(Path::new("scales.safetensors"), &bytes)?;
/// assert_eq!((read.tensors["scale"].values[0], read.metadata["unit"].as_str()), (2.0, "metres"));
/// # Ok::<(), softq::Error>(())
/// ```
pub fn tensor_bytes(
    name: &str,
    tensors: &[NamedTensor],
    metadata: BTreeMap<&str, String>,
) -> Result<Vec<u8>> {
    let plain = |t: &NamedTensor| Plain {
        name: t.name.clone(),
        dtype: Dtype::F32,
        shape: t.shape.clone(),
        bytes: t.values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    tensor_file::bytes(name, &tensors.iter().map(plain).collect::<Vec<_>>(), metadata)
}

/// What a file holds: its tensors by name, and the run it came from.
#[derive(Debug, Default)]
pub struct Model {
    /// Tensors.
    pub tensors: BTreeMap<String, NamedTensor>,
    /// `__metadata__`; other programs need not write any.
    pub metadata: BTreeMap<String, String>,
    /// Whether the file says itself what its content must be, and it is.
    pub checked: bool,
}

/// Reads the bytes of a file; every tensor must be f32, and the content the one that the file itself states.
pub fn read_model(path: &Path, bytes: &[u8]) -> Result<Model> {
    let file = tensor_file::read(path, bytes)?;
    let mut model = Model { checked: file.checked, metadata: file.metadata, ..Model::default() };
    for Plain { name, dtype, shape, bytes } in file.tensors {
        if dtype != Dtype::F32 {
            let message = format!("tensor '{name}' holds {dtype:?}, and softq only f32");
            return Err(Error::file("read", path, message));
        }
        let values = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        model.tensors.insert(name.clone(), NamedTensor { name, shape, values });
    }
    Ok(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(tensors: Vec<NamedTensor>) -> Weights {
        let config = Config { seed: 7, ..Config::default() };
        Weights { agent: 0, config, env_steps: 1_234, greedy_mean: Some(0.5), tensors }
    }

    fn saved() -> Weights {
        weights(vec![
            NamedTensor {
                name: "q0.layer0.weight".into(),
                shape: vec![2, 3],
                values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.5],
            },
            NamedTensor { name: "log_alpha".into(), shape: vec![1], values: vec![-0.5] },
        ])
    }

    #[test]
    fn weights_and_metadata_come_back() {
        let (path, weights) = (Path::new("model.safetensors"), saved());
        let bytes = model_bytes(&weights).expect("bytes");
        assert_eq!(bytes, model_bytes(&weights).expect("same bytes again"));
        let model = read_model(path, &bytes).expect("read");
        let metadata = &model.metadata;
        assert_eq!(metadata["env"], "CartPole-v1");
        assert_eq!(metadata["seed"], "7");
        assert_eq!(metadata["env_steps"], "1234");
        assert_eq!(metadata["hidden"], "[64, 64]");
        assert_eq!(metadata["eval_greedy_mean"], "0.5");
        assert_eq!(toml::from_str::<Config>(&metadata["config"]).expect("settings"), weights.config);
        assert!(model.checked);
        for tensor in &weights.tensors {
            assert_eq!(&model.tensors[&tensor.name], tensor);
        }
        let error = read_model(path, &bytes[..bytes.len() - 4]).expect_err("cut off").to_string();
        assert!(error.contains("no whole safetensors file"), "{error}");
    }

    #[test]
    fn no_flipped_bit_goes_unnoticed() {
        let bytes = model_bytes(&saved()).expect("bytes");
        let right = read_model(Path::new("model.safetensors"), &bytes).expect("read");
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(model) = read_model(Path::new("model.safetensors"), &flipped) {
                // Padding is no content, and without its digest a file is taken for one of an older version.
                assert!(!model.checked || model.tensors == right.tensors, "bit {bit}");
            }
        }
    }

    #[test]
    fn a_shape_that_does_not_fit_its_values_is_an_error() {
        let wrong = weights(vec![NamedTensor { name: "q0".into(), shape: vec![4], values: vec![1.0] }]);
        assert_eq!(model_bytes(&wrong).expect_err("too short").exit_code(), 6);
    }
}
