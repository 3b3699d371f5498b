//! The words of our states from the variables of MinAtar's games, and the uniform numbers that make the recorded draws.

use serde_json::Value;

use crate::verify::conformance::bsuite::board;
use crate::verify::conformance::log::Line;
use crate::verify::conformance::minatar::Drawn;
use crate::verify::conformance::minatar_seaquest;
use crate::verify::conformance::report::{Outcome, malformed, unsupported};

/// Words of a state by name.
pub type Words = Vec<(String, u32)>;

/// A game and how its records are read.
pub struct Game {
    /// Name of its file in the package.
    pub name: &'static str,
    /// Our environment.
    pub id: &'static str,
    /// Words of a state by name; all others but the action before are 0.
    pub words: fn(&Recorded<'_>) -> Outcome<Words>,
    /// Uniform numbers of a step from this state, after the one that decides the action.
    pub draws: fn(&Recorded<'_>, &[Drawn]) -> Outcome<Vec<f64>>,
    /// Uniform numbers of a reset.
    pub reset_draws: fn(&Line, &[Drawn]) -> Outcome<Vec<f64>>,
}

/// The games that are built in.
pub const GAMES: &[Game] = &[
    Game {
        name: "breakout",
        id: "Breakout-MinAtar",
        words: breakout,
        draws: |before, drawn| no_draws(before.line, drawn),
        reset_draws: breakout_reset,
    },
    Game {
        name: "freeway",
        id: "Freeway-MinAtar",
        words: freeway,
        // Cars get other speeds where the chicken arrives; what else it does follows from the words.
        draws: |before, drawn| {
            if drawn.is_empty() { Ok(Vec::new()) } else { freeway_speeds(before.line, drawn) }
        },
        reset_draws: freeway_speeds,
    },
    Game {
        name: "asterix",
        id: "Asterix-MinAtar",
        words: asterix,
        draws: asterix_draws,
        reset_draws: no_draws,
    },
    Game {
        name: "space_invaders",
        id: "SpaceInvaders-MinAtar",
        words: space_invaders,
        draws: |before, drawn| no_draws(before.line, drawn),
        reset_draws: no_draws,
    },
    Game {
        name: "seaquest",
        id: "Seaquest-MinAtar",
        words: minatar_seaquest::words,
        draws: minatar_seaquest::draws,
        reset_draws: no_draws,
    },
];

/// One recorded state.
pub struct Recorded<'a> {
    /// Where it stands.
    pub line: &'a Line,
    fields: &'a [&'a str],
    row: &'a [Value],
}

impl<'a> Recorded<'a> {
    /// Names of the variables with their values.
    pub fn new(line: &'a Line, fields: &'a [&'a str], row: &'a Value) -> Outcome<Recorded<'a>> {
        match row.as_array().filter(|row| row.len() == fields.len()) {
            Some(row) => Ok(Recorded { line, fields, row }),
            None => malformed(format!("line {}: a state has no {} variables", line.number, fields.len())),
        }
    }

    fn get(&self, name: &str) -> Outcome<&'a Value> {
        match self.fields.iter().position(|field| *field == name) {
            Some(place) => Ok(&self.row[place]),
            None => unsupported(format!("line {}: the state holds no '{name}'", self.line.number)),
        }
    }

    /// A whole number between two.
    pub fn whole(&self, name: &str, low: i32, high: i32) -> Outcome<i32> {
        whole(self.line, name, self.get(name)?, low, high)
    }

    /// Words of the same name that are whole numbers from 0 on.
    pub fn plain(&self, limits: &[(&str, i32)]) -> Outcome<Words> {
        limits.iter().map(|(name, high)| Ok(((*name).into(), self.whole(name, 0, *high)? as u32))).collect()
    }

    /// A list.
    pub fn list(&self, name: &str) -> Outcome<&'a Vec<Value>> {
        match self.get(name)?.as_array() {
            Some(list) => Ok(list),
            None => malformed(format!("line {}: '{name}' is no list", self.line.number)),
        }
    }

    /// An entry of a list: numbers between limits.
    pub fn entry(&self, name: &str, entry: &Value, limits: &[(i32, i32)]) -> Outcome<Vec<i32>> {
        match entry.as_array().filter(|numbers| numbers.len() == limits.len()) {
            Some(numbers) => numbers
                .iter()
                .zip(limits)
                .map(|(number, (low, high))| whole(self.line, name, number, *low, *high))
                .collect(),
            None => malformed(format!("line {}: '{name}' holds {entry}", self.line.number)),
        }
    }

    /// A map of 10 x 10 flags, row by row.
    fn map(&self, name: &str) -> Outcome<Vec<bool>> {
        Ok(board(self.line, self.get(name)?, 100)?.iter().map(|cell| cell.value != 0.0).collect())
    }
}

/// A whole number between two.
fn whole(line: &Line, name: &str, value: &Value, low: i32, high: i32) -> Outcome<i32> {
    // The package's maps of flags hold numbers, and its directions truths.
    let number = value.as_bool().map_or(value.as_f64(), |truth| Some(f64::from(u8::from(truth))));
    match number {
        Some(number) if number.fract() == 0.0 && (f64::from(low)..=f64::from(high)).contains(&number) => {
            Ok(number as i32)
        }
        _ => malformed(format!("line {}: '{name}' is {value}, expected {low} to {high}", line.number)),
    }
}

/// The flags of some cells as bits.
fn bits(flags: &[bool]) -> u32 {
    flags.iter().enumerate().fold(0, |bits, (place, flag)| bits | u32::from(*flag) << place)
}

/// The middle of share `choice` of `count`.
pub fn share(line: &Line, choice: f64, count: u32) -> Outcome<f64> {
    if choice.fract() == 0.0 && (0.0..f64::from(count)).contains(&choice) {
        return Ok((choice + 0.5) / f64::from(count));
    }
    malformed(format!("line {}: {choice} was drawn of {count}", line.number))
}

/// Draws that no rule of the game explains.
pub fn unexplained<T>(line: &Line, drawn: &[Drawn]) -> Outcome<T> {
    let names: Vec<&str> = drawn.iter().map(|draw| draw.name.as_str()).collect();
    malformed(format!("line {}: draws {names:?} do not belong to this state", line.number))
}

fn no_draws(line: &Line, drawn: &[Drawn]) -> Outcome<Vec<f64>> {
    if drawn.is_empty() { Ok(Vec::new()) } else { unexplained(line, drawn) }
}

fn breakout(recorded: &Recorded<'_>) -> Outcome<Words> {
    let mut words = recorded.plain(&[
        ("ball_x", 9),
        ("ball_y", 9),
        ("ball_dir", 3),
        ("last_x", 9),
        ("last_y", 9),
        ("pos", 9),
        ("strike", 1),
    ])?;
    let bricks = recorded.map("brick_map")?;
    if bricks[..10].iter().chain(&bricks[40..]).any(|brick| *brick) {
        return unsupported(format!("line {}: a brick outside of rows 1 to 3", recorded.line.number));
    }
    words.push(("bricks".into(), bits(&bricks[10..40])));
    Ok(words)
}

fn breakout_reset(line: &Line, drawn: &[Drawn]) -> Outcome<Vec<f64>> {
    match drawn {
        [Drawn { name, values }] if name == "randint" && values.len() == 1 => {
            Ok(vec![share(line, values[0], 2)?])
        }
        _ => unexplained(line, drawn),
    }
}

fn freeway(recorded: &Recorded<'_>) -> Outcome<Words> {
    let mut words = recorded.plain(&[("pos", 9), ("move_timer", 3)])?;
    words.push(("terminate_timer".into(), recorded.whole("terminate_timer", -1, 2500)? as u32));
    let cars = recorded.list("cars")?;
    recorded.line.expect_len("cars", cars.len(), 8)?;
    let (mut x, mut timers, mut speeds) = (0, 0, 0);
    for (row, car) in (1..).zip(cars) {
        let car = recorded.entry("cars", car, &[(0, 9), (row, row), (0, 5), (-5, 5)])?;
        let shift = 4 * (row - 1);
        x |= (car[0] as u32) << shift;
        timers |= (car[2] as u32) << shift;
        speeds |= (car[3].unsigned_abs() + 8 * u32::from(car[3] > 0)) << shift;
    }
    words.extend([("x".into(), x), ("timers".into(), timers), ("speeds".into(), speeds)]);
    Ok(words)
}

/// Eight speeds from 1 to 5 and eight numbers, above a half to the right, are eight choices of ten here.
fn freeway_speeds(line: &Line, drawn: &[Drawn]) -> Outcome<Vec<f64>> {
    match drawn {
        [Drawn { name: first, values: speeds }, Drawn { name: second, values: directions }]
            if first == "randint" && second == "rand" && speeds.len() == 8 && directions.len() == 8 =>
        {
            let choice = |(speed, direction): (&f64, &f64)| {
                share(line, 2.0 * (speed - 1.0) + f64::from(u8::from(*direction > 0.5)), 10)
            };
            speeds.iter().zip(directions).map(choice).collect()
        }
        _ => unexplained(line, drawn),
    }
}

fn asterix(recorded: &Recorded<'_>) -> Outcome<Words> {
    // `shot_timer` is a variable of the package that no rule reads.
    let mut words = recorded.plain(&[
        ("player_x", 9),
        ("spawn_speed", 10),
        ("spawn_timer", 10),
        ("move_speed", 5),
        ("move_timer", 5),
        ("ramp_index", i32::MAX),
    ])?;
    words.push(("player_y".into(), recorded.whole("player_y", 1, 8)? as u32));
    words.push(("ramp_timer".into(), recorded.whole("ramp_timer", -1, 100)? as u32));
    let entities = recorded.list("entities")?;
    recorded.line.expect_len("entities", entities.len(), 8)?;
    let (mut present, mut right, mut gold, mut x) = (0, 0, 0, 0);
    for (row, entity) in (0..).zip(entities) {
        if entity.is_null() {
            continue;
        }
        let entity = recorded.entry("entities", entity, &[(0, 9), (row + 1, row + 1), (0, 1), (0, 1)])?;
        present |= 1 << row;
        right |= (entity[2] as u32) << row;
        gold |= (entity[3] as u32) << row;
        x |= (entity[0] as u32) << (4 * row);
    }
    for (name, value) in [("present", present), ("right", right), ("gold", gold), ("x", x)] {
        words.push((name.into(), value));
    }
    Ok(words)
}

/// Direction and kind of what comes, and its row among the empty ones.
fn asterix_draws(before: &Recorded<'_>, drawn: &[Drawn]) -> Outcome<Vec<f64>> {
    let free = before.list("entities")?.iter().filter(|entity| entity.is_null()).count();
    let names: Vec<&str> = drawn.iter().map(|draw| draw.name.as_str()).collect();
    let values: Vec<f64> = drawn.iter().flat_map(|draw| draw.values.iter().copied()).collect();
    match (names.as_slice(), values.as_slice()) {
        ([], []) => Ok(Vec::new()),
        (["rand", "rand"], [lr, gold]) if free == 0 => Ok(vec![*lr, *gold]),
        (["rand", "rand", "randint"], [lr, gold, slot]) => {
            Ok(vec![*lr, *gold, share(before.line, *slot, free as u32)?])
        }
        _ => unexplained(before.line, drawn),
    }
}

fn space_invaders(recorded: &Recorded<'_>) -> Outcome<Words> {
    let mut words = recorded.plain(&[
        ("pos", 9),
        ("alien_move_timer", 12),
        ("alien_shot_timer", 10),
        ("enemy_move_interval", 12),
        ("ramp_index", i32::MAX),
        ("shot_timer", 5),
    ])?;
    words.push(("alien_dir".into(), recorded.whole("alien_dir", -1, 1)? as u32));
    for (name, own) in [("alien_map", "aliens"), ("f_bullet_map", "f_bullets"), ("e_bullet_map", "e_bullets")]
    {
        let map = recorded.map(name)?;
        for (component, rows) in ["x", "y", "z", "w"].iter().zip(map.chunks(30)) {
            words.push((format!("{own}.{component}"), bits(rows)));
        }
    }
    Ok(words)
}
