//! The tables that entries name: one that stands in the file, one from the log of an environment in the same folder, or the
//! engine's own environment, asked for each state.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::envs::mdp::{Mdp, Outcome as Row};
use crate::envs::tabulate::{Starts, tabulate};
use crate::envs::{self, Values};
use crate::error::Error;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::files;
use crate::verify::conformance::log::{Line, Log};
use crate::verify::conformance::report::{Outcome, Problem, unsupported};
use crate::verify::conformance::variant;

/// An environment's id and the parameters in which it differs from its defaults.
fn named(name: &str) -> Outcome<(&str, Values)> {
    let (id, rest) = name.split_once(' ').unwrap_or((name, ""));
    let mut values = Values::new();
    let mut no = false;
    let no_map = |map: &str| unsupported(format!("the map '{map}' of the table '{name}' is not known"));
    for word in rest.split([' ', ',', '(', ')']).filter(|word| !word.is_empty()) {
        let flag = |name: &str| (name.to_owned(), (!no).to_string());
        let entry = match word.split_once('=') {
            Some(("map_name", name)) => map(name, &no_map)?,
            Some(("desc", rows)) => ("map".to_owned(), rows.to_owned()),
            Some((key, value)) => (key.to_owned(), value.to_owned()),
            None => match word {
                size if variant::MAPS.iter().any(|(name, _)| *name == size) => map(size, &no_map)?,
                "not" => {
                    no = true;
                    continue;
                }
                "slippery" => flag("is_slippery"),
                "rainy" => flag("is_rainy"),
                "dry" => ("is_rainy".to_owned(), no.to_string()),
                "fickle" => flag("fickle_passenger"),
                other => return unsupported(format!("'{other}' in the table '{name}' is not understood")),
            },
        };
        // The cells of a map are capital letters.
        let value = if entry.0 == "map" { entry.1 } else { entry.1.to_lowercase() };
        values.insert(entry.0.to_lowercase(), value);
        no = false;
    }
    Ok((id, values))
}

/// The parameter that stands for one of Gymnasium's named maps.
fn map(name: &str, unknown: &dyn Fn(&str) -> Outcome<(String, String)>) -> Outcome<(String, String)> {
    match variant::MAPS.iter().find(|(known, _)| *known == name) {
        Some((_, rows)) => Ok(("map".to_owned(), (*rows).to_owned())),
        None => unknown(name),
    }
}

/// A table, of which the first `states` are recorded: the engine may need one more where its episodes end.
pub(super) struct Table {
    pub(super) mdp: Mdp,
    pub(super) states: usize,
}

/// The table of this name.
pub(super) fn find(name: &str, folder: &Path, device: &mut Device<'_>) -> Outcome<Table> {
    let (id, mut values) = named(name)?;
    // The logs of environments may lie in the folder above that of the tables.
    let found = match recorded(id, &values, logs(folder)?)? {
        Recorded::Nothing => recorded(id, &values, logs_above(folder))?,
        found => found,
    };
    let mapping = match found {
        Recorded::Table(mdp) => return Ok(Table { states: mdp.states as usize, mdp }),
        Recorded::Mapping(mapping) => Some(mapping),
        Recorded::Nothing => None,
    };
    let plain = variant::open(id, &Values::new())?;
    if plain.const_params.iter().any(|param| param.name == "mapping") {
        // The seed is NumPy's; only the mapping itself can be taken over.
        let Some(mapping) = mapping else {
            return unsupported(format!("no log in the folder has the mapping of '{name}'"));
        };
        values.remove("mapping_seed");
        values.insert("mapping".into(), mapping);
    }
    let env = variant::open(id, &values)?;
    let listed: Vec<Vec<u32>> = match env.state.iter().map(|word| word.name.as_str()).collect::<Vec<_>>()[..]
    {
        ["row", "column"] => {
            let size = (1..=env.obs_size).find(|size| size * size == env.obs_size).unwrap_or(0);
            (0..size).flat_map(|row| (0..size).map(move |column| vec![row, column])).collect()
        }
        ["cell" | "index", ..] => {
            let state = |index| {
                let mut words = vec![0; env.state_words as usize];
                words[0] = index;
                words
            };
            (0..env.obs_size).map(state).collect()
        }
        _ => return unsupported(format!("the states of '{id}' have no order")),
    };
    let states = listed.len();
    match tabulate(device.executor(), env, Starts::Listed(listed)) {
        Ok(table) => Ok(Table { mdp: table.mdp, states }),
        Err(error @ Error::Invalid { .. }) => unsupported(error.to_string()),
        Err(error) => Err(error.into()),
    }
}

enum Recorded {
    Table(Mdp),
    Mapping(String),
    Nothing,
}

/// The logs in a folder, those in folders of its own included.
fn logs(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let log = |entry| match entry {
        files::Entry::Log(path) => Some(path),
        _ => None,
    };
    Ok(files::discover(folder)?.into_iter().filter_map(log).collect())
}

/// Those beside a folder. Whatever else lies there is none of this.
fn logs_above(folder: &Path) -> Vec<PathBuf> {
    let named =
        |above: &Path| if above.as_os_str().is_empty() { PathBuf::from(".") } else { above.to_owned() };
    let above = folder.parent().map(named).and_then(|above| std::fs::read_dir(above).ok());
    let mut logs: Vec<PathBuf> = above.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    logs.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl") && files::read(path).is_ok());
    logs.sort();
    logs
}

/// What logs say about an environment with these parameters.
fn recorded(id: &str, values: &Values, logs: Vec<PathBuf>) -> Outcome<Recorded> {
    let plain = variant::open(id, &Values::new())?;
    for path in logs {
        // A log that cannot be read has a line of its own.
        let Ok(log) = Log::parse(&files::read(&path)?) else { continue };
        if log.header.text("env") != Some(id) {
            continue;
        }
        for line in &log.lines {
            match line.kind() {
                "table" if agrees(plain, values, log.header.get("kwargs")) => {
                    return Ok(Recorded::Table(table(line)?));
                }
                "mapping"
                    if values.iter().all(|(name, value)| {
                        line.get(name)
                            .is_some_and(|given| variant::text(name, given).ok().as_ref() == Some(value))
                    }) =>
                {
                    let rows = line.list("action_mapping")?;
                    return Ok(Recorded::Mapping(variant::joined("action_mapping", rows)?));
                }
                _ => {}
            }
        }
    }
    Ok(Recorded::Nothing)
}

/// Whether a log's arguments are these parameters, defaults understood on both sides.
fn agrees(plain: &'static envs::Env, values: &Values, arguments: Option<&Value>) -> bool {
    let none = serde_json::Map::new();
    let arguments = arguments.and_then(Value::as_object).unwrap_or(&none);
    let word = |text: &str| match text {
        "true" => 1.0,
        "false" => 0.0,
        number => number.parse().unwrap_or(f64::NAN),
    };
    // Arguments that are no parameters, such as a map, make another table.
    let known = |name: &String| plain.params.iter().any(|param| param.name == *name);
    let own_map = |name: &String, value: &Value| name == "map_name" && map_of(plain, value);
    if !arguments.iter().all(|(name, value)| value.is_null() || known(name) || own_map(name, value)) {
        return false;
    }
    values.keys().all(known)
        && plain.params.iter().all(|param| {
            let given = values.get(&param.name).map_or(param.default, |text| word(text));
            let argument = arguments.get(&param.name).filter(|value| !value.is_null());
            let argument = argument.and_then(|value| variant::text(&param.name, value).ok());
            let argument = argument.map_or(param.default, |text| word(&text));
            (given - argument).abs() <= 1e-7
        })
}

/// Whether a named map is the environment's own.
fn map_of(plain: &envs::Env, name: &Value) -> bool {
    match plain.id.as_str() {
        "FrozenLake-v1" => name == "4x4",
        "FrozenLake8x8-v1" => name == "8x8",
        _ => false,
    }
}

/// A recorded table.
pub(super) fn table(line: &Line) -> Outcome<Mdp> {
    let states = line.list("P")?;
    let actions = states.first().and_then(Value::as_array).map_or(0, Vec::len);
    let mut outcomes = Vec::new();
    for of_state in states {
        let of_state = of_state.as_array().map_or(&[][..], Vec::as_slice);
        line.expect_len("P", of_state.len(), actions)?;
        for list in of_state {
            let list = list.as_array().map_or(&[][..], Vec::as_slice);
            let outcome = |row: &Value| {
                let row = line.row("P", row, 4)?;
                let (next, terminated) = (row[1] as u32, row[3] != 0.0);
                Ok(Row { probability: row[0], next, reward: row[2], terminated })
            };
            outcomes.push(list.iter().map(outcome).collect::<Outcome<Vec<_>>>()?);
        }
    }
    let starts = if line.has("isd") { line.rows("isd", 2)? } else { Vec::new() };
    let starts = starts.iter().map(|row| (row[0] as u32, row[1])).collect();
    Mdp::new(states.len() as u32, actions as u32, outcomes, starts)
        .map_err(|error| Problem::Malformed(format!("line {}: {error}", line.number)))
}
