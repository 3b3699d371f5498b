//! Any text as a `--config` file: settings, or an error that names the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use softq::train::layers::{Layers, SettingsFile, resolve};

fuzz_target!(|text: &str| {
    let file = Some(SettingsFile { path: "settings.toml".into(), text: text.to_owned() });
    if let Err(error) = resolve(&Layers { file, ..Layers::default() }) {
        assert_eq!(error.exit_code(), 2, "{error}");
    }
});
