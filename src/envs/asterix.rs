//! Asterix-MinAtar: the twin of `shaders/envs/asterix.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::grid::choice_of;
use crate::shared::minatar::{self, DOWN, LEFT, RIGHT, UP, played};
use crate::shared::rng::Rng;

/// Asterix as MinAtar 1.0.15 defines it.
pub static ASTERIX: BuiltIn = BuiltIn {
    id: "Asterix-MinAtar",
    short: "asterix",
    title: "collect gold and avoid enemies that cross the field",
    file: "asterix.wgsl",
    source: include_str!("../../shaders/envs/asterix.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(Asterix)),
};

/// The package's variables, and the action before. Bits and groups of 4 bits belong to rows, the lowest to row 1.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct State {
    /// Column of the player.
    pub player_x: u32,
    /// Row of the player, from the top, 1 to 8.
    pub player_y: u32,
    /// Rows that something crosses.
    pub present: u32,
    /// Rows in which it goes to the right.
    pub right: u32,
    /// Rows in which it is gold.
    pub gold: u32,
    /// Its column.
    pub x: u32,
    /// Steps between two that come.
    pub spawn_speed: u32,
    /// Steps until the next one comes.
    pub spawn_timer: u32,
    /// Steps between two moves.
    pub move_speed: u32,
    /// Steps until all move.
    pub move_timer: u32,
    /// Steps until the game grows harder.
    pub ramp_timer: i32,
    /// How often it has.
    pub ramp_index: u32,
    /// The action before.
    pub last_action: u32,
}

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Probability that the action before is played again.
        pub sticky_action_prob: f32,
        /// Whether the game grows harder with time.
        pub difficulty_ramping: u32,
    }
}

/// The rules.
pub struct Asterix;

const CHANNELS: u32 = 4;
const RAMP_INTERVAL: i32 = 100;
const INIT_SPAWN_SPEED: u32 = 10;
const INIT_MOVE_INTERVAL: u32 = 5;
const THIRD: f32 = 0.333_333_34;

impl State {
    fn has(bits: u32, row: u32) -> bool {
        bits >> row & 1 != 0
    }

    fn column(&self, row: u32) -> u32 {
        self.x >> (row * 4) & 15
    }

    /// Nothing is left in a row.
    fn empty(&mut self, row: u32) {
        let others = !(1 << row);
        self.present &= others;
        self.right &= others;
        self.gold &= others;
        self.x &= !(15 << (row * 4));
    }

    /// Gold or an enemy enters one of the empty rows, if there are any.
    fn spawn(&mut self, rng: &mut Rng<'_>) {
        let lr = rng.uniform() < 0.5;
        let is_gold = rng.uniform() < THIRD;
        let free = !self.present & 255;
        if free == 0 {
            return;
        }
        // The rows before the chosen one are passed over.
        let passed = choice_of(rng.uniform(), free.count_ones());
        let row = (0..8).filter(|row| State::has(free, *row)).nth(passed as usize).unwrap_or(0);
        self.present |= 1 << row;
        self.right |= u32::from(lr) << row;
        self.gold |= u32::from(is_gold) << row;
        self.x |= (if lr { 0 } else { 9 }) << (row * 4);
    }

    /// What the player meets: gold is taken, an enemy ends the episode.
    fn meet(&mut self, outcome: &mut Outcome) {
        let row = self.player_y - 1;
        if State::has(self.present, row) && self.column(row) == self.player_x {
            if State::has(self.gold, row) {
                outcome.reward += 1.0;
                self.empty(row);
            } else {
                outcome.terminated = true;
            }
        }
    }

    /// Everything moves by one; what leaves the field is gone.
    fn advance(&mut self) {
        for row in 0..8 {
            if !State::has(self.present, row) {
                continue;
            }
            let right = State::has(self.right, row);
            let x = self.column(row);
            if x == if right { 9 } else { 0 } {
                self.empty(row);
            } else {
                let moved = if right { x + 1 } else { x - 1 };
                self.x ^= (x ^ moved) << (row * 4);
            }
        }
    }

    fn ramp(&mut self) {
        if self.ramp_timer >= 0 {
            self.ramp_timer -= 1;
        } else {
            if self.move_speed > 1 && self.ramp_index & 1 != 0 {
                self.move_speed -= 1;
            }
            self.spawn_speed = self.spawn_speed.max(2) - 1;
            self.ramp_index += 1;
            self.ramp_timer = RAMP_INTERVAL;
        }
    }

    fn lit(&self, y: u32, x: u32, channel: u32) -> bool {
        if channel == 0 {
            return y == self.player_y && x == self.player_x;
        }
        if y == 0 || y == 9 || !State::has(self.present, y - 1) {
            return false;
        }
        let row = y - 1;
        let at = self.column(row);
        if channel == 2 {
            // The cell that it came from.
            return if State::has(self.right, row) { x + 1 == at } else { x == at + 1 };
        }
        x == at && State::has(self.gold, row) == (channel == 3)
    }
}

impl World for Asterix {
    type State = State;
    type Params = Params;

    fn reset(&self, _: &Params, _: &mut Rng<'_>) -> State {
        State {
            player_x: 5,
            player_y: 5,
            spawn_speed: INIT_SPAWN_SPEED,
            spawn_timer: INIT_SPAWN_SPEED,
            move_speed: INIT_MOVE_INTERVAL,
            move_timer: INIT_MOVE_INTERVAL,
            ramp_timer: RAMP_INTERVAL,
            ..State::default()
        }
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let s = state;
        let mut outcome = Outcome { reward: 0.0, terminated: false };
        s.last_action = played(env.sticky_action_prob, s.last_action, action[0], rng);
        if s.spawn_timer == 0 {
            s.spawn(rng);
            s.spawn_timer = s.spawn_speed;
        }
        match s.last_action {
            LEFT => s.player_x = s.player_x.max(1) - 1,
            RIGHT => s.player_x = (s.player_x + 1).min(9),
            UP => s.player_y = s.player_y.max(2) - 1,
            DOWN => s.player_y = (s.player_y + 1).min(8),
            _ => {}
        }
        s.meet(&mut outcome);
        if s.move_timer == 0 {
            s.move_timer = s.move_speed;
            s.advance();
            s.meet(&mut outcome);
        }
        s.spawn_timer -= 1;
        s.move_timer -= 1;
        if env.difficulty_ramping != 0 && (s.spawn_speed > 1 || s.move_speed > 1) {
            s.ramp();
        }
        outcome
    }

    fn observe(&self, _: &Params, state: &State, obs: &mut [f32]) {
        minatar::observe(obs, CHANNELS, |y, x, channel| state.lit(y, x, channel));
    }

    #[inline(always)]
    fn draw(&self, _: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        minatar::draw(uv, &COLOURS, |y, x, channel| state.lit(y, x, channel))
    }
}

/// Player, enemy, trail, gold: seaborn's palette "cubehelix".
const COLOURS: [[f32; 3]; CHANNELS as usize] =
    [[0.086, 0.238, 0.306], [0.329, 0.476, 0.184], [0.815, 0.495, 0.575], [0.759, 0.792, 0.954]];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rng::STREAM_STEP;

    const PLAIN: Params = Params { sticky_action_prob: 0.0, difficulty_ramping: 1 };

    fn start() -> State {
        Asterix.reset(&PLAIN, &mut Rng::new(0, 0, 0, 0))
    }

    fn step(s: &mut State, action: u32, step: u32) -> Outcome {
        Asterix.step(&PLAIN, s, &[action], &mut Rng::new(7, STREAM_STEP, step, 0))
    }

    #[test]
    fn gold_is_taken_and_enemies_end_the_episode() {
        // In the row of the player, one cell to the left, going right, moving at this step.
        let near = State { present: 16, right: 16, x: 4 << 16, move_timer: 0, spawn_timer: 9, ..start() };
        let mut gold = State { gold: 16, ..near };
        assert_eq!(step(&mut gold, 0, 0), Outcome { reward: 1.0, terminated: false });
        assert_eq!((gold.present, gold.x, gold.move_timer), (0, 0, 4));
        let mut enemy = near;
        assert_eq!(step(&mut enemy, 0, 0), Outcome { reward: 0.0, terminated: true });
        // The player may run into it before it moves.
        let mut enemy = State { move_timer: 3, ..near };
        assert_eq!(step(&mut enemy, LEFT, 0), Outcome { reward: 0.0, terminated: true });
        let mut away = near;
        assert_eq!(step(&mut away, UP, 0), Outcome { reward: 0.0, terminated: false });
        assert_eq!((away.x, away.player_y), (5 << 16, 4));
    }

    #[test]
    fn the_game_grows_harder_every_102_steps_down_to_one() {
        let mut s = start();
        let mut speeds = vec![(s.spawn_speed, s.move_speed)];
        for t in 0..1300 {
            // Out of everything's way.
            s.present = 0;
            step(&mut s, 0, t);
            if *speeds.last().expect("one") != (s.spawn_speed, s.move_speed) {
                speeds.push((s.spawn_speed, s.move_speed));
                assert_eq!((t + 1) % 102, 0, "{t}");
            }
        }
        let expected = [(10, 5), (9, 5), (8, 4), (7, 4), (6, 3), (5, 3), (4, 2), (3, 2), (2, 1), (1, 1)];
        assert_eq!(speeds, expected);
    }

    #[test]
    fn what_comes_is_of_all_kinds_in_all_empty_rows_alike() {
        let mut counts = [0u32; 4 * 8];
        for lane in 0..80_000 {
            let mut s = State { spawn_timer: 0, present: 0b101, x: 0x505, ..start() };
            Asterix.step(&PLAIN, &mut s, &[0], &mut Rng::new(9, STREAM_STEP, 0, lane));
            let new = s.present & !0b101;
            let row = new.trailing_zeros();
            assert_eq!(new.count_ones(), 1);
            let (right, gold) = (State::has(s.right, row), State::has(s.gold, row));
            assert_eq!(s.column(row), if right { 0 } else { 9 });
            counts[(row * 4) as usize + 2 * usize::from(right) + usize::from(gold)] += 1;
        }
        let mut chi_square = 0.0;
        for (place, count) in counts.iter().enumerate() {
            let free = place / 4 != 0 && place / 4 != 2;
            let share = if place % 2 == 1 { 1.0 / 3.0 } else { 2.0 / 3.0 };
            let expected = if free { 80_000.0 / 12.0 * share } else { 0.0 };
            if free {
                chi_square += (f64::from(*count) - expected).powi(2) / expected;
            } else {
                assert_eq!(*count, 0);
            }
        }
        // 23 degrees of freedom: p = 0.001 at 49.7.
        assert!(chi_square < 49.7, "{chi_square}");
    }
}
