//! A file of settings: what it says, what a run keeps beside it, and errors that name its lines.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::check_word;
use crate::config::{find, swept};
use crate::envs;
use crate::error::{Error, Result};
use crate::files;
use crate::train::run_dir::{ENVIRONMENT_FILE, REFERENCE_FILE};

/// A TOML file of settings: where it lies, for messages, and its text.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    /// Its path.
    pub path: PathBuf,
    /// What it holds.
    pub text: String,
}

impl SettingsFile {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<SettingsFile> {
        let wrong = |message: String| Error::Config { path: path.to_owned(), message };
        let text = files::read_text(path, files::MOST_TEXT).map_err(|e| {
            wrong(format!("cannot be read: {e}. Give --config the path of a TOML file of settings."))
        })?;
        Ok(SettingsFile { path: path.to_owned(), text })
    }

    /// The copy of the environment `named` that a run keeps beside its settings, and what to say of it, where the file of
    /// that name is gone or another one by now.
    pub(super) fn kept_world(&self, named: &str) -> Option<(String, String)> {
        let copy = self.path.parent()?.join(ENVIRONMENT_FILE);
        if !envs::is_path(named) || !copy.is_file() {
            return None;
        }
        let text = |path: &Path| files::read(path, files::MOST_TEXT).ok();
        let now = text(Path::new(named));
        if now.is_some() && now == text(&copy) {
            return None;
        }
        let copy = copy.display().to_string();
        let how = if now.is_some() { "differs from" } else { "is gone, or cannot be read; there is" };
        let note = format!(
            "{named} {how} the copy that the run kept: {copy} is used, as the run used it. Give --env {named} for the file as it \
             is now."
        );
        Some((copy, note))
    }

    /// The reference policy that a run keeps beside its settings: it is repeated with that one, whatever its name stands for by
    /// now.
    pub(super) fn kept_reference(&self) -> Option<String> {
        let copy = self.path.parent()?.join(REFERENCE_FILE);
        copy.is_file().then(|| copy.display().to_string())
    }

    /// Its settings under their own names, each of the right type.
    pub(super) fn table(&self) -> Result<Table> {
        let table: Table = self.text.parse().map_err(|e: toml::de::Error| Error::Config {
            path: self.path.clone(),
            message: format!("not valid TOML: {}", e.to_string().trim_end()),
        })?;
        let mut known = Table::new();
        for (key, value) in &table {
            let setting = find(key).and_then(|setting| check_word(setting, value).map(|()| setting));
            let setting = setting.map_err(|error| self.error(key, &error.to_string()))?;
            if !setting.fits(value) {
                let message = format!("{key} = {value} has the wrong type: expected {}.", setting.expected());
                return Err(self.error(key, &message));
            }
            if known.insert(setting.key.to_owned(), value.clone()).is_some() {
                return Err(self.error(key, &format!("{key} is {} once more; give it once.", setting.key)));
            }
        }
        Ok(known)
    }

    /// Whether its `sweep` gives values for `key`.
    pub(super) fn sweeps(&self, key: &str) -> bool {
        let entries =
            self.table().ok().and_then(|table| table.get("sweep").and_then(Value::as_array).cloned());
        let of = |entry: &Value| {
            entry.as_str().is_some_and(|entry| swept(entry).is_ok_and(|setting| setting.key == key))
        };
        entries.unwrap_or_default().iter().any(of)
    }

    /// An error about `key` of this file.
    pub(super) fn error(&self, key: &str, message: &str) -> Error {
        let named = |line: &str| {
            let name = line.split_once('=').map_or("", |(name, _)| name.trim().trim_matches(['"', '\'']));
            name == key || find(name).is_ok_and(|setting| setting.key == key)
        };
        let line = self.text.lines().position(named).map(|index| format!("line {}: ", index + 1));
        Error::Config { path: self.path.clone(), message: format!("{}{message}", line.unwrap_or_default()) }
    }
}
