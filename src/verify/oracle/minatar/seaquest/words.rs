//! The package's variables from the words of our state, and back.

use super::{Env, Item};
use crate::verify::oracle::minatar::Map;

/// Bits `low` to `low + count` of a word.
fn part(word: u32, low: u32, count: u32) -> i64 {
    i64::from(word / 2u32.pow(low) % 2u32.pow(count))
}

/// A list of entries of 16 bits.
fn entries(words: &[u32], count: u32) -> Vec<u32> {
    (0..count as usize)
        .map(|i| if i % 2 == 0 { words[i / 2] % 65536 } else { words[i / 2] / 65536 })
        .collect()
}

fn item(entry: u32) -> Item {
    [part(entry, 0, 4), part(entry, 4, 3) + 1, part(entry, 7, 1), part(entry, 8, 3), part(entry, 12, 4)]
}

/// The map of rows 1 to 8 in three words.
fn field(words: &[u32]) -> Map {
    let mut map = Map::default();
    for y in 0..8 {
        for x in 0..10 {
            map[y + 1][x] = part(words[y / 3], (y % 3 * 10 + x) as u32, 1) == 1;
        }
    }
    map
}

/// The three words of a map.
fn field_words(map: &Map) -> [u32; 3] {
    let mut words = [0; 3];
    for y in 0..8 {
        for x in 0..10 {
            words[y / 3] += u32::from(map[y + 1][x]) << (y % 3 * 10 + x);
        }
    }
    words
}

/// Marks a cell, if it is one.
pub fn mark(map: &mut Map, x: i64, y: i64) {
    if (0..10).contains(&x) {
        map[y as usize][x as usize] = true;
    }
}

impl Env {
    /// From our words.
    pub fn read(s: &[u32]) -> Env {
        let numbers = |range: std::ops::Range<usize>| s[range].iter().map(|word| i64::from(*word as i32));
        let n: Vec<i64> = numbers(0..12).collect();
        let (e_fish, e_subs): (Vec<u32>, Vec<u32>) =
            entries(&s[19..35], s[18]).into_iter().partition(|entry| part(*entry, 11, 1) == 0);
        let bullet = |i: u32| {
            let at = 9 * i;
            [part(s[14], at, 4), part(s[14], at + 4, 4), part(s[14], at + 8, 1), 0, 0]
        };
        let mut e_bullets = Vec::new();
        for (words, lr) in [(&s[35..38], 1), (&s[38..41], 0)] {
            for (y, row) in field(words).iter().enumerate() {
                let lit = (0..10).filter(|x| row[*x]);
                e_bullets.extend(lit.map(|x| [x as i64, y as i64, lr, 0, 0]));
            }
        }
        Env {
            sub_x: n[0],
            sub_y: n[1],
            sub_or: n[2],
            surface: n[3] == 1,
            oxygen: n[4],
            diver_count: n[5],
            e_spawn_speed: n[6],
            e_spawn_timer: n[7],
            d_spawn_timer: n[8],
            move_speed: n[9],
            shot_timer: n[10],
            ramp_index: n[11],
            f_bullets: (0..s[13]).map(bullet).collect(),
            e_bullets,
            e_fish: e_fish.into_iter().map(item).collect(),
            e_subs: e_subs.into_iter().map(item).collect(),
            divers: entries(&s[16..18], s[15]).into_iter().map(item).collect(),
            terminal: false,
        }
    }

    /// To our words.
    pub fn words(&self, last_action: u32) -> Vec<u32> {
        let numbers = [
            self.sub_x,
            self.sub_y,
            self.sub_or,
            i64::from(self.surface),
            self.oxygen,
            self.diver_count,
            self.e_spawn_speed,
            self.e_spawn_timer,
            self.d_spawn_timer,
            self.move_speed,
            self.shot_timer,
            self.ramp_index,
        ];
        let mut words: Vec<u32> = numbers.iter().map(|number| *number as i32 as u32).collect();
        let own =
            self.f_bullets.iter().rev().fold(0, |all, b| all * 512 + (b[0] + 16 * b[1] + 256 * b[2]) as u32);
        words.extend([last_action, self.f_bullets.len() as u32, own, self.divers.len() as u32]);
        let entry = |i: &Item, sub: i64| {
            (i[0] + 16 * (i[1] - 1) + 128 * i[2] + 256 * i[3] + 2048 * sub + 4096 * i[4]) as u32
        };
        let packed = |list: Vec<u32>, count: usize| {
            let at = move |i: usize| list.get(i).copied().unwrap_or(0);
            (0..count).map(move |i| at(2 * i) + 65536 * at(2 * i + 1)).collect::<Vec<u32>>()
        };
        words.extend(packed(self.divers.iter().map(|diver| entry(diver, 0)).collect(), 2));
        words.push((self.e_subs.len() + self.e_fish.len()) as u32);
        let subs = self.e_subs.iter().map(|sub| entry(sub, 1));
        words.extend(packed(subs.chain(self.e_fish.iter().map(|fish| entry(fish, 0))).collect(), 16));
        let mut maps = [Map::default(); 5];
        for bullet in &self.e_bullets {
            mark(&mut maps[if bullet[2] == 1 { 0 } else { 1 }], bullet[0], bullet[1]);
        }
        for (list, map) in [(&self.e_fish, Some(2)), (&self.e_subs, Some(3)), (&self.divers, None)] {
            for [x, y, lr, ..] in list {
                if let Some(map) = map {
                    mark(&mut maps[map], *x, *y);
                }
                mark(&mut maps[4], if *lr == 1 { x - 1 } else { x + 1 }, *y);
            }
        }
        words.extend(maps.iter().flat_map(field_words));
        words
    }
}
