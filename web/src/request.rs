//! What the page asks the engine to train, and how that becomes a configuration: the layers of the program's command line.

use serde::Deserialize;
use softq::config;
use softq::envs::{self, Env, Values};
use softq::train::layers::{Layers, Resolved, resolve_with};

/// A run that is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Environment: its id, or the name of `file`.
    pub env: String,
    /// Algorithm.
    pub algo: String,
    /// Other settings as on the command line, `key=value`.
    #[serde(default)]
    pub set: Vec<String>,
    /// An environment file of the user.
    #[serde(default)]
    pub file: Option<File>,
    /// Environments drawn, and pixels across each.
    #[serde(default)]
    pub gallery: Option<[u32; 2]>,
}

/// A WGSL file that lies in no file system.
#[derive(Clone, Deserialize)]
pub struct File {
    /// Its name, which ends in `.wgsl`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The environment called `name`, of `file` if it is called so.
pub fn open(file: Option<&File>, name: &str, values: &Values) -> softq::Result<&'static Env> {
    match file.filter(|file| file.name == name) {
        Some(file) => envs::from_source(&file.name, &file.text, values),
        None => envs::open(name, values),
    }
}

impl Request {
    /// The configuration, with presets and checks as of `softq train`.
    pub fn resolve(&self) -> softq::Result<Resolved> {
        let mut flags = Vec::new();
        for (key, value) in [("env", &self.env), ("algo", &self.algo)] {
            flags.push((config::find(key)?, value.clone()));
        }
        let layers = Layers { file: None, set: self.set.clone(), flags };
        resolve_with(&layers, &|name, values| open(self.file.as_ref(), name, values))
    }
}
