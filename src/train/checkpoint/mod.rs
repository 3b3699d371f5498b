//! A checkpoint: everything that a run needs to go on to the same bits. The whole memory of its executor (networks, targets,
//! moments of Adam, temperatures, transitions with their priorities, environments, counters, from which every random number
//! follows), its course on the host, and where each of its files stands.
//!
//! It is a safetensors file with a digest of itself. Every buffer is a tensor of 32-bit words under its name; long ones, the
//! ring of transitions above all, are LZ4 frames (`replay.lz4`, bytes). Files of the run that later ones replace are tensors of
//! bytes under their names. What belongs to the host is JSON in the metadata.

pub mod store;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use safetensors::tensor::Dtype;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::train::course::Course;
use crate::train::tensor_file::{self, Plain};

/// What the metadata calls such a file, and the version of its layout.
const FORMAT: (&str, &str) = ("format", "softq checkpoint 2");
/// Behind the name of a buffer that is compressed.
const COMPRESSED: &str = ".lz4";
/// Buffers of more words than this are compressed.
const LONG: usize = 1 << 16;

/// Contents of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Name of the buffer.
    pub name: String,
    /// All of its words.
    pub words: Vec<u32>,
}

/// A moment of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Where the run stands on the host.
    pub course: Course,
    /// Every buffer of the executor.
    pub memory: Vec<Memory>,
    /// What each file of the run needs to go on, by its name.
    pub sinks: BTreeMap<String, Value>,
    /// Files of the run as they were, by their names: those that what comes after may replace.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Checkpoint {
    /// Bytes of the file called `name`.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        let failed = |e: &dyn std::fmt::Display| Error::file("write", name, e);
        let course = serde_json::to_string(&self.course).map_err(|e| failed(&e))?;
        let sinks = serde_json::to_string(&self.sinks).map_err(|e| failed(&e))?;
        // JSON has no NaN. Statistics that hold one are those of a run that is lost; the checkpoint before is of more use.
        let back: Course = serde_json::from_str(&course).map_err(|e| failed(&e))?;
        if back != self.course {
            return Err(failed(&"its statistics hold numbers that are not finite"));
        }
        let mut tensors =
            self.memory.iter().map(tensor).collect::<std::io::Result<Vec<_>>>().map_err(|e| failed(&e))?;
        tensors.extend(self.files.iter().map(|(name, bytes)| Plain {
            name: name.clone(),
            dtype: Dtype::U8,
            shape: vec![bytes.len()],
            bytes: Cow::Borrowed(bytes),
        }));
        let metadata = BTreeMap::from([
            (FORMAT.0, FORMAT.1.to_owned()),
            ("course", course),
            ("env_steps", self.course.env_steps.to_string()),
            ("sinks", sinks),
            ("softq_version", env!("CARGO_PKG_VERSION").to_owned()),
        ]);
        tensor_file::bytes(name, &tensors, metadata)
    }

    /// Reads the bytes of the file at `path`; errors name it and say what is wrong with it.
    pub fn read(path: &Path, bytes: &[u8]) -> Result<Checkpoint> {
        let failed = |message: String| Error::file("read", path, message);
        let file = tensor_file::read(path, bytes)?;
        match file.metadata.get(FORMAT.0) {
            Some(format) if *format == FORMAT.1 && file.checked => {}
            Some(format) if file.checked => {
                let message = format!("it is a '{format}', and this version of softq reads '{}'", FORMAT.1);
                return Err(failed(message));
            }
            _ => return Err(failed("it is no checkpoint of softq, or was damaged".into())),
        }
        fn json<T: DeserializeOwned>(
            metadata: &BTreeMap<String, String>,
            key: &str,
        ) -> std::result::Result<T, String> {
            let text = metadata.get(key).ok_or_else(|| format!("it has no {key}"))?;
            serde_json::from_str(text).map_err(|e| format!("its {key} is unreadable: {e}"))
        }
        let (files, tensors): (Vec<_>, Vec<_>) = file.tensors.iter().partition(|tensor| is_file(tensor));
        Ok(Checkpoint {
            course: json(&file.metadata, "course").map_err(failed)?,
            memory: tensors.into_iter().map(memory).collect::<std::result::Result<_, _>>().map_err(failed)?,
            files: files.into_iter().map(|file| (file.name.clone(), file.bytes.to_vec())).collect(),
            sinks: json(&file.metadata, "sinks").map_err(failed)?,
        })
    }
}

/// Whether a tensor is a file of the run: bytes that are no compressed buffer.
fn is_file(tensor: &Plain<'_>) -> bool {
    tensor.dtype == Dtype::U8 && !tensor.name.ends_with(COMPRESSED)
}

fn tensor(memory: &Memory) -> std::io::Result<Plain<'_>> {
    let Memory { name, words } = memory;
    let bytes: &[u8] = bytemuck::cast_slice(words);
    let plain = |dtype, name: String, shape, bytes| Plain { name, dtype, shape, bytes };
    if words.len() <= LONG {
        return Ok(plain(Dtype::U32, name.clone(), vec![words.len()], Cow::Borrowed(bytes)));
    }
    let mut encoder = FrameEncoder::new(Vec::new());
    encoder.write_all(bytes)?;
    let packed = encoder.finish().map_err(std::io::Error::other)?;
    Ok(plain(Dtype::U8, format!("{name}{COMPRESSED}"), vec![packed.len()], Cow::Owned(packed)))
}

fn memory(tensor: &Plain) -> std::result::Result<Memory, String> {
    let Plain { name, dtype, bytes, .. } = tensor;
    let (name, bytes) = match name.strip_suffix(COMPRESSED) {
        None if *dtype == Dtype::U32 => (name.as_str(), Cow::Borrowed(bytes.as_ref())),
        None => return Err(format!("its tensor '{name}' holds {dtype:?} instead of 32-bit words")),
        Some(name) => {
            let mut plain = Vec::new();
            let unpacked = FrameDecoder::new(bytes.as_ref()).read_to_end(&mut plain);
            unpacked.map_err(|e| format!("its tensor '{name}' cannot be unpacked: {e}"))?;
            (name, Cow::Owned(plain))
        }
    };
    let (words, rest) = bytes.as_chunks::<4>();
    match rest {
        [] => Ok(Memory { name: name.into(), words: words.iter().map(|b| u32::from_le_bytes(*b)).collect() }),
        _ => Err(format!("its tensor '{name}' ends within a word")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::shared::agent::Agent;

    fn small() -> Checkpoint {
        let memory = |name: &str, words: Vec<u32>| Memory { name: name.into(), words };
        Checkpoint {
            course: Course::new(&Config::default(), &[Agent::default(); 2]),
            memory: vec![memory("agents", vec![1, 2, 3]), memory("weights", (0..40).collect())],
            sinks: BTreeMap::from([("progress.csv".into(), serde_json::json!({ "length": 7 }))]),
            files: BTreeMap::from([("best.safetensors".into(), b"weights".to_vec())]),
        }
    }

    fn sorted(mut checkpoint: Checkpoint) -> Checkpoint {
        checkpoint.memory.sort_by(|a, b| a.name.cmp(&b.name));
        checkpoint
    }

    #[test]
    fn a_checkpoint_comes_back_and_long_buffers_are_packed() {
        let path = Path::new("step_1.safetensors");
        let mut checkpoint = small();
        let long: Vec<u32> =
            (0..LONG as u32 + 1).map(|i| if i < 900 { i.wrapping_mul(2654435761) } else { 0 }).collect();
        checkpoint.memory.push(Memory { name: "replay".into(), words: long });
        let bytes = checkpoint.bytes("step_1.safetensors").expect("bytes");
        assert!(bytes.len() < 20_000, "{} bytes", bytes.len());
        assert_eq!(sorted(Checkpoint::read(path, &bytes).expect("read")), sorted(checkpoint));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let path = Path::new("step_1.safetensors");
        let bytes = small().bytes("step_1.safetensors").expect("bytes");
        let refused = |bytes: &[u8], what: &dyn Fn() -> String| {
            let error = Checkpoint::read(path, bytes).err().unwrap_or_else(|| panic!("{}", what()));
            assert!(error.exit_code() == 6 && error.to_string().contains("step_1.safetensors"), "{error}");
        };
        for length in 0..bytes.len() {
            refused(&bytes[..length], &|| format!("cut to {length} bytes"));
        }
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refused(&flipped, &|| format!("bit {bit}"));
        }
    }

    #[test]
    fn statistics_without_meaning_are_not_kept() {
        let mut checkpoint = small();
        checkpoint.course.wall_s = f64::NAN;
        let error = checkpoint.bytes("step_1.safetensors").expect_err("refused");
        assert_eq!(error.exit_code(), 6);
    }
}
