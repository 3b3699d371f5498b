//! Any bytes as a checkpoint and as a file of weights: what was saved, or an error with status 6.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use softq::train::checkpoint::Checkpoint;
use softq::train::model_file::read_model;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = Checkpoint::read(Path::new("step_1.safetensors"), bytes) {
        assert_eq!(error.exit_code(), 6, "{error}");
    }
    if let Err(error) = read_model(Path::new("model.safetensors"), bytes) {
        assert_eq!(error.exit_code(), 6, "{error}");
    }
});
