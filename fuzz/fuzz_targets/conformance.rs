//! Any bytes as recorded numbers: replayed, refused, or told to be of a kind that is not known. The first line says how
//! the rest is laid out: a log, scores, or a case of a description and tensors with the length of the former before it.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use softq::engine::cpu::CpuExecutor;
use softq::verify::conformance;

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

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("temporary directory");
    if lay_out(folder.path(), bytes).is_some() {
        // A failed replay is a line of the report and a folder without files an error; neither may panic.
        let _ = conformance::run(&mut CpuExecutor::new(), folder.path(), None, &mut |_| Ok(()));
    }
});
