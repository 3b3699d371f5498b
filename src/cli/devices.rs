//! `softq devices`: every adapter with its limits and features, and what each `--device` value would take and why.

use std::io::Write;

use serde::Serialize;
use softq::Result;
use softq::config::thousands;
use softq::gpu::{AdapterReport, Choice};

use super::engine::Engine;
use super::{json_line, say};

/// List adapters, limits and features, and say what each --device value would take and why
#[derive(clap::Args, Debug)]
pub struct DevicesArgs {
    /// Print one JSON line instead of text
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Devices {
    adapters: Vec<AdapterReport>,
    requests: Vec<Request>,
}

#[derive(Serialize)]
struct Request {
    request: String,
    takes: Option<Choice>,
    error: Option<String>,
}

/// Prints the list. No adapter at all is no error: training falls back to the CPU executor.
pub fn devices(engine: &dyn Engine, args: &DevicesArgs, out: &mut dyn Write) -> Result<()> {
    let adapters = engine.adapters();
    let requests = engine
        .choices(&adapters)
        .into_iter()
        .map(|(request, choice)| match choice {
            Ok(choice) => Request { request, takes: Some(choice), error: None },
            Err(error) => Request { request, takes: None, error: Some(error.to_string()) },
        })
        .collect();
    let devices = Devices { adapters, requests };
    if args.json { json_line(out, &devices) } else { say(out, &text(&devices)) }
}

fn text(devices: &Devices) -> String {
    let mut text = String::new();
    if devices.adapters.is_empty() {
        text += "No adapter found: no graphics driver is installed. On Debian or Ubuntu, `apt-get install \
                 mesa-vulkan-drivers libvulkan1` gives a software Vulkan driver.\n";
    }
    for a in &devices.adapters {
        text += &format!("{}  {}\n", a.address, a.name);
        text += &format!("    {} {}, driver {} {}, ", a.backend, a.device_type, a.driver, a.driver_info);
        text += &format!("vendor {:#06x}, device {:#06x}\n", a.vendor, a.device);
        if let Some(reason) = &a.unusable {
            text += &format!("    cannot be used: {reason}\n");
        }
        let features = if a.features.is_empty() { "none".to_owned() } else { a.features.join(", ") };
        text += &wrapped("features: ", &features);
        let limits: Vec<String> =
            a.limits.iter().map(|(name, n)| format!("{name} {}", thousands(*n))).collect();
        text += &wrapped("limits: ", &limits.join("; "));
    }
    text += "\n";
    for request in &devices.requests {
        let what = match (&request.takes, &request.error) {
            (Some(choice), _) => format!("takes {} ({}): {}", choice.address, choice.adapter, choice.reason),
            (None, error) => format!("takes nothing: {}", error.as_deref().unwrap_or_default()),
        };
        text += &format!("--device {:<10} {what}\n", request.request);
    }
    text
}

/// An indented paragraph of at most 100 columns.
fn wrapped(title: &str, words: &str) -> String {
    let mut lines = vec![format!("    {title}")];
    for word in words.split(' ') {
        let line = lines.last_mut().map_or(0, |line| line.len());
        if line + word.len() > 100 {
            lines.push("        ".into());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push(' ');
        }
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::engine::fake::FakeEngine;

    fn run(json: bool) -> String {
        let mut out = Vec::new();
        devices(&FakeEngine, &DevicesArgs { json }, &mut out).expect("list");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn text_lists_adapters_and_what_each_request_takes() {
        let text = run(false);
        for part in [
            "vulkan:0  Tester",
            "vendor 0x10005",
            "features: TIMESTAMP_QUERY, SHADER_F16",
            "max_buffer_size 268,435,456",
            "cannot be used: no compute shaders",
            "--device auto       takes vulkan:0 (Tester): the first usable adapter",
            "--device cpu        takes cpu",
            "--device gl:0       takes nothing: no usable device",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        assert!(text.lines().filter(|line| line.starts_with("    ")).all(|line| line.len() <= 102), "{text}");
    }

    #[test]
    fn json_is_one_line() {
        let text = run(true);
        assert_eq!(text.lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["adapters"][0]["address"], "vulkan:0");
        assert_eq!(value["requests"][0]["takes"]["address"], "vulkan:0");
        assert!(value["requests"][4]["takes"].is_null());
    }
}
