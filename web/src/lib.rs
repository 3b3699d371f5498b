//! softq in a browser. A page's worker opens the device, trains, draws, verifies and evaluates through [`engine::Engine`]; this
//! crate only translates between the library and JavaScript, as JSON and bytes. What runs where: `docs/browser.md`.

mod catalogue;
mod engine;
mod message;
mod request;

use std::time::Duration;

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &str);
}

/// Runs as soon as the module is loaded.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| console_error(&format!("softq stopped: {panic}"))));
    softq::engine::clock::provide(|| Duration::from_secs_f64(performance_now() / 1000.0));
}

/// An error of the library as JavaScript's, with the same sentence but where that speaks of files that a page does not have.
fn to_js(error: softq::Error) -> JsError {
    match error {
        softq::Error::DeviceLost { message } => JsError::new(&format!(
            "the device was lost: {message}. The run is over, and what was not saved is gone. A smaller network, batch or replay needs \
             less of its memory"
        )),
        error => JsError::new(&error.to_string()),
    }
}
