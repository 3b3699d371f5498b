//! The engine's environment for a recorded one: its id, the arguments of its constructor, its map and its time limit.
//!
//! Arguments become parameters of the same name; the few that are written differently here are translated by hand. What no
//! parameter can express is unsupported, by the argument's name.

use serde_json::Value;

use crate::engine::env::Env;
use crate::envs::{self, Values};
use crate::verify::conformance::log::whole;
use crate::verify::conformance::report::{Outcome, Problem, malformed, unsupported};

/// Gymnasium's named maps of FrozenLake.
pub(super) const MAPS: &[(&str, &str)] = &[
    ("4x4", "SFFF/FHFH/FFFH/HFFG"),
    ("8x8", "SFFFFFFF/FFFFFFFF/FFFHFFFF/FFFFFHFF/FFFHFFFF/FHHFFFHF/FHFFHFHF/FFFHFFFG"),
];

/// What a log says about the construction of an environment.
#[derive(Clone, Copy, Debug)]
pub struct Construction<'a> {
    /// Versioned id.
    pub id: &'a str,
    /// Keyword arguments of the constructor.
    pub arguments: Option<&'a Value>,
    /// The map, row by row, where the log spells it out.
    pub map: Option<&'a Value>,
    /// Time limit: null is none, and without an entry the environment's own one holds.
    pub limit: Option<&'a Value>,
}

/// An environment to replay on.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// The environment with its parameters.
    pub env: &'static Env,
    /// Where its step counter starts. A limit below the environment's own is met by a counter that is ahead, which spares
    /// another set of kernels.
    pub head_start: u32,
}

impl Opened {
    /// The step counter when `taken` steps are over.
    pub fn episode_step(&self, taken: u32) -> Outcome<u32> {
        match taken.checked_add(self.head_start) {
            // The step itself counts one more.
            Some(step) if step < u32::MAX => Ok(step),
            _ => malformed(format!("{taken} steps in an episode")),
        }
    }
}

impl Construction<'_> {
    /// The environment with these parameters.
    pub fn open(self) -> Outcome<Opened> {
        // Gymnasium's first version is the second with a limit of its own.
        let (id, usual) = match self.id {
            "CartPole-v0" => ("CartPole-v1", Some(Value::from(200))),
            id => (id, None),
        };
        let Ok(plain) = envs::find(id) else {
            return unsupported(format!("environment '{id}' is not built in"));
        };
        let has = |name: &str| {
            plain.params.iter().any(|param| param.name == name)
                || plain.const_params.iter().any(|param| param.name == name)
        };
        let mut values = Values::new();
        let mut limit = self.limit.or(usual.as_ref());
        let none = serde_json::Map::new();
        let arguments = match self.arguments {
            None | Some(Value::Null) => &none,
            Some(Value::Object(arguments)) => arguments,
            Some(other) => return malformed(format!("the arguments of '{id}' are {other}")),
        };
        for (name, value) in arguments {
            match (name.as_str(), value) {
                ("max_episode_steps", value) => limit = Some(value),
                ("map_name", Value::String(map)) => {
                    let Some((_, rows)) = MAPS.iter().find(|(known, _)| known == map) else {
                        return unsupported(format!("map_name '{map}' of '{id}' is unknown"));
                    };
                    values.entry("map".into()).or_insert((*rows).into());
                }
                ("desc", Value::Array(rows)) => {
                    values.insert("map".into(), joined("desc", rows)?);
                }
                ("reward_schedule", Value::Array(rewards)) if rewards.len() == 3 => {
                    let names = ["reward_goal", "reward_hole", "reward_frozen"];
                    for (name, reward) in names.into_iter().zip(rewards) {
                        values.insert(name.into(), text(name, reward)?);
                    }
                }
                // An attribute of Gymnasium's class.
                ("book_or_nips", Value::String(form))
                    if has("nips") && ["book", "nips"].contains(&form.as_str()) =>
                {
                    values.insert("nips".into(), u8::from(form == "nips").to_string());
                }
                (name, value) if has(name) && !value.is_null() => {
                    values.insert(name.into(), text(name, value)?);
                }
                // How frames are drawn, which no number here shows, and options that are switched off.
                ("render_mode", _) | (_, Value::Null | Value::Bool(false)) => {}
                (name, value) => {
                    return unsupported(format!("'{id}' has no parameter for {name} = {value}"));
                }
            }
        }
        // The map in the log is what the arguments led to.
        if let (true, Some(rows)) = (has("map"), self.map.filter(|rows| !rows.is_null())) {
            let Some(rows) = rows.as_array() else { return malformed(format!("'desc' is {rows}")) };
            values.insert("map".into(), joined("desc", rows)?);
        }
        let own = u64::from(plain.step_limit());
        let steps = limit_value(limit)?.unwrap_or(own);
        if plain.max_episode_steps.is_some() && (1..=own).contains(&steps) {
            return Ok(Opened { env: open(id, &values)?, head_start: (own - steps) as u32 });
        }
        if steps != own {
            values.insert("max_episode_steps".into(), steps.to_string());
        }
        Ok(Opened { env: open(id, &values)?, head_start: 0 })
    }
}

/// A built-in environment with parameters; values that it refuses are unsupported.
pub fn open(id: &str, values: &Values) -> Outcome<&'static Env> {
    envs::open(id, values).map_err(|error| Problem::Unsupported(error.to_string()))
}

/// The recorded time limit, if the record has one.
fn limit_value(limit: Option<&Value>) -> Outcome<Option<u64>> {
    match limit {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(u64::from(u32::MAX))),
        Some(value) => match whole(value) {
            Some(steps) => Ok(Some(steps.into())),
            None => malformed(format!("a time limit of {value}")),
        },
    }
}

/// Rows of letters or digits, as a map is written: separated by '/'.
pub fn joined(name: &str, rows: &[Value]) -> Outcome<String> {
    let row = |row: &Value| match row {
        Value::String(row) => Ok(row.clone()),
        Value::Array(cells) => cells
            .iter()
            .map(|cell| match whole(cell) {
                Some(number) => Ok(number.to_string()),
                None => text(name, cell),
            })
            .collect(),
        other => malformed(format!("'{name}' has the row {other}")),
    };
    Ok(rows.iter().map(row).collect::<Outcome<Vec<_>>>()?.join("/"))
}

/// A value as it is written on the command line.
pub fn text(name: &str, value: &Value) -> Outcome<String> {
    match value {
        Value::Bool(flag) => Ok(flag.to_string()),
        // A whole number may stand for a count, which takes no point.
        Value::Number(number) => {
            Ok(whole(value).map_or_else(|| number.to_string(), |whole| whole.to_string()))
        }
        Value::String(text) => Ok(text.clone()),
        other => unsupported(format!("'{name}' is {other}, which no parameter can hold")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn opened(id: &str, arguments: Value) -> Outcome<Opened> {
        Construction { id, arguments: Some(&arguments), map: None, limit: None }.open()
    }

    fn reason(id: &str, arguments: Value) -> String {
        match opened(id, arguments) {
            Err(Problem::Unsupported(reason) | Problem::Malformed(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn arguments_become_parameters() {
        let lake = opened(
            "FrozenLake-v1",
            json!({"map_name": "8x8", "is_slippery": false, "success_rate": 0.5, "render_mode": null,
                   "reward_schedule": [2, -1, -0.25], "max_episode_steps": 7}),
        )
        .expect("a variant");
        let (env, words) = (lake.env, lake.env.lane_params(0, 1));
        let value = |name: &str| {
            let found = env.params.iter().zip(&words).find(|(param, _)| param.name == name);
            found.map(|(param, word)| param.number.value(*word))
        };
        // Gymnasium's FrozenLake-v1 ends after 100 steps with any map.
        assert_eq!((env.obs_size, env.max_episode_steps, lake.head_start), (64, Some(100), 93));
        assert_eq!((lake.episode_step(6).expect("a step"), lake.episode_step(u32::MAX).is_err()), (99, true));
        let expected =
            [("is_slippery", 0.0), ("success_rate", 0.5), ("reward_goal", 2.0), ("reward_frozen", -0.25)];
        for (name, want) in expected {
            assert_eq!(value(name), Some(want), "{name}");
        }
        let own = opened("FrozenLake-v1", json!({"desc": ["SFH", "FFG"]})).expect("a map");
        assert_eq!(own.env.obs_size, 6);
        let first = opened("CartPole-v0", json!({})).expect("a version");
        assert_eq!((&first.env.id[..], first.head_start), ("CartPole-v1", 300));
        let acrobot = opened("Acrobot-v1", json!({"book_or_nips": "nips"})).expect("a form");
        assert!(!std::ptr::eq(acrobot.env, envs::find("Acrobot-v1").expect("known")));
        let endless =
            Construction { id: "CartPole-v1", arguments: None, map: None, limit: Some(&Value::Null) };
        assert_eq!(endless.open().expect("no limit").env.step_limit(), u32::MAX);
        let plain = Construction { limit: Some(&json!(500)), ..endless };
        assert!(std::ptr::eq(plain.open().expect("plain").env, envs::find("CartPole-v1").expect("known")));
    }

    #[test]
    fn longer_limits_and_those_of_endless_environments_are_parameters() {
        for (id, steps) in [("CartPole-v1", 501), ("CliffWalking-v1", 40)] {
            let opened = opened(id, json!({"max_episode_steps": steps})).expect("a limit");
            assert_eq!((opened.env.max_episode_steps, opened.head_start), (Some(steps), 0), "{id}");
        }
    }

    #[test]
    fn what_no_parameter_expresses_is_named() {
        assert!(reason("Pong-v5", json!({})).contains("Pong-v5"));
        assert!(reason("CartPole-v1", json!({"screen_width": 800})).contains("screen_width"));
        assert!(opened("CartPole-v1", json!({"sutton_barto_reward": true, "render_mode": null})).is_ok());
        assert!(reason("FrozenLake-v1", json!({"map_name": "9x9"})).contains("9x9"));
        assert!(reason("FrozenLake-v1", json!({"desc": ["FF", "FG"]})).contains("start"));
        assert!(reason("CartPole-v1", json!(3)).contains('3'));
        assert!(reason("CartPole-v1", json!({"max_episode_steps": -1})).contains("-1"));
    }
}
