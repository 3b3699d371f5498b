//! `model.safetensors`: the final weights, readable by every safetensors reader, with the run in `__metadata__`.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, TensorView};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::train::event::NamedTensor;

/// Bytes of the file. The same weights and run give the same bytes: the crate keeps metadata in a hash map whose order
/// changes from process to process, so the metadata is put into the header here, sorted.
pub fn model_bytes(weights: &[NamedTensor], config: &Config, env_steps: u64) -> Result<Vec<u8>> {
    let bytes: Vec<Vec<u8>> =
        weights.iter().map(|t| t.values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let failed = |e: &dyn std::fmt::Display| Error::file("write", "model.safetensors", e);
    let views = weights
        .iter()
        .zip(&bytes)
        .map(|(t, b)| Ok((t.name.as_str(), TensorView::new(Dtype::F32, t.shape.clone(), b)?)))
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|e| failed(&e))?;
    let plain = safetensors::serialize(views, None).map_err(|e| failed(&e))?;
    let metadata = BTreeMap::from([
        ("algo", config.algo.clone()),
        ("env", config.env.clone()),
        ("env_steps", env_steps.to_string()),
        ("hidden", format!("{:?}", config.hidden)),
        ("seed", config.seed.to_string()),
        ("softq_version", env!("CARGO_PKG_VERSION").to_owned()),
    ]);
    with_metadata(&plain, &metadata).map_err(|e| failed(&e))
}

/// Format: header length as u64 little endian, JSON header padded with spaces to a multiple of 8, data.
fn with_metadata(
    plain: &[u8],
    metadata: &BTreeMap<&str, String>,
) -> std::result::Result<Vec<u8>, Box<dyn std::error::Error>> {
    let (length, rest) = plain.split_first_chunk::<8>().ok_or("no header")?;
    let (header, data) =
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length))?).ok_or("short header")?;
    let mut entries: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header)?;
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
    use safetensors::SafeTensors;

    #[test]
    fn weights_and_metadata_come_back() {
        let weights = [
            NamedTensor {
                name: "q0.layer0.weight".into(),
                shape: vec![2, 3],
                values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.5],
            },
            NamedTensor { name: "log_alpha".into(), shape: vec![1], values: vec![-0.5] },
        ];
        let config = Config { seed: 7, ..Config::default() };
        let bytes = model_bytes(&weights, &config, 1_234).expect("bytes");
        assert_eq!(bytes, model_bytes(&weights, &config, 1_234).expect("same bytes again"));
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("header");
        let metadata = header.metadata().as_ref().expect("metadata");
        assert_eq!(metadata["env"], "CartPole-v1");
        assert_eq!(metadata["seed"], "7");
        assert_eq!(metadata["env_steps"], "1234");
        assert_eq!(metadata["hidden"], "[64, 64]");
        let file = SafeTensors::deserialize(&bytes).expect("file");
        for tensor in &weights {
            let view = file.tensor(&tensor.name).expect("tensor");
            assert_eq!(view.shape(), tensor.shape);
            let values: Vec<f32> =
                view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            assert_eq!(values, tensor.values);
        }
    }

    #[test]
    fn a_shape_that_does_not_fit_its_values_is_an_error() {
        let wrong = [NamedTensor { name: "q0".into(), shape: vec![4], values: vec![1.0] }];
        assert_eq!(model_bytes(&wrong, &Config::default(), 0).expect_err("too short").exit_code(), 6);
    }
}
