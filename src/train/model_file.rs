//! `model.safetensors` and `best.safetensors`: weights, readable by every safetensors reader, with the run in `__metadata__`.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::agents;
use crate::error::{Error, Result};
use crate::train::checksums::sha256;
use crate::train::event::{NamedTensor, Weights};
use crate::train::run_dir::MODEL_FILE;

/// The key of the metadata that holds the SHA-256 of everything else in the file.
const DIGEST: &str = "sha256";

/// Bytes of the file. The same weights and run give the same bytes: the crate keeps metadata in a hash map whose order
/// changes from process to process, so the metadata is put into the header here, sorted.
pub fn model_bytes(weights: &Weights) -> Result<Vec<u8>> {
    let Weights { config, tensors, .. } = weights;
    let settings = toml::to_string(config).map_err(|e| Error::file("write", MODEL_FILE, e))?;
    let mut metadata = BTreeMap::from([
        ("agent", weights.agent.to_string()),
        ("algo", config.algo.clone()),
        ("config", settings),
        ("env", config.env.clone()),
        ("env_steps", weights.env_steps.to_string()),
        agents::described(config),
        (
            "layout",
            "dense weights [in, out]; convolutions [height, width, in, out] on grids [height, width, channels]".into(),
        ),
        ("seed", config.seed.to_string()),
        ("softq_version", env!("CARGO_PKG_VERSION").to_owned()),
    ]);
    metadata.extend(weights.greedy_mean.map(|mean| ("eval_greedy_mean", mean.to_string())));
    tensor_bytes(MODEL_FILE, tensors, metadata)
}

/// Bytes of a file called `name` of these tensors, with a digest of it all in its metadata.
pub fn tensor_bytes(
    name: &str,
    tensors: &[NamedTensor],
    metadata: BTreeMap<&str, String>,
) -> Result<Vec<u8>> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|t| t.values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let failed = |e: &dyn std::fmt::Display| Error::file("write", name, e);
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|(t, b)| Ok((t.name.as_str(), TensorView::new(Dtype::F32, t.shape.clone(), b)?)))
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|e| failed(&e))?;
    let plain = safetensors::serialize(views, None).map_err(|e| failed(&e))?;
    with_metadata(&plain, &metadata).map_err(|e| failed(&e))
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
    let failed = |e: &dyn std::fmt::Display| Error::file("read", path, e);
    let no_model = |e: &dyn std::fmt::Display| failed(&format!("it is no whole safetensors file: {e}"));
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| no_model(&e))?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| no_model(&e))?;
    let (mut entries, data) = parts(bytes).map_err(|e| no_model(&e))?;
    let mut model = Model::default();
    if let Some(stated) = take_digest(&mut entries) {
        if stated != digest(&entries, data).map_err(|e| no_model(&e))? {
            let message =
                "its content is not what it was when it was saved (SHA-256): it was damaged or altered";
            return Err(failed(&message));
        }
        model.checked = true;
    }
    model.metadata.extend(header.metadata().clone().unwrap_or_default());
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(failed(&format!("tensor '{name}' holds {:?}, and softq only f32", view.dtype())));
        }
        let values = view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let tensor = NamedTensor { name: name.clone(), shape: view.shape().to_vec(), values };
        model.tensors.insert(name, tensor);
    }
    Ok(model)
}

type Header = BTreeMap<String, serde_json::Value>;
type Failure = Box<dyn std::error::Error>;

/// Format: header length as u64 little endian, JSON header padded with spaces to a multiple of 8, data.
fn parts(bytes: &[u8]) -> std::result::Result<(Header, &[u8]), Failure> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or("no header")?;
    let (header, data) =
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length))?).ok_or("short header")?;
    Ok((serde_json::from_slice(header)?, data))
}

/// SHA-256 of the header, sorted and without the digest itself, and the data.
fn digest(entries: &Header, data: &[u8]) -> std::result::Result<String, Failure> {
    Ok(sha256(&[serde_json::to_string(entries)?.as_bytes(), data]))
}

fn take_digest(entries: &mut Header) -> Option<String> {
    let digest = entries.get_mut("__metadata__")?.as_object_mut()?.remove(DIGEST)?;
    Some(digest.as_str().unwrap_or_default().to_owned())
}

fn with_metadata(plain: &[u8], metadata: &BTreeMap<&str, String>) -> std::result::Result<Vec<u8>, Failure> {
    let (mut entries, data) = parts(plain)?;
    entries.insert("__metadata__".into(), serde_json::to_value(metadata)?);
    let stated = digest(&entries, data)?;
    let mut metadata = metadata.clone();
    metadata.insert(DIGEST, stated);
    entries.insert("__metadata__".into(), serde_json::to_value(metadata)?);
    let mut header = serde_json::to_string(&entries)?;
    while header.len() % 8 != 0 {
        header.push(' ');
    }
    Ok([&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

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
