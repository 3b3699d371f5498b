//! What a run is going to do, written before it does it: `config.toml`, copies of a user's environment and of a reference
//! policy, `command.txt` and `system.json`.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};
use crate::files;
use crate::gpu;
use crate::train::reference;
use crate::train::run_dir::{
    COMMAND_FILE, CONFIG_FILE, ENVIRONMENT_FILE, REFERENCE_FILE, RunDir, SYSTEM_FILE,
};
use crate::train::trainer::Trainer;

/// Writes them all.
pub fn write(dir: &RunDir, trainer: &Trainer) -> Result<()> {
    dir.write(CONFIG_FILE, config_text(dir, trainer)?.as_bytes())?;
    let env = trainer.env();
    if env.user {
        // The user goes on changing the file; the agent stays playable in the world it is trained in.
        dir.write(ENVIRONMENT_FILE, env.given.as_bytes())?;
    }
    if let Some(reference) = trainer.reference() {
        dir.write(REFERENCE_FILE, &reference::bytes(reference)?)?;
    }
    dir.write(COMMAND_FILE, command_line().as_bytes())?;

    let choice = trainer.choice();
    // Listing the adapters starts every driver of the machine, which a CPU run does not need.
    let adapter = (choice.address != "cpu")
        .then(|| gpu::adapters().into_iter().find(|adapter| adapter.address == choice.address))
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
    dir.write(SYSTEM_FILE, format!("{system:#}\n").as_bytes())
}

/// Of a run that goes on: its settings, of which it may have new ones, and one more command line.
pub fn renew(dir: &RunDir, trainer: &Trainer) -> Result<()> {
    dir.write(CONFIG_FILE, config_text(dir, trainer)?.as_bytes())?;
    let path = dir.file(COMMAND_FILE);
    let before = match path.exists() {
        true => files::read_text(&path, files::MOST_TEXT).map_err(|e| Error::file("read", path, e))?,
        false => String::new(),
    };
    dir.write(COMMAND_FILE, (before + &command_line()).as_bytes())
}

fn config_text(dir: &RunDir, trainer: &Trainer) -> Result<String> {
    let settings =
        toml::to_string(trainer.config()).map_err(|e| Error::file("write", dir.file(CONFIG_FILE), e))?;
    Ok(format!(
        "# Resolved settings of a softq {} run. Repeat it with: softq train --config config.toml\n{settings}",
        env!("CARGO_PKG_VERSION")
    ))
}

fn command_line() -> String {
    let command: Vec<String> = std::env::args_os().map(|arg| quoted(&arg.to_string_lossy())).collect();
    format!("{}\n", command.join(" "))
}

/// An argument as a POSIX shell reads it back.
///
/// ```
/// use softq::train::sinks::settings::quoted;
///
/// assert_eq!(["runs/a", "my runs"].map(quoted), ["runs/a", "'my runs'"]);
/// ```
pub fn quoted(arg: &str) -> String {
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
