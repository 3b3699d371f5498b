//! Seaquest's state from the package's variables, and the uniform numbers of its draws.

use crate::verify::conformance::minatar::Drawn;
use crate::verify::conformance::minatar_states::{Recorded, Words, share, unexplained};
use crate::verify::conformance::report::{Outcome, unsupported};

/// What goes through the field in a row from 1 to 8: x, y - 1 and direction.
fn swimmer(entry: &[i32]) -> u32 {
    (entry[0] + 16 * (entry[1] - 1) + 128 * entry[2]) as u32
}

/// Entries of 16 bits, two to a word.
fn pairs(name: &str, words: usize, entries: &[u32]) -> Words {
    let word = |i: usize| entries.get(i).unwrap_or(&0) | entries.get(i + 1).unwrap_or(&0) << 16;
    (0..words).map(|i| (format!("{name}[{i}]"), word(2 * i))).collect()
}

/// A map of the cells of some entries, moved by so many columns against their direction.
fn cells(name: &str, entries: &[u32], back: i32) -> Words {
    let mut words = [0u32; 3];
    for entry in entries {
        let direction = if entry & 128 != 0 { 1 } else { -1 };
        let (x, row) = ((entry & 15) as i32 - back * direction, entry >> 4 & 7);
        if (0..10).contains(&x) {
            words[(row / 3) as usize] |= 1 << (row % 3 * 10 + x as u32);
        }
    }
    words.iter().enumerate().map(|(i, word)| (format!("{name}[{i}]"), *word)).collect()
}

/// Words of a state by name.
pub fn words(recorded: &Recorded<'_>) -> Outcome<Words> {
    let mut words = recorded.plain(&[
        ("sub_x", 9),
        ("sub_y", 8),
        ("sub_or", 1),
        ("surface", 1),
        ("e_spawn_speed", 20),
        ("e_spawn_timer", 20),
        ("d_spawn_timer", 30),
        ("move_speed", 5),
        ("shot_timer", 5),
        ("ramp_index", i32::MAX),
    ])?;
    words.push(("oxygen".into(), recorded.whole("oxygen", -1, 200)? as u32));
    words.push(("diver_count".into(), recorded.whole("diver_count", i32::MIN, 6)? as u32));
    let list = |name: &str, most: usize, limits: &[(i32, i32)]| {
        let list = recorded.list(name)?;
        if list.len() > most {
            return unsupported(format!("line {}: {} {name}", recorded.line.number, list.len()));
        }
        list.iter().map(|entry| recorded.entry(name, entry, limits)).collect::<Outcome<Vec<_>>>()
    };
    let swim = [(0, 9), (1, 8), (0, 1), (0, 5)];
    let (fish, divers) = (list("e_fish", 32, &swim)?, list("divers", 4, &swim)?);
    let subs = list("e_subs", 32 - fish.len(), &[(0, 9), (1, 8), (0, 1), (0, 5), (0, 10)])?;
    let timed = |entry: &Vec<i32>| swimmer(entry) + 256 * entry[3] as u32;
    let [fish, divers] = [fish, divers].map(|list| list.iter().map(timed).collect::<Vec<_>>());
    let subs: Vec<u32> = subs.iter().map(|sub| timed(sub) + 2048 + 4096 * sub[4] as u32).collect();
    // Their order among each other means nothing, but ours is one.
    words.push(("e_count".into(), (fish.len() + subs.len()) as u32));
    words.extend(pairs("enemies", 16, &[&subs[..], &fish].concat()));
    words.push(("d_count".into(), divers.len() as u32));
    words.extend(pairs("divers", 2, &divers));
    words.extend(cells("fish", &fish, 0));
    words.extend(cells("subs", &subs, 0));
    words.extend(cells("trail", &[fish, subs, divers].concat(), 1));
    let shots = list("e_bullets", usize::MAX, &[(0, 9), (1, 8), (0, 1)])?;
    for (name, right) in [("e_right", 1), ("e_left", 0)] {
        let list: Vec<u32> = shots.iter().filter(|shot| shot[2] == right).map(|shot| swimmer(shot)).collect();
        words.extend(cells(name, &list, 0));
    }
    let own = list("f_bullets", 3, &[(0, 9), (0, 8), (0, 1)])?;
    let packed = own
        .iter()
        .rev()
        .fold(0, |all, bullet| all << 9 | (bullet[0] + 16 * bullet[1] + 256 * bullet[2]) as u32);
    words.extend([("f_count".into(), own.len() as u32), ("f_bullets".into(), packed)]);
    Ok(words)
}

/// Direction, kind and row of an enemy, direction and row of a diver, in this order.
pub fn draws(before: &Recorded<'_>, drawn: &[Drawn]) -> Outcome<Vec<f64>> {
    let due = |timer: &str| before.whole(timer, 0, 30).map(|left| left == 0);
    let mut names = Vec::new();
    if due("e_spawn_timer")? {
        names.extend(["rand", "rand", "randint"]);
    }
    if due("d_spawn_timer")? {
        names.extend(["rand", "randint"]);
    }
    let same = names.len() == drawn.len()
        && names.iter().zip(drawn).all(|(name, draw)| draw.name == *name && draw.values.len() == 1);
    if !same {
        return unexplained(before.line, drawn);
    }
    let uniform = |draw: &Drawn| match draw.name.as_str() {
        "randint" => share(before.line, draw.values[0] - 1.0, 8),
        _ => Ok(draw.values[0]),
    };
    drawn.iter().map(uniform).collect()
}
