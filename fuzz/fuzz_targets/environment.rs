//! Any text as an environment file.

#![no_main]

#[path = "../entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|text: &str| {
    entries::environment(text);
});
