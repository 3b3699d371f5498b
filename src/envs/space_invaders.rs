//! SpaceInvaders-MinAtar: the twin of `shaders/envs/space_invaders.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::minatar::{self, FIRE, LEFT, RIGHT, SIDE, played};
use crate::shared::rng::Rng;

/// Space Invaders as MinAtar 1.0.15 defines it.
pub static SPACE_INVADERS: BuiltIn = BuiltIn {
    id: "SpaceInvaders-MinAtar",
    short: "space_invaders",
    title: "shoot aliens that come down and shoot back",
    file: "space_invaders.wgsl",
    source: include_str!("../../shaders/envs/space_invaders.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(SpaceInvaders)),
};

/// A map of cells: a word for every three rows, 10 bits each, and one for row 9.
pub type Map = [u32; 4];

/// The package's variables, and the action before.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct State {
    /// Aliens.
    pub aliens: Map,
    /// Own bullets.
    pub f_bullets: Map,
    /// Bullets of the aliens.
    pub e_bullets: Map,
    /// Column of the cannon.
    pub pos: u32,
    /// 1 to the right, -1 to the left.
    pub alien_dir: i32,
    /// Steps until the aliens move.
    pub alien_move_timer: u32,
    /// Steps until one shoots.
    pub alien_shot_timer: u32,
    /// Most steps between two moves.
    pub enemy_move_interval: u32,
    /// How often the game has grown harder.
    pub ramp_index: u32,
    /// Steps until the cannon may fire.
    pub shot_timer: u32,
    /// The action before.
    pub last_action: u32,
}

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Probability that the action before is played again.
        pub sticky_action_prob: f32,
        /// Whether each new wave is faster.
        pub difficulty_ramping: u32,
    }
}

/// The rules.
pub struct SpaceInvaders;

const CHANNELS: u32 = 6;
const SHOT_COOL_DOWN: u32 = 5;
const ENEMY_MOVE_INTERVAL: u32 = 12;
const ENEMY_SHOT_INTERVAL: u32 = 10;
/// Columns 2 to 7 of rows 0 to 3.
const WAVE: Map = [0x0fc3_f0fc, 0xfc, 0, 0];
const EMPTY: Map = [0; 4];
const ROW: u32 = 0x3ff;
const THREE_ROWS: u32 = 0x3fff_ffff;
/// Column 0 of all rows.
const LEFT_EDGE: u32 = 0x0010_0401;
/// Column 9 of all rows.
const RIGHT_EDGE: u32 = 0x2008_0200;

/// A map with one cell.
fn cell_of(y: u32, x: u32) -> Map {
    let mut map = EMPTY;
    map[(y / 3) as usize] = 1 << (y % 3 * SIDE + x);
    map
}

fn joined(a: Map, b: Map) -> Map {
    std::array::from_fn(|word| a[word] | b[word])
}

fn common(a: Map, b: Map) -> Map {
    std::array::from_fn(|word| a[word] & b[word])
}

fn without(a: Map, b: Map) -> Map {
    std::array::from_fn(|word| a[word] ^ b[word])
}

fn has(map: Map, y: u32, x: u32) -> bool {
    map[(y / 3) as usize] >> (y % 3 * SIDE + x) & 1 != 0
}

/// All rows one up; the first leaves the map.
fn raised(map: Map) -> Map {
    let below = [map[1], map[2], map[3], 0];
    std::array::from_fn(|word| map[word] >> 10 | (below[word] & ROW) << 20)
}

/// All rows one down; the last leaves the map.
fn lowered(map: Map) -> Map {
    let above = [0, map[0], map[1], map[2]];
    let kept = [THREE_ROWS, THREE_ROWS, THREE_ROWS, 0];
    std::array::from_fn(|word| map[word] << 10 & kept[word] | above[word] >> 20)
}

fn count(map: Map) -> u32 {
    map.iter().map(|word| word.count_ones()).sum()
}

/// The lowest alien of the column nearest to the cannon; the column to the left where two are as near. None where there are
/// no aliens.
fn nearest(aliens: Map, pos: u32) -> Map {
    let rows = aliens[0] | aliens[1] | aliens[2] | aliens[3];
    let columns = (rows | rows >> 10 | rows >> 20) & ROW;
    if columns == 0 {
        return EMPTY;
    }
    let to_the_left = columns & ((2 << pos) - 1);
    let to_the_right = columns >> pos;
    let mut x = 31u32.wrapping_sub(to_the_left.leading_zeros());
    if to_the_left == 0 || (to_the_right != 0 && to_the_right.trailing_zeros() < pos - x) {
        x = pos + to_the_right.trailing_zeros();
    }
    let column = LEFT_EDGE << x;
    let mut map = EMPTY;
    if let Some(word) = (0..4).rev().find(|word| aliens[*word] & column != 0) {
        map[word] = 1 << (31 - (aliens[word] & column).leading_zeros());
    }
    map
}

impl State {
    /// The aliens move sideways, or down where the edge is in the way. Row 9 would come back at the top.
    fn advance(&mut self) {
        let edge = if self.alien_dir < 0 { LEFT_EDGE } else { RIGHT_EDGE };
        if self.aliens.iter().any(|word| word & edge != 0) {
            self.alien_dir = -self.alien_dir;
            self.aliens = joined(lowered(self.aliens), [self.aliens[3], 0, 0, 0]);
        } else if self.alien_dir < 0 {
            self.aliens = self.aliens.map(|word| word >> 1);
        } else {
            self.aliens = self.aliens.map(|word| word << 1);
        }
    }

    fn lit(&self, y: u32, x: u32, channel: u32) -> bool {
        match channel {
            0 => y == 9 && x == self.pos,
            4 => has(self.f_bullets, y, x),
            5 => has(self.e_bullets, y, x),
            2 if self.alien_dir >= 0 => false,
            3 if self.alien_dir < 0 => false,
            _ => has(self.aliens, y, x),
        }
    }
}

impl World for SpaceInvaders {
    type State = State;
    type Params = Params;

    fn reset(&self, _: &Params, _: &mut Rng<'_>) -> State {
        State {
            aliens: WAVE,
            pos: 5,
            alien_dir: -1,
            alien_move_timer: ENEMY_MOVE_INTERVAL,
            alien_shot_timer: ENEMY_SHOT_INTERVAL,
            enemy_move_interval: ENEMY_MOVE_INTERVAL,
            ..State::default()
        }
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let s = state;
        s.last_action = played(env.sticky_action_prob, s.last_action, action[0], rng);
        if s.last_action == FIRE && s.shot_timer == 0 {
            s.f_bullets = joined(s.f_bullets, cell_of(9, s.pos));
            s.shot_timer = SHOT_COOL_DOWN;
        } else if s.last_action == LEFT {
            s.pos = s.pos.max(1) - 1;
        } else if s.last_action == RIGHT {
            s.pos = (s.pos + 1).min(9);
        }
        s.f_bullets = raised(s.f_bullets);
        s.e_bullets = lowered(s.e_bullets);
        let mut terminated = has(s.e_bullets, 9, s.pos) || has(s.aliens, 9, s.pos);
        if s.alien_move_timer == 0 {
            s.alien_move_timer = count(s.aliens).min(s.enemy_move_interval);
            let before = s.alien_dir;
            let last_row = s.aliens[3] != 0;
            s.advance();
            terminated |= last_row && before != s.alien_dir;
            terminated |= has(s.aliens, 9, s.pos);
        }
        if s.alien_shot_timer == 0 {
            s.alien_shot_timer = ENEMY_SHOT_INTERVAL;
            s.e_bullets = joined(s.e_bullets, nearest(s.aliens, s.pos));
        }
        let killed = common(s.aliens, s.f_bullets);
        s.aliens = without(s.aliens, killed);
        s.f_bullets = without(s.f_bullets, killed);
        s.shot_timer = s.shot_timer.max(1) - 1;
        s.alien_move_timer = s.alien_move_timer.wrapping_sub(1);
        s.alien_shot_timer -= 1;
        if s.aliens == EMPTY {
            if s.enemy_move_interval > 6 && env.difficulty_ramping != 0 {
                s.enemy_move_interval -= 1;
                s.ramp_index += 1;
            }
            s.aliens = WAVE;
        }
        Outcome { reward: count(killed) as f32, terminated }
    }

    fn observe(&self, _: &Params, state: &State, obs: &mut [f32]) {
        minatar::observe(obs, CHANNELS, |y, x, channel| state.lit(y, x, channel));
    }

    #[inline(always)]
    fn draw(&self, _: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        minatar::draw(uv, &COLOURS, |y, x, channel| state.lit(y, x, channel))
    }
}

/// Cannon, alien, alien to the left, alien to the right, own bullet, bullet of an alien: seaborn's palette "cubehelix".
const COLOURS: [[f32; 3]; CHANNELS as usize] = [
    [0.102, 0.140, 0.256],
    [0.106, 0.381, 0.270],
    [0.411, 0.480, 0.189],
    [0.783, 0.482, 0.487],
    [0.805, 0.637, 0.880],
    [0.778, 0.884, 0.945],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rng::STREAM_STEP;

    const PLAIN: Params = Params { sticky_action_prob: 0.0, difficulty_ramping: 1 };

    fn start() -> State {
        SpaceInvaders.reset(&PLAIN, &mut Rng::new(0, 0, 0, 0))
    }

    fn step(s: &mut State, action: u32) -> Outcome {
        SpaceInvaders.step(&PLAIN, s, &[action], &mut Rng::new(0, STREAM_STEP, 0, 0))
    }

    #[test]
    fn maps_shift_by_rows() {
        for y in 0..10 {
            for x in 0..10 {
                let map = cell_of(y, x);
                assert_eq!(raised(map), if y > 0 { cell_of(y - 1, x) } else { EMPTY }, "{y} {x}");
                assert_eq!(lowered(map), if y < 9 { cell_of(y + 1, x) } else { EMPTY }, "{y} {x}");
                assert!(has(map, y, x) && count(map) == 1);
            }
        }
    }

    #[test]
    fn the_lowest_alien_of_the_nearest_column_shoots_of_two_the_left_one() {
        let aliens = [(2, 3), (4, 3), (1, 7), (9, 7), (0, 9)];
        let map = aliens.iter().fold(EMPTY, |map, (y, x)| joined(map, cell_of(*y, *x)));
        for (pos, shot) in [(0, (4, 3)), (3, (4, 3)), (5, (4, 3)), (6, (9, 7)), (8, (9, 7)), (9, (0, 9))] {
            assert_eq!(nearest(map, pos), cell_of(shot.0, shot.1), "{pos}");
        }
        assert_eq!(nearest(EMPTY, 4), EMPTY);
    }

    #[test]
    fn the_last_alien_shot_earns_one_and_a_faster_wave_comes() {
        let last = State { aliens: cell_of(3, 5), f_bullets: cell_of(4, 5), ..start() };
        let mut s = last;
        assert_eq!(step(&mut s, 0), Outcome { reward: 1.0, terminated: false });
        assert_eq!((s.aliens, s.f_bullets, s.enemy_move_interval, s.ramp_index), (WAVE, EMPTY, 11, 1));
        let mut s = State { enemy_move_interval: 6, ..last };
        step(&mut s, 0);
        assert_eq!((s.aliens, s.enemy_move_interval), (WAVE, 6));
    }

    #[test]
    fn aliens_go_left_then_down_and_right_and_end_the_episode_below() {
        let mut s = State { alien_move_timer: 0, ..start() };
        step(&mut s, 0);
        assert_eq!((s.aliens, s.alien_move_timer), (WAVE.map(|word| word >> 1), 11));
        s.aliens = cell_of(3, 0);
        s.alien_move_timer = 0;
        step(&mut s, 0);
        assert_eq!((s.aliens, s.alien_dir), (cell_of(4, 0), 1));
        let mut s = State { aliens: cell_of(9, 0), alien_move_timer: 0, ..start() };
        assert!(step(&mut s, 0).terminated, "turns around in the last row");
        let mut s = State { e_bullets: cell_of(8, 6), ..start() };
        assert!(step(&mut s, RIGHT).terminated, "runs into a bullet");
    }

    #[test]
    fn the_cannon_fires_every_fifth_step() {
        let mut s = start();
        let fired: Vec<bool> = (0..11)
            .map(|_| {
                step(&mut s, FIRE);
                has(s.f_bullets, 8, 5)
            })
            .collect();
        let shots: Vec<usize> = (0..11).filter(|t| fired[*t]).collect();
        assert_eq!(shots, [0, 5, 10]);
    }
}
