//! `softq envs`: the environments as a table, and everything about one of them.

use std::io::Write;

use serde::Serialize;
use serde_json::json;
use softq::config::{Config, thousands};
use softq::engine::env::{ActionSpace, Env, Number, ParamValue};
use softq::envs::rescale;
use softq::error::Result;
use softq::shared::shape::Shape;
use softq::train::presets;
use softq::train::results::{self, Measured};
use softq::{agents, envs};

use super::player::number;
use super::{json_line, say};

/// Arguments of `softq envs`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  softq envs\n  softq envs frozenlake\n  softq envs ./my_env.wgsl --json")]
pub struct EnvsArgs {
    /// Show everything about one: id, short name or path of a WGSL file
    #[arg(value_name = "ENV")]
    environment: Option<String>,
    /// Show it with this value of a parameter, e.g. size=20; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "environment")]
    env_param: Vec<String>,
    /// Print one line of JSON: a list of environments, or the one
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn envs(args: &EnvsArgs, out: &mut dyn Write) -> Result<()> {
    let Some(name) = &args.environment else {
        let all: Vec<Entry> = envs::registry().iter().map(|env| Entry::of(env)).collect();
        return if args.json { json_line(out, &all) } else { say(out, &table(&all)) };
    };
    let config = Config { env_param: args.env_param.clone(), ..Config::default() };
    let values = config.env_values()?;
    let entry = Entry::of(envs::open(name, &values)?);
    if args.json { json_line(out, &entry) } else { say(out, &page(&entry, name, &values)) }
}

/// One environment with what is shipped for it.
struct Entry {
    env: &'static Env,
    presets: Vec<(&'static str, toml::Table)>,
    results: Vec<&'static Measured>,
}

impl Entry {
    fn of(env: &'static Env) -> Entry {
        // A user's file may have the name of a built-in environment; presets are for the built-in one.
        let algorithms = || agents::ALGORITHMS.iter().map(|algo| algo.name).filter(|_| !env.user);
        Entry {
            env,
            presets: algorithms().filter_map(|algo| Some((algo, preset(env, algo)?))).collect(),
            results: algorithms().filter_map(|algo| results::find(&env.id, algo)).collect(),
        }
    }
}

/// The preset of an algorithm, where the algorithm can learn this environment.
fn preset(env: &Env, algo: &str) -> Option<toml::Table> {
    let table = presets::preset(&env.id, algo)?;
    let mut whole = table.clone();
    whole.insert("algo".into(), algo.into());
    let config: Config = whole.try_into().ok()?;
    agents::check(&config, env).is_ok().then_some(table)
}

/// The documented keys of `--json`; see `docs/environments.md`.
impl Serialize for Entry {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let env = self.env;
        let actions = match &env.actions {
            ActionSpace::Discrete(actions) => json!({"type": "discrete", "heads": [actions]}),
            ActionSpace::MultiDiscrete(heads) => json!({"type": "multi_discrete", "heads": heads}),
            ActionSpace::Box { low, high } => json!({"type": "box", "low": low, "high": high}),
        };
        let shape = match env.obs_shape {
            Shape::Flat(size) => vec![size],
            Shape::Grid { height, width, channels } => vec![height, width, channels],
        };
        let state: Vec<_> =
            env.state.iter().map(|word| json!({"name": word.name, "type": word_type(word.number)})).collect();
        let parameters: Vec<_> = env
            .params
            .iter()
            .map(|param| {
                json!({
                    "name": param.name, "kind": "runtime", "type": word_type(param.number),
                    "default": param.default, "value": param.value.to_string(), "about": param.about,
                })
            })
            .chain(env.const_params.iter().map(|param| {
                json!({"name": param.name, "kind": "compile_time", "value": as_given(&param.value), "about": param.about})
            }))
            .collect();
        json!({
            "id": env.id,
            "name": env.short,
            "title": env.title,
            "file": env.file,
            "cpu_twin": env.twin.is_some(),
            "observation": {"size": env.obs_size, "shape": shape, "low": bounded(&env.obs_low), "high": bounded(&env.obs_high)},
            "actions": actions,
            "max_episode_steps": env.max_episode_steps,
            "reward_threshold": env.reward_threshold,
            "state": state,
            "parameters": parameters,
            "picture": env.has_draw.then(|| json!({"aspect": env.draw_aspect, "fps": env.render_fps})),
            "presets": self.presets.iter().map(|(algo, table)| (*algo, table)).collect::<std::collections::BTreeMap<_, _>>(),
            "results": self.results,
        })
        .serialize(serializer)
    }
}

/// One row per environment, and below it what its presets have been measured to do.
fn table(entries: &[Entry]) -> String {
    let mut rows: Vec<[String; 8]> = vec![
        ["id", "name", "obs", "actions", "limit", "solved at", "presets", "what it is"].map(str::to_owned),
    ];
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    rows.extend(entries.iter().map(|entry| {
        let env = entry.env;
        let presets: Vec<&str> = entry.presets.iter().map(|(algo, _)| *algo).collect();
        [
            env.id.clone(),
            env.short.clone(),
            env.obs_size.to_string(),
            env.actions.to_string(),
            or_dash(env.max_episode_steps.map(|steps| thousands(steps.into()))),
            or_dash(env.reward_threshold.map(number)),
            or_dash((!presets.is_empty()).then(|| presets.join(", "))),
            env.title.clone(),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..8).map(width).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(column, cell)| match column {
                // Numbers end at their column's right edge.
                2 | 4 | 5 => format!("{cell:>width$}", width = widths[column]),
                _ => format!("{cell:<width$}", width = widths[column]),
            })
            .collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
        if let Some(entry) = index.checked_sub(1).and_then(|index| entries.get(index)) {
            for row in &entry.results {
                text += &format!("    {}: {}\n", measured_title(row), row.result);
            }
        }
    }
    text + "\nsoftq envs ENV shows its parameters, its preset and how its results were measured.\n"
}

/// Everything about one environment; `name` and `values` are what it was asked for by.
fn page(entry: &Entry, name: &str, values: &envs::Values) -> String {
    let env = entry.env;
    let mut text = format!("{} ({}): {}\n", env.id, env.short, env.title);
    let mut line = |title: &str, value: String| text += &format!("  {title:<12} {value}\n");
    line("file", if env.user { env.file.clone() } else { format!("shaders/envs/{}", env.file) });
    let numbers = if env.obs_size == 1 { "number" } else { "numbers" };
    let grid = match env.obs_shape {
        Shape::Flat(_) => String::new(),
        grid => format!(" as {grid}"),
    };
    line("observation", format!("{} {numbers}{grid}, {}", thousands(env.obs_size.into()), bounds(env)));
    line("actions", env.actions.to_string());
    line(
        "time limit",
        env.max_episode_steps.map_or("none".into(), |steps| format!("{} steps", thousands(steps.into()))),
    );
    line(
        "solved at",
        env.reward_threshold.map_or("no threshold".into(), |value| format!("{} mean return", number(value))),
    );
    line("state", format!("{} words: {}", env.state_words, state_text(env)));
    line(
        "picture",
        match env.has_draw {
            true => format!("{} times as wide as high, {} steps per second", env.draw_aspect, env.render_fps),
            false => "none: the file has no `draw`".into(),
        },
    );
    line(
        "runs on",
        match (&env.twin, env.user) {
            (Some(_), false) => "GPU and CPU",
            (Some(_), true) => "GPU, and interpreted on the CPU",
            (None, _) => "GPU or a software driver",
        }
        .into(),
    );
    text += "\nParameters, each set by --env-param NAME=VALUE\n";
    let mut parameters: Vec<[String; 3]> = env
        .params
        .iter()
        .map(|param| {
            let default = match param.value {
                ParamValue::Fixed(value) if value == param.default => String::new(),
                _ => format!(", default {}", shortest(param.default, param.number)),
            };
            [
                format!("{}: {}", param.name, word_type(param.number)),
                format!("{}{default}", param.value),
                param.about.clone(),
            ]
        })
        .collect();
    parameters.extend(env.const_params.iter().map(|p| [p.name.clone(), as_given(&p.value), p.about.clone()]));
    let limit = env.max_episode_steps.map_or("none".into(), |steps| steps.to_string());
    parameters.push(["max_episode_steps".into(), limit, "time limit, steps".into()]);
    let rescaled = values.get(rescale::NAME).map_or("false", String::as_str);
    let about = "map observations with bounds from these to -1 to 1";
    parameters.push([rescale::NAME.into(), rescaled.into(), about.into()]);
    // A map is long; it goes below its description.
    const LONG: usize = 24;
    let widest = |column: usize| {
        let lengths = parameters.iter().map(|row| row[column].chars().count());
        lengths.filter(|length| *length <= LONG).max().unwrap_or(0)
    };
    let (name_width, value_width) = (widest(0), widest(1));
    for [name, value, about] in &parameters {
        let (beside, below) = if value.len() > LONG { ("", value.as_str()) } else { (value.as_str(), "") };
        text += format!("  {name:<name_width$}  {beside:<value_width$}  {about}").trim_end();
        text.push('\n');
        if !below.is_empty() {
            text += &format!("  {:<name_width$}  {below}\n", "");
        }
    }
    if !env.params.is_empty() {
        text +=
            "Those with a type also take NAME=uniform(LOW,HIGH): a value for each environment of a run.\n";
    }
    for (algo, table) in &entry.presets {
        text += &format!("\nPreset for {algo}\n");
        for (key, value) in table {
            text += &format!("  {key} = {value}\n");
        }
    }
    for row in &entry.results {
        text += &format!(
            "\nMeasured with {}\n  {}\n  wall time: {}\n",
            measured_title(row),
            row.result,
            row.wall
        );
        text += &format!("  {}\n", row.command);
    }
    let algo = if env.actions.outputs() > 0 { "" } else { " --algo sac" };
    text += &format!("\nTrain: softq train {}{algo}\n", if env.user { name } else { &env.short });
    if env.has_draw {
        text += &format!("Watch random actions: softq watch {}\n", if env.user { name } else { &env.short });
    }
    text
}

fn measured_title(row: &Measured) -> String {
    format!("{}, seeds {}, budget {} steps", row.algo, row.seeds, thousands(row.budget))
}

fn word_type(number: Number) -> &'static str {
    match number {
        Number::F32 => "f32",
        Number::U32 => "u32",
        Number::I32 => "i32",
    }
}

/// A value with the digits that its type can tell apart.
fn shortest(value: f64, number: Number) -> String {
    if number == Number::F32 { format!("{}", value as f32) } else { format!("{value}") }
}

/// The value of a constant as `--env-param` takes it: a map by its rows, a number without its type.
fn as_given(value: &str) -> String {
    let Some(rows) = value.strip_prefix("array(").filter(|rows| rows.contains("array(")) else {
        return value.strip_suffix('u').filter(|n| n.parse::<u32>().is_ok()).unwrap_or(value).to_owned();
    };
    let cell = |cell: &str| cell.trim().trim_end_matches('u').to_owned();
    let row = |row: &str| row.split(')').next().unwrap_or_default().split(',').map(cell).collect::<String>();
    rows.split("array(").skip(1).map(row).collect::<Vec<_>>().join("/")
}

/// Whether a bound is none: Gymnasium writes that as the largest f32.
fn open(bound: f32) -> bool {
    bound.abs() >= 3e38
}

/// Bounds without those that are none.
fn bounded(bounds: &[f32]) -> Vec<Option<f32>> {
    bounds.iter().map(|bound| Some(*bound).filter(|bound| !open(*bound))).collect()
}

/// Bounds of the observation: one pair where all are alike.
fn bounds(env: &Env) -> String {
    let pairs: Vec<(f32, f32)> = env.obs_low.iter().copied().zip(env.obs_high.iter().copied()).collect();
    let pair = |(low, high): (f32, f32)| match (open(low), open(high)) {
        (true, true) => "any".into(),
        (false, true) => format!("at least {low}"),
        (true, false) => format!("at most {high}"),
        (false, false) => format!("{low} to {high}"),
    };
    match pairs.split_first() {
        Some((first, rest)) if rest.iter().all(|other| other == first) => match pair(*first) {
            text if text == "any" => "without bounds".into(),
            text => format!("each {text}"),
        },
        _ => pairs.into_iter().map(pair).collect::<Vec<String>>().join("; "),
    }
}

/// The members of the state; arrays with their length instead of every word.
fn state_text(env: &Env) -> String {
    let mut members: Vec<(String, Number, usize)> = Vec::new();
    for word in &env.state {
        let base = word.name.split(['[', '.']).next().unwrap_or_default();
        match members.last_mut() {
            Some((name, _, count)) if *name == base => *count += 1,
            _ => members.push((base.to_owned(), word.number, 1)),
        }
    }
    let text = |(name, number, count): &(String, Number, usize)| match count {
        1 => format!("{name}: {}", word_type(*number)),
        count => format!("{name}: {count} x {}", word_type(*number)),
    };
    members.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_shown_as_the_command_line_takes_them() {
        assert_eq!(as_given("10u"), "10");
        assert_eq!(as_given("-0.5"), "-0.5");
        assert_eq!(as_given("array( array(S, F), array(1u, 2u,), )"), "SF/12");
    }
}
