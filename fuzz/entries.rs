//! What the fuzz targets feed, and `tests/fuzz_corpora.rs` with the files that are kept: each entry takes any bytes or text, and
//! answers whether they were taken; a refusal is an error of its own status. Neither may panic, hang, or take memory at will.

// Each target has one entry.
#![allow(dead_code)]

use std::path::Path;

use softq::engine::cpu::CpuExecutor;
use softq::envs::{Values, from_source};
use softq::train::checkpoint::Checkpoint;
use softq::train::layers::{Layers, SettingsFile, resolve};
use softq::train::model_file::read_model;
use softq::verify::conformance;
use softq::verify::conformance::report::Verdict;

fn taken<T>(result: softq::Result<T>, status: u8) -> bool {
    let refused = result.err();
    assert!(refused.as_ref().is_none_or(|error| error.exit_code() == status), "{refused:?}");
    refused.is_none()
}

/// Any text as a `--config` file: settings, or an error that names the file.
pub fn settings(text: &str) -> bool {
    let file = Some(SettingsFile { path: "settings.toml".into(), text: text.to_owned() });
    taken(resolve(&Layers { file, ..Layers::default() }), 2)
}

/// Any text as an environment file: a world, or an error that names the file.
pub fn environment(text: &str) -> bool {
    taken(from_source("world.wgsl", text, &Values::new()), 2)
}

/// Any bytes as a checkpoint and as a file of weights: what was saved, or an error with status 6.
pub fn checkpoint(bytes: &[u8]) -> bool {
    let checkpoint = taken(Checkpoint::read(Path::new("step_1.safetensors"), bytes), 6);
    let weights = taken(read_model(Path::new("model.safetensors"), bytes), 6);
    checkpoint || weights
}

/// Any bytes as recorded numbers: replayed, refused, or told to be of a kind that is not known. The first byte says how the rest is
/// laid out: `l` a log, `s` scores, anything else a case of a description and tensors, with the length of the former as four
/// bytes, the lowest first, before it.
pub fn conformance(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("temporary directory");
    if lay_out(folder.path(), bytes).is_none() {
        return false;
    }
    let mut passed = false;
    let replayed = conformance::run(&mut CpuExecutor::new(), folder.path(), None, &mut |report| {
        passed |= report.verdict == Verdict::Pass;
        Ok(())
    });
    replayed.is_ok() && passed
}

fn lay_out(folder: &Path, bytes: &[u8]) -> Option<()> {
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).ok();
    let (kind, rest) = bytes.split_first()?;
    match kind {
        b'l' => write("log.jsonl", rest),
        b's' => write("scores.json", rest),
        _ => {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let (description, tensors) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            write("case.json", description)?;
            write("case.safetensors", tensors)
        }
    }
}
