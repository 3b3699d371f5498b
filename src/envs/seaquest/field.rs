//! What lives in Seaquest's field: enemies, divers and bullets, in the lists and maps of the state.

use super::State;
use crate::shared::grid::choice_of;
use crate::shared::minatar::SIDE;
use crate::shared::rng::Rng;

/// At most 30 enemies live at a time: where one comes with every step, each is gone after 30 steps.
pub const MOST_ENEMIES: u32 = 32;
/// Most divers; one comes every 30 steps and is gone after 60.
pub const MOST_DIVERS: u32 = 4;
/// Most own bullets; one is fired every 5 steps and is gone after 10.
pub const MOST_BULLETS: u32 = 3;
/// The bit of an enemy or a diver that goes to the right.
pub const TO_THE_RIGHT: u32 = 0x80;
/// One step of a timer.
pub const ONE_STEP: u32 = 0x100;
/// The bit of a submarine.
pub const SUBMARINE: u32 = 0x800;
/// One step of a shot timer.
pub const ONE_SHOT: u32 = 0x1000;

const ENEMY_SHOT_INTERVAL: u32 = 10;
const DIVER_MOVE_INTERVAL: u32 = 5;
const THIRD: f32 = 0.333_333_34;
const TIMER: u32 = 0x700;
const SHOT: u32 = 0xf000;
/// An enemy that is gone; it leaves the list with the end of the step.
const GONE: u32 = 0xffff;
/// Column 0 of three rows.
const LEFT_EDGE: u32 = 0x0010_0401;
/// Column 9 of three rows.
const RIGHT_EDGE: u32 = 0x2008_0200;

/// What became of a kind of enemies in a step.
#[derive(Default)]
pub struct Met {
    /// How many were hit.
    pub hits: u32,
    /// Whether one was where the submarine is.
    pub terminated: bool,
}

/// Something new at the edge of a row.
fn entering(row: u32, right: bool, timer: u32) -> u32 {
    (if right { TO_THE_RIGHT } else { 9 }) | row << 4 | (timer * ONE_STEP)
}

/// x and y of an enemy or a diver, as 4 bits each.
fn cell_of(entry: u32) -> u32 {
    entry & 0xf | ((entry & 0x70) + 0x10)
}

/// Whether an enemy or a diver leaves the field with its next move.
fn leaves(entry: u32) -> bool {
    entry & 0xf == if entry & TO_THE_RIGHT != 0 { 9 } else { 0 }
}

fn moved(entry: u32) -> u32 {
    if entry & TO_THE_RIGHT != 0 { entry + 1 } else { entry - 1 }
}

/// The bit of a cell of rows 1 to 8, of which `row` counts from 0.
fn bit_of(x: u32, row: u32) -> u32 {
    1 << (row % 3 * SIDE + x)
}

/// Whether a cell of rows 1 to 8 is marked.
pub fn marked(map: &[u32; 3], y: u32, x: u32) -> bool {
    y != 0 && y != 9 && map[((y - 1) / 3) as usize] & bit_of(x, y - 1) != 0
}

/// Marks the cell of an entry.
fn mark(map: &mut [u32; 3], x: u32, entry: u32) {
    let row = entry >> 4 & 7;
    map[(row / 3) as usize] |= bit_of(x, row);
}

/// Marks where something came from, if that is on the field.
fn mark_trail(map: &mut [u32; 3], entry: u32) {
    let (x, right) = (entry & 0xf, entry & TO_THE_RIGHT != 0);
    if x != if right { 0 } else { 9 } {
        mark(map, if right { x - 1 } else { x + 1 }, entry);
    }
}

impl State {
    fn sub_cell(&self) -> u32 {
        self.sub_x | self.sub_y << 4
    }

    /// Enemy `i`.
    pub fn enemy(&self, i: u32) -> u32 {
        self.enemies[(i >> 1) as usize] >> ((i & 1) * 16) & 0xffff
    }

    /// Writes enemy `i`.
    pub fn set_enemy(&mut self, i: u32, entry: u32) {
        let shift = (i & 1) * 16;
        let word = &mut self.enemies[(i >> 1) as usize];
        *word = *word & !(0xffff << shift) | entry << shift;
    }

    fn diver(&self, i: u32) -> u32 {
        self.divers[(i >> 1) as usize] >> ((i & 1) * 16) & 0xffff
    }

    fn own_bullet(&self, i: u32) -> u32 {
        self.f_bullets >> (i * 9) & 0x1ff
    }

    /// Whether a diver is in a cell.
    pub fn diver_at(&self, cell: u32) -> bool {
        (0..self.d_count).any(|i| cell_of(self.diver(i)) == cell)
    }

    /// Whether an own bullet is in a cell.
    pub fn own_bullet_at(&self, cell: u32) -> bool {
        (0..self.f_count).any(|i| self.own_bullet(i) & 0xff == cell)
    }

    /// An enemy comes in a row, unless one goes the other way there.
    pub fn spawn_enemy(&mut self, rng: &mut Rng<'_>) {
        let lr = rng.uniform() < 0.5;
        let is_sub = rng.uniform() < THIRD;
        let row = choice_of(rng.uniform(), 8);
        let fresh = entering(row, lr, self.move_speed);
        // The same row and another direction.
        if (0..self.e_count).any(|i| (self.enemy(i) ^ fresh) & 0xf0 == TO_THE_RIGHT) {
            return;
        }
        if self.e_count < MOST_ENEMIES {
            let kind = if is_sub { SUBMARINE + ENEMY_SHOT_INTERVAL * ONE_SHOT } else { 0 };
            self.set_enemy(self.e_count, fresh | kind);
            self.e_count += 1;
        }
    }

    /// A diver comes.
    pub fn spawn_diver(&mut self, rng: &mut Rng<'_>) {
        let lr = rng.uniform() < 0.5;
        let row = choice_of(rng.uniform(), 8);
        let i = self.d_count;
        if i < MOST_DIVERS {
            self.divers[(i >> 1) as usize] |= entering(row, lr, DIVER_MOVE_INTERVAL) << ((i & 1) * 16);
            self.d_count += 1;
        }
    }

    /// The submarine fires.
    pub fn add_bullet(&mut self) {
        if self.f_count < MOST_BULLETS {
            self.f_bullets |= (self.sub_cell() | self.sub_or << 8) << (self.f_count * 9);
            self.f_count += 1;
        }
    }

    fn remove_bullet(&mut self, i: u32) {
        let before = self.f_bullets & ((1 << (i * 9)) - 1);
        let after = self.f_bullets >> (i * 9 + 9) << (i * 9);
        self.f_bullets = before | after;
        self.f_count -= 1;
    }

    /// Removes the first own bullet in a cell, if there is one.
    fn hit_by_bullet(&mut self, cell: u32) -> bool {
        let found = (0..self.f_count).find(|i| self.own_bullet(*i) & 0xff == cell);
        found.inspect(|i| self.remove_bullet(*i)).is_some()
    }

    /// Removes the first enemy in a cell, fish before submarines.
    fn hit_enemy(&mut self, cell: u32) -> bool {
        let here = |i: &u32| self.enemy(*i) != GONE && cell_of(self.enemy(*i)) == cell;
        let fish = (0..self.e_count).filter(here).find(|i| self.enemy(*i) & SUBMARINE == 0);
        let found = fish.or_else(|| (0..self.e_count).find(here));
        found.inspect(|i| self.set_enemy(*i, GONE)).is_some()
    }

    /// Own bullets, the last one first. Returns how many hit. The package removes the first bullet that equals the one that hit.
    pub fn move_own_bullets(&mut self) -> u32 {
        let mut hits = 0;
        for i in (0..self.f_count).rev() {
            let bullet = self.own_bullet(i);
            let right = bullet & 0x100 != 0;
            if bullet & 0xf == if right { 9 } else { 0 } {
                self.remove_bullet(i);
                continue;
            }
            let ahead = if right { bullet + 1 } else { bullet - 1 };
            self.f_bullets ^= (bullet ^ ahead) << (i * 9);
            if self.hit_enemy(ahead & 0xff) {
                self.remove_bullet((0..i).find(|j| self.own_bullet(*j) == ahead).unwrap_or(i));
                hits += 1;
            }
        }
        hits
    }

    /// Divers, the last one first: taken aboard where there is room, or moved.
    pub fn move_divers(&mut self) {
        let sub = self.sub_cell();
        for i in (0..self.d_count).rev() {
            let mut diver = self.diver(i);
            let mut gone = false;
            if cell_of(diver) == sub && self.diver_count < 6 {
                gone = true;
                self.diver_count += 1;
            } else if diver & TIMER != 0 {
                diver -= ONE_STEP;
            } else if leaves(diver) {
                gone = true;
            } else {
                diver = moved(diver) + DIVER_MOVE_INTERVAL * ONE_STEP;
                if cell_of(diver) == sub && self.diver_count < 6 {
                    gone = true;
                    self.diver_count += 1;
                }
            }
            let shift = (i & 1) * 16;
            let word = &mut self.divers[(i >> 1) as usize];
            *word = *word & !(0xffff << shift) | diver << shift;
            if gone {
                self.remove_diver(i);
            }
        }
    }

    fn remove_diver(&mut self, i: u32) {
        let [first, second] = self.divers;
        if i < 2 {
            self.divers[0] = (if i == 0 { first >> 16 } else { first & 0xffff }) | second << 16;
            self.divers[1] = second >> 16;
        } else {
            self.divers[1] = if i == 2 { second >> 16 } else { second & 0xffff };
        }
        self.d_count -= 1;
    }

    /// Submarines or fish, the last one first. The package removes the first enemy that equals the one that was hit, which is
    /// that one: a bullet is left only where no other enemy was before.
    pub fn move_enemies(&mut self, kind: u32) -> Met {
        let mut met = Met::default();
        let sub = self.sub_cell();
        for i in (0..self.e_count).rev() {
            let mut entry = self.enemy(i);
            if entry == GONE || entry & SUBMARINE != kind {
                continue;
            }
            met.terminated |= cell_of(entry) == sub;
            let mut gone = false;
            if entry & TIMER != 0 {
                entry -= ONE_STEP;
            } else if leaves(entry) {
                self.set_enemy(i, GONE);
                continue;
            } else {
                entry = moved(entry) + self.move_speed * ONE_STEP;
                if cell_of(entry) == sub {
                    met.terminated = true;
                } else {
                    gone = self.hit_by_bullet(cell_of(entry));
                }
            }
            // Even one that was hit still shoots.
            if kind != 0 && entry & SHOT == 0 {
                entry |= ENEMY_SHOT_INTERVAL * ONE_SHOT;
                self.add_shot(entry);
            } else if kind != 0 {
                entry -= ONE_SHOT;
            }
            met.hits += u32::from(gone);
            self.set_enemy(i, if gone { GONE } else { entry });
        }
        met
    }

    /// A submarine's bullet, where the submarine is.
    fn add_shot(&mut self, entry: u32) {
        let map = if entry & TO_THE_RIGHT != 0 { &mut self.e_right } else { &mut self.e_left };
        mark(map, entry & 0xf, entry);
    }

    /// Whether a bullet of an enemy is where the submarine is.
    fn shot_at(&self) -> bool {
        [&self.e_right, &self.e_left].iter().any(|map| marked(map, self.sub_y, self.sub_x))
    }

    /// Bullets of the enemies. Whether one met the submarine.
    pub fn move_shots(&mut self) -> bool {
        let before = self.shot_at();
        self.e_right = self.e_right.map(|word| (word & !RIGHT_EDGE) << 1);
        self.e_left = self.e_left.map(|word| (word & !LEFT_EDGE) >> 1);
        before || self.shot_at()
    }

    /// Closes the gaps of the list, submarines before fish and each kind in its order, and marks the cells of what is left.
    pub fn settle(&mut self) {
        [self.fish, self.subs, self.trail] = [[0; 3]; 3];
        let all = *self;
        self.enemies = [0; 16];
        self.e_count = 0;
        for kind in [SUBMARINE, 0] {
            for entry in (0..all.e_count).map(|i| all.enemy(i)) {
                if entry == GONE || entry & SUBMARINE != kind {
                    continue;
                }
                self.set_enemy(self.e_count, entry);
                self.e_count += 1;
                let map = if kind != 0 { &mut self.subs } else { &mut self.fish };
                mark(map, entry & 0xf, entry);
                mark_trail(&mut self.trail, entry);
            }
        }
        for i in 0..self.d_count {
            let diver = self.diver(i);
            mark_trail(&mut self.trail, diver);
        }
    }
}
