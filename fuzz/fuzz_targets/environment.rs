//! Any text as an environment file: a world, or an error that names the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use softq::envs::{Values, from_source};

fuzz_target!(|text: &str| {
    if let Err(error) = from_source("world.wgsl", text, &Values::new()) {
        assert_eq!(error.exit_code(), 2, "{error}");
    }
});
