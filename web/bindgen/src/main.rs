//! `softq-bindgen MODULE.wasm FOLDER` writes the module as a page loads it, and the JavaScript that does so.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, folder] = &arguments[..] else {
        eprintln!("usage: softq-bindgen MODULE.wasm FOLDER");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    // With its default path `init()` finds the module beside the script.
    let written = bindgen
        .input_path(module)
        .web(true)
        .and_then(|bindgen| bindgen.omit_default_module_path(false).typescript(false).generate(folder));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {module}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
