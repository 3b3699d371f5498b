//! The settings of a run, for people and for the run directory: `--explain`, `config.toml`, `command.txt`,
//! `system.json`, and the copy of a user's environment.

use std::time::{SystemTime, UNIX_EPOCH};

use softq::config::SETTINGS;
use softq::error::{Error, Result};
use softq::train::layers::{Origin, Resolved};
use softq::train::run_dir::RunDir;
use softq::train::saved_run::{CONFIG_FILE, ENVIRONMENT_FILE};

use super::engine::{Engine, Training};

/// The text of `--explain`: every setting and where it came from, then the device and the commands of an iteration.
pub fn explanation(resolved: &Resolved, training: &dyn Training) -> String {
    let mut text = String::new();
    let values = toml::Table::try_from(&resolved.config).unwrap_or_default();
    for setting in SETTINGS {
        let value = values.get(setting.key).map(toml::Value::to_string).unwrap_or_default();
        let origin = resolved.origins.get(setting.key).copied().unwrap_or(Origin::Default);
        text += &format!("{:<44} # {origin}\n", format!("{} = {value}", setting.key));
    }
    format!("{text}\n{}\n", training.explain().trim_end())
}

/// Writes what the run is going to do, before it does it.
pub fn write(engine: &dyn Engine, dir: &RunDir, resolved: &Resolved, training: &dyn Training) -> Result<()> {
    let config =
        toml::to_string(&resolved.config).map_err(|e| Error::file("write", dir.file(CONFIG_FILE), e))?;
    let header = format!(
        "# Resolved settings of a softq {} run. Repeat it with: softq train --config config.toml\n",
        env!("CARGO_PKG_VERSION")
    );
    dir.write(CONFIG_FILE, format!("{header}{config}").as_bytes())?;
    if softq::envs::is_path(&resolved.config.env) {
        // The user goes on changing the file; the agent stays playable in the world it was trained in.
        let source = std::fs::read(&resolved.config.env)
            .map_err(|e| Error::file("read", resolved.config.env.as_str(), e))?;
        dir.write(ENVIRONMENT_FILE, &source)?;
    }
    let command: Vec<String> = std::env::args_os().map(|arg| quoted(&arg.to_string_lossy())).collect();
    dir.write("command.txt", format!("{}\n", command.join(" ")).as_bytes())?;

    let choice = training.choice();
    // Listing the adapters starts every driver of the machine, which a CPU run does not need.
    let adapter = (choice.address != "cpu")
        .then(|| engine.adapters().into_iter().find(|adapter| adapter.address == choice.address))
        .flatten();
    let system = serde_json::json!({
        "softq": env!("CARGO_PKG_VERSION"),
        "device": choice.address,
        "adapter": choice.adapter,
        "device_reason": choice.reason,
        "adapter_report": adapter,
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "cpu_threads": std::thread::available_parallelism().map_or(1, usize::from),
        "started_unix": SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
    });
    dir.write("system.json", format!("{system:#}\n").as_bytes())
}

/// An argument as a POSIX shell reads it back.
fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_quoted_for_a_shell() {
        assert_eq!(quoted("runs/a-b_1"), "runs/a-b_1");
        assert_eq!(quoted("0.5ln|A|"), "'0.5ln|A|'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
