//! Any bytes as a checkpoint and as a file of weights.

#![no_main]

#[path = "../entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entries::checkpoint(bytes);
});
