//! Any text as a `--config` file.

#![no_main]

#[path = "../entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|text: &str| {
    entries::settings(text);
});
