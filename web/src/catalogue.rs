//! What there is to choose from: environments, the algorithms that can train in each, and the settings that a run lets change.

use serde::Serialize;
use softq::agents::{self, ALGORITHMS};
use softq::config::SETTINGS;
use softq::envs;
use softq::train::layers::{self, Layers};
use softq::train::tune::is_tunable;
use wasm_bindgen::prelude::*;

#[derive(Serialize)]
struct Catalogue {
    version: &'static str,
    environments: Vec<Environment>,
    settings: Vec<Tunable>,
}

#[derive(Serialize)]
struct Environment {
    id: &'static str,
    title: &'static str,
    /// Those that the environment's actions suit.
    algorithms: Vec<&'static str>,
    reward_threshold: Option<f64>,
}

#[derive(Serialize)]
struct Tunable {
    key: &'static str,
    help: &'static str,
}

/// Everything above, as JSON.
#[wasm_bindgen]
pub fn catalogue() -> String {
    let environments = envs::registry().iter().map(|env| {
        let fits = |algo: &&str| {
            let flags = [("env", env.id.as_str()), ("algo", algo)];
            let flags = flags.iter().filter_map(|(key, value)| {
                softq::config::find(key).ok().map(|setting| (setting, (*value).to_owned()))
            });
            let resolved = layers::resolve(&Layers { flags: flags.collect(), ..Layers::default() });
            resolved.is_ok_and(|resolved| agents::check(&resolved.config, env).is_ok())
        };
        Environment {
            id: &env.id,
            title: &env.title,
            algorithms: ALGORITHMS.iter().map(|algorithm| algorithm.name).filter(fits).collect(),
            reward_threshold: env.reward_threshold,
        }
    });
    let tunable = SETTINGS.iter().filter(|setting| is_tunable(setting));
    let catalogue = Catalogue {
        version: env!("CARGO_PKG_VERSION"),
        environments: environments.collect(),
        settings: tunable.map(|setting| Tunable { key: setting.key, help: setting.help() }).collect(),
    };
    serde_json::to_string(&catalogue).unwrap_or_default()
}
