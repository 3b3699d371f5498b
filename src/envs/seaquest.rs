//! Seaquest-MinAtar: the twin of `shaders/envs/seaquest.wgsl`, in the same order of operations.

mod field;

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::minatar::{self, DOWN, FIRE, LEFT, RIGHT, UP, played};
use crate::shared::rng::Rng;

/// Seaquest as MinAtar 1.0.15 defines it.
pub static SEAQUEST: BuiltIn = BuiltIn {
    id: "Seaquest-MinAtar",
    short: "seaquest",
    title: "save divers and shoot fish and submarines",
    file: "seaquest.wgsl",
    source: include_str!("../../shaders/envs/seaquest.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(Seaquest)),
};

/// The package's variables, the action before, and maps that follow from its lists; how lists and maps are packed is said in
/// the shader.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct State {
    /// Column of the front of the submarine.
    pub sub_x: u32,
    /// Its row, from the top.
    pub sub_y: u32,
    /// 1 if it looks to the right.
    pub sub_or: u32,
    /// Whether it has come up and not gone down since.
    pub surface: u32,
    /// Oxygen left, 200 at most.
    pub oxygen: i32,
    /// Divers aboard, -1 and less after surfacing with six.
    pub diver_count: i32,
    /// Steps between two enemies.
    pub e_spawn_speed: u32,
    /// Steps until the next one.
    pub e_spawn_timer: u32,
    /// Steps until the next diver.
    pub d_spawn_timer: u32,
    /// Steps between two moves of an enemy.
    pub move_speed: u32,
    /// Steps until the submarine may fire.
    pub shot_timer: u32,
    /// How often the game has grown harder.
    pub ramp_index: u32,
    /// The action before.
    pub last_action: u32,
    /// Own bullets.
    pub f_count: u32,
    /// Their list.
    pub f_bullets: u32,
    /// Divers.
    pub d_count: u32,
    /// Their list.
    pub divers: [u32; 2],
    /// Enemies.
    pub e_count: u32,
    /// Their list.
    pub enemies: [u32; 16],
    /// Bullets of enemies that go to the right.
    pub e_right: [u32; 3],
    /// Those that go to the left.
    pub e_left: [u32; 3],
    /// Cells of fish.
    pub fish: [u32; 3],
    /// Cells of submarines.
    pub subs: [u32; 3],
    /// Cells that something came from.
    pub trail: [u32; 3],
}

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Probability that the action before is played again.
        pub sticky_action_prob: f32,
        /// Whether each surfacing makes the game harder.
        pub difficulty_ramping: u32,
    }
}

/// The rules.
pub struct Seaquest;

const CHANNELS: u32 = 10;
const MAX_OXYGEN: i32 = 200;
const INIT_SPAWN_SPEED: u32 = 20;
const DIVER_SPAWN_SPEED: u32 = 30;
const INIT_MOVE_INTERVAL: u32 = 5;
const SHOT_COOL_DOWN: u32 = 5;

impl State {
    fn act(&mut self) {
        match self.last_action {
            FIRE if self.shot_timer == 0 => {
                self.add_bullet();
                self.shot_timer = SHOT_COOL_DOWN;
            }
            LEFT => {
                self.sub_x = self.sub_x.max(1) - 1;
                self.sub_or = 0;
            }
            RIGHT => {
                self.sub_x = (self.sub_x + 1).min(9);
                self.sub_or = 1;
            }
            UP => self.sub_y = self.sub_y.max(1) - 1,
            DOWN => self.sub_y = (self.sub_y + 1).min(8),
            _ => {}
        }
    }

    /// The submarine comes up with divers. Returns the reward.
    fn come_up(&mut self, env: &Params) -> i32 {
        let mut reward = 0;
        self.surface = 1;
        if self.diver_count == 6 {
            self.diver_count = 0;
            reward = self.oxygen * 10 / MAX_OXYGEN;
        }
        self.oxygen = MAX_OXYGEN;
        self.diver_count -= 1;
        if env.difficulty_ramping != 0 && (self.e_spawn_speed > 1 || self.move_speed > 2) {
            if self.move_speed > 2 && self.ramp_index & 1 != 0 {
                self.move_speed -= 1;
            }
            self.e_spawn_speed = self.e_spawn_speed.max(2) - 1;
            self.ramp_index += 1;
        }
        reward
    }

    fn lit(&self, y: u32, x: u32, channel: u32) -> bool {
        match channel {
            0 => y == self.sub_y && x == self.sub_x,
            1 => y == self.sub_y && if self.sub_or != 0 { x + 1 == self.sub_x } else { x == self.sub_x + 1 },
            2 => self.own_bullet_at(x | y << 4),
            3 => field::marked(&self.trail, y, x),
            4 => field::marked(&self.e_right, y, x) || field::marked(&self.e_left, y, x),
            5 => field::marked(&self.fish, y, x),
            6 => field::marked(&self.subs, y, x),
            7 => y == 9 && (x as i32) < self.oxygen.max(0) * 10 / MAX_OXYGEN,
            8 => y == 9 && x < 9 && x as i32 >= 9 - self.diver_count,
            _ => self.diver_at(x | y << 4),
        }
    }
}

impl World for Seaquest {
    type State = State;
    type Params = Params;

    fn reset(&self, _: &Params, _: &mut Rng<'_>) -> State {
        State {
            sub_x: 5,
            surface: 1,
            oxygen: MAX_OXYGEN,
            e_spawn_speed: INIT_SPAWN_SPEED,
            e_spawn_timer: INIT_SPAWN_SPEED,
            d_spawn_timer: DIVER_SPAWN_SPEED,
            move_speed: INIT_MOVE_INTERVAL,
            ..State::default()
        }
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let s = state;
        s.last_action = played(env.sticky_action_prob, s.last_action, action[0], rng);
        if s.e_spawn_timer == 0 {
            s.spawn_enemy(rng);
            s.e_spawn_timer = s.e_spawn_speed;
        }
        if s.d_spawn_timer == 0 {
            s.spawn_diver(rng);
            s.d_spawn_timer = DIVER_SPAWN_SPEED;
        }
        s.act();
        let mut reward = s.move_own_bullets() as i32;
        s.move_divers();
        let met_subs = s.move_enemies(field::SUBMARINE);
        let shot = s.move_shots();
        let met_fish = s.move_enemies(0);
        s.settle();
        reward += (met_subs.hits + met_fish.hits) as i32;
        s.e_spawn_timer = s.e_spawn_timer.max(1) - 1;
        s.d_spawn_timer = s.d_spawn_timer.max(1) - 1;
        s.shot_timer = s.shot_timer.max(1) - 1;
        let mut terminated = met_subs.terminated || shot || met_fish.terminated || s.oxygen <= 0;
        if s.sub_y > 0 {
            s.oxygen -= 1;
            s.surface = 0;
        } else if s.surface == 0 {
            if s.diver_count == 0 {
                terminated = true;
            } else {
                reward += s.come_up(env);
            }
        }
        Outcome { reward: reward as f32, terminated }
    }

    fn observe(&self, _: &Params, state: &State, obs: &mut [f32]) {
        minatar::observe(obs, CHANNELS, |y, x, channel| state.lit(y, x, channel));
    }

    #[inline(always)]
    fn draw(&self, _: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        minatar::draw(uv, &COLOURS, |y, x, channel| state.lit(y, x, channel))
    }
}

/// Front, back, own bullet, trail, enemy bullet, fish, submarine, oxygen, divers aboard, diver: seaborn's palette "cubehelix".
const COLOURS: [[f32; 3]; CHANNELS as usize] = [
    [0.099, 0.071, 0.170],
    [0.092, 0.204, 0.296],
    [0.094, 0.358, 0.284],
    [0.236, 0.461, 0.198],
    [0.495, 0.480, 0.211],
    [0.735, 0.475, 0.403],
    [0.833, 0.525, 0.687],
    [0.794, 0.664, 0.904],
    [0.759, 0.825, 0.954],
    [0.839, 0.941, 0.936],
];

#[cfg(test)]
mod tests {
    use super::field::{ONE_SHOT, ONE_STEP, SUBMARINE, TO_THE_RIGHT};
    use super::*;
    use crate::shared::rng::STREAM_STEP;

    const PLAIN: Params = Params { sticky_action_prob: 0.0, difficulty_ramping: 1 };

    fn step(s: &mut State, action: u32) -> Outcome {
        Seaquest.step(&PLAIN, s, &[action], &mut Rng::new(0, STREAM_STEP, 0, 0))
    }

    /// Under way, with nothing about to come.
    fn under_way() -> State {
        let start = Seaquest.reset(&PLAIN, &mut Rng::new(0, 0, 0, 0));
        State { sub_y: 4, surface: 0, e_spawn_timer: 9, d_spawn_timer: 9, ..start }
    }

    fn with_enemies(list: &[u32]) -> State {
        let mut s = State { e_count: list.len() as u32, ..under_way() };
        for (i, entry) in list.iter().enumerate() {
            s.set_enemy(i as u32, *entry);
        }
        s
    }

    #[test]
    fn surfacing_needs_divers_and_six_earn_by_the_oxygen() {
        let near = State { sub_y: 1, oxygen: 120, ..under_way() };
        assert_eq!(step(&mut near.clone(), UP), Outcome { reward: 0.0, terminated: true });
        let mut s = State { diver_count: 6, ..near };
        assert_eq!(step(&mut s, UP), Outcome { reward: 6.0, terminated: false });
        assert_eq!((s.diver_count, s.oxygen, s.e_spawn_speed, s.ramp_index), (-1, 200, 19, 1));
        // The debt of the package: nothing is asked for at the surface any more.
        step(&mut s, DOWN);
        assert_eq!(step(&mut s, UP), Outcome { reward: 0.0, terminated: false });
        assert_eq!((s.diver_count, s.move_speed), (-2, 4));
    }

    #[test]
    fn bullets_hit_the_first_fish_before_submarines() {
        let at = 7 | 3 << 4 | (3 * ONE_STEP);
        let mut s = with_enemies(&[at | SUBMARINE | (5 * ONE_SHOT), at, at + ONE_STEP]);
        s.sub_or = 1;
        s.sub_x = 6;
        s.shot_timer = 0;
        s.sub_y = 4;
        assert_eq!(step(&mut s, FIRE), Outcome { reward: 1.0, terminated: false });
        assert_eq!((s.e_count, s.f_count), (2, 0));
        assert_eq!(s.enemy(1), at, "the second fish, a step later");
        assert_eq!((s.fish, s.subs), ([0, 1 << 7, 0], [0, 1 << 7, 0]));
    }

    #[test]
    fn a_fish_that_moves_onto_a_bullet_is_hit() {
        let mut s = with_enemies(&[6 | 3 << 4, 2 | 6 << 4 | (4 * ONE_STEP)]);
        (s.f_count, s.f_bullets, s.sub_y) = (1, 6 | 4 << 4, 8);
        assert_eq!(step(&mut s, 0), Outcome { reward: 1.0, terminated: false });
        assert_eq!((s.e_count, s.enemy(0), s.f_count), (1, 2 | 6 << 4 | (3 * ONE_STEP), 0));
    }

    #[test]
    fn submarines_shoot_and_their_bullets_end_the_episode() {
        let mut s = with_enemies(&[2 | 3 << 4 | TO_THE_RIGHT | (5 * ONE_STEP) | SUBMARINE]);
        step(&mut s, 0);
        assert_eq!((s.e_right, s.enemy(0) / ONE_SHOT), ([0, 1 << 3, 0], 10));
        let ends = (0..5).find(|_| step(&mut s, 0).terminated);
        assert_eq!(ends, Some(1), "at column 5");
    }

    #[test]
    fn divers_come_aboard_up_to_six() {
        let mut s =
            State { d_count: 2, divers: [5 | 3 << 4 | (5 | 3 << 4) << 16, 0], diver_count: 5, ..under_way() };
        step(&mut s, 0);
        assert_eq!((s.diver_count, s.d_count), (6, 1));
        assert_eq!(s.divers, [4 | 3 << 4 | (5 * ONE_STEP), 0], "no room, so that it moves");
    }

    #[test]
    fn no_more_than_30_enemies_live_at_a_time() {
        let mut most = 0;
        for lane in 0..40 {
            let mut s =
                State { e_spawn_speed: 1, move_speed: 2, e_spawn_timer: 0, diver_count: -1, ..under_way() };
            for t in 0..300 {
                s.oxygen = 200;
                Seaquest.step(&PLAIN, &mut s, &[0], &mut Rng::new(3, STREAM_STEP, t, lane));
                most = most.max(s.e_count);
            }
        }
        assert!((10..=30).contains(&most), "{most}");
    }
}
