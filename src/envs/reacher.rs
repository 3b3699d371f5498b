//! Reacher-v0: the twin of `shaders/envs/reacher.wgsl`, in the same order of operations.

use crate::engine::env::{BuiltIn, Outcome, World};
use crate::gpu_struct;
use crate::shared::draw::{paint, sd_circle, sd_segment};
use crate::shared::math::sincos_f32;
use crate::shared::rng::Rng;

/// The arm of Gymnasium's Reacher-v5, with a hard stop of its second joint.
pub static REACHER: BuiltIn = BuiltIn {
    id: "Reacher-v0",
    short: "reacher",
    title: "bring the tip of a two-link arm to a target",
    file: "reacher.wgsl",
    source: include_str!("../../shaders/envs/reacher.wgsl"),
    values: &[],
    twin: |_| Ok(Box::new(Reacher)),
};

const INERTIA_1: f32 = 7.051619e-4;
const INERTIA_2: f32 = 1.7903937e-4;
const COUPLING: f32 = 2.2410028e-4;
const LINK_LENGTH: f32 = 0.1;
const TIP_DISTANCE: f32 = 0.11;
const STOP: f32 = 3.0;
const TARGET_REACH: f32 = 0.2;

const DT: f32 = 0.01;
const HALF_DT: f32 = 0.005;
const SIXTH_DT: f32 = 0.001_666_666_7;

const GROUND: [f32; 3] = [0.9, 0.9, 0.9];
const WALL: [f32; 3] = [0.9, 0.4, 0.6];
const LINK: [f32; 3] = [0.0, 0.4, 0.6];
const TIP: [f32; 3] = [0.0, 0.8, 0.6];
const TARGET: [f32; 3] = [0.9, 0.2, 0.2];

gpu_struct! {
    /// Arm and target.
    pub struct State {
        /// Angle of the first link, rad, 0 along x.
        pub theta1: f32,
        /// Angle of the second link relative to the first, rad.
        pub theta2: f32,
        /// Velocity of theta1, rad/s.
        pub theta1_dot: f32,
        /// Velocity of theta2, rad/s.
        pub theta2_dot: f32,
        /// Place of the target along x, m.
        pub target_x: f32,
        /// Place of the target along y, m.
        pub target_y: f32,
    }
}

gpu_struct! {
    /// Runtime parameters.
    pub struct Params {
        /// Torque at full action, N m.
        pub gear: f32,
        /// Friction of a joint per velocity, N m s.
        pub damping: f32,
        /// Inertia of a motor, kg m^2.
        pub armature: f32,
        /// Cost of a full action of one joint.
        pub control_cost: f32,
    }
}

/// The rules.
pub struct Reacher;

impl World for Reacher {
    type State = State;
    type Params = Params;

    fn reset(&self, _env: &Params, rng: &mut Rng<'_>) -> State {
        let theta1 = rng.range(-0.1, 0.1);
        let theta2 = rng.range(-0.1, 0.1);
        let theta1_dot = rng.range(-0.005, 0.005);
        let theta2_dot = rng.range(-0.005, 0.005);
        let distance = TARGET_REACH * rng.uniform().sqrt();
        let direction = sincos_f32(rng.range(-std::f32::consts::PI, std::f32::consts::PI));
        let (target_x, target_y) = (distance * direction.1, distance * direction.0);
        State { theta1, theta2, theta1_dot, theta2_dot, target_x, target_y }
    }

    fn step(&self, env: &Params, state: &mut State, action: &[u32], _rng: &mut Rng<'_>) -> Outcome {
        let action = [f32::from_bits(action[0]), f32::from_bits(action[1])];
        let torque = action.map(|share| env.gear * share.clamp(-1.0, 1.0));
        let start = [state.theta1, state.theta2, state.theta1_dot, state.theta2_dot];
        let middle = advanced(env, start, torque);
        let [theta1, theta2, theta1_dot, theta2_dot] = advanced(env, middle, torque);
        *state = State { theta1, theta2, theta1_dot, theta2_dot, ..*state };
        let away = from_target(state);
        let distance = (away[0] * away[0] + away[1] * away[1]).sqrt();
        let effort = action[0] * action[0] + action[1] * action[1];
        Outcome { reward: -distance - env.control_cost * effort, terminated: false }
    }

    fn observe(&self, _env: &Params, state: &State, obs: &mut [f32]) {
        let first = sincos_f32(state.theta1);
        let second = sincos_f32(state.theta2);
        let away = from_target(state);
        obs.copy_from_slice(&[
            first.1,
            second.1,
            first.0,
            second.0,
            state.target_x,
            state.target_y,
            state.theta1_dot,
            state.theta2_dot,
            away[0],
            away[1],
        ]);
    }

    #[inline(always)]
    fn draw(&self, _env: &Params, state: &State, uv: [f32; 2]) -> [f32; 3] {
        let at = [0.66 * uv[0] - 0.33, 0.33 - 0.66 * uv[1]];
        let first = sincos_f32(state.theta1);
        let second = sincos_f32(state.theta1 + state.theta2);
        let elbow = [LINK_LENGTH * first.1, LINK_LENGTH * first.0];
        let tip = [elbow[0] + TIP_DISTANCE * second.1, elbow[1] + TIP_DISTANCE * second.0];
        let mut colour = paint(GROUND, WALL, 0.3 - at[0].abs().max(at[1].abs()));
        colour = paint(colour, LINK, sd_segment(at, [0.0, 0.0], elbow, 0.01));
        colour = paint(colour, LINK, sd_segment(at, elbow, tip, 0.01));
        colour = paint(colour, WALL, sd_circle(at, 0.011));
        colour = paint(colour, TIP, sd_circle([at[0] - tip[0], at[1] - tip[1]], 0.013));
        paint(colour, TARGET, sd_circle([at[0] - state.target_x, at[1] - state.target_y], 0.012))
    }
}

/// theta1, theta2 and their velocities 0.01 s later.
fn advanced(env: &Params, y: [f32; 4], torque: [f32; 2]) -> [f32; 4] {
    let along = |h: f32, k: [f32; 4]| std::array::from_fn(|i| y[i] + h * k[i]);
    let k1 = derivative(env, y, torque);
    let k2 = derivative(env, along(HALF_DT, k1), torque);
    let k3 = derivative(env, along(HALF_DT, k2), torque);
    let k4 = derivative(env, along(DT, k3), torque);
    let next = along(SIXTH_DT, std::array::from_fn(|i| k1[i] + 2.0 * (k2[i] + k3[i]) + k4[i]));
    let mut speed = next[3];
    if next[1] > STOP {
        speed = speed.min(0.0);
    }
    if next[1] < -STOP {
        speed = speed.max(0.0);
    }
    [next[0], next[1].clamp(-STOP, STOP), next[2], speed]
}

fn derivative(env: &Params, y: [f32; 4], torque: [f32; 2]) -> [f32; 4] {
    let bend = sincos_f32(y[1]);
    let coupled = COUPLING * bend.1;
    let pull = COUPLING * bend.0;
    let m11 = INERTIA_1 + env.armature + 2.0 * coupled;
    let m12 = INERTIA_2 + coupled;
    let m22 = INERTIA_2 + env.armature;
    let push1 = pull * (y[3] * (y[3] + 2.0 * y[2])) + torque[0] - env.damping * y[2];
    let push2 = torque[1] - env.damping * y[3] - pull * (y[2] * y[2]);
    let determinant = m11 * m22 - m12 * m12;
    let theta1_acc = (m22 * push1 - m12 * push2) / determinant;
    let theta2_acc = (m11 * push2 - m12 * push1) / determinant;
    [y[2], y[3], theta1_acc, theta2_acc]
}

/// Tip less target.
fn from_target(state: &State) -> [f32; 2] {
    let first = sincos_f32(state.theta1);
    let second = sincos_f32(state.theta1 + state.theta2);
    [
        LINK_LENGTH * first.1 - state.target_x + TIP_DISTANCE * second.1,
        LINK_LENGTH * first.0 - state.target_y + TIP_DISTANCE * second.0,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rng::STREAM_RESET;

    const GYMNASIUM: Params = Params { gear: 200.0, damping: 1.0, armature: 1.0, control_cost: 1.0 };

    /// State, action, next angles and velocities, reward, tip less target: Reacher-v5 of Gymnasium 1.4.0 on MuJoCo 4.0.0, in
    /// f64 from f32 states, away from the stop. The fourth action is beyond its limits.
    type Row = ([f32; 6], [f32; 2], [f64; 4], f64, [f64; 2]);
    #[allow(clippy::excessive_precision, reason = "the recorded digits")]
    #[rustfmt::skip]
    const RECORDED: &[Row] = &[
        ([-2.07175422, -1.31594741, 9.03823376, 2.46486115, -0.113643982, -0.0187244564], [-0.0418974049, -0.680522144],
         [-1.89444195, -1.29417108, 8.69417886, -0.278090937], -0.54112186, [-0.0280368684, -0.0709149118]),
        ([1.17288578, -1.93163991, -3.26315427, 0.502205491, -0.0194241535, 0.0243036002], [0.475675583, 0.912534535],
         [1.12715764, -1.88544444, -1.31616305, 4.10532488], -1.20151997, [0.142207679, -0.00963087796]),
        ([-1.07899415, 0.742736042, 5.88647985, -6.21837759, -0.139582783, 0.132568881], [-0.403197557, -0.372027993],
         [-0.978433127, 0.604829077, 4.17534944, -7.56780802], -0.693493362, [0.297828192, -0.255676575]),
        ([1.95855534, 0.425814688, -0.860710025, 8.1983099, -0.13150312, 0.0579502285], [1.5, -0.818294585],
         [1.98121705, 0.555628509, 3.11365857, 4.79442699], -3.01589931, [0.00111422414, 0.0962868946]),
        ([40.8025017, 2.15731931, -8.78426456, 3.90270591, -0.0565143339, 0.06769187], [0.444329619, -0.562569141],
         [40.6462079, 2.21224527, -6.85153072, 1.5975963], -0.661590814, [0.00594425999, -0.147558276]),
        ([1.64943433, 0.788261056, 0.0, 0.0, 0.0511836931, 0.0896212086], [-0.142854199, 0.517410934],
         [1.64375696, 0.808818444, -0.565849144, 2.04890927], -0.45233269, [-0.143378919, 0.0800489394]),
    ];

    fn step(state: [f32; 6], action: [f32; 2]) -> (State, Outcome) {
        let [theta1, theta2, theta1_dot, theta2_dot, target_x, target_y] = state;
        let mut state = State { theta1, theta2, theta1_dot, theta2_dot, target_x, target_y };
        let action = action.map(f32::to_bits);
        let outcome = Reacher.step(&GYMNASIUM, &mut state, &action, &mut Rng::new(0, 0, 0, 0));
        (state, outcome)
    }

    #[test]
    fn recorded_steps_are_met() {
        for (state, action, next, reward, away) in RECORDED {
            let (got, outcome) = step(*state, *action);
            let words = [got.theta1, got.theta2, got.theta1_dot, got.theta2_dot];
            for (got, want) in words.into_iter().zip(next) {
                assert!((f64::from(got) - want).abs() < 4e-7 * want.abs() + 2e-6, "{state:?}: {got} {want}");
            }
            // MuJoCo's places are those of the last stage of its Runge-Kutta step, some 1e-6 m from the new state's.
            assert!((f64::from(outcome.reward) - reward).abs() < 1e-5, "{} {reward}", outcome.reward);
            assert!(!outcome.terminated && got.target_x == state[4] && got.target_y == state[5]);
            let mut obs = [0.0; 10];
            Reacher.observe(&GYMNASIUM, &got, &mut obs);
            for (got, want) in obs[8..].iter().zip(away) {
                assert!((f64::from(*got) - want).abs() < 1e-5, "{got} {want}");
            }
        }
    }

    #[test]
    fn the_stop_takes_the_speed_towards_it_and_no_other() {
        let (pressed, _) = step([0.0, 2.999, 1.0, 20.0, 0.0, 0.1], [0.0, 1.0]);
        assert_eq!((pressed.theta2, pressed.theta2_dot), (3.0, 0.0));
        let (pressed, _) = step([0.0, -2.999, 1.0, -20.0, 0.0, 0.1], [0.0, -1.0]);
        assert_eq!((pressed.theta2, pressed.theta2_dot), (-3.0, 0.0));
        // A torque away from it frees the joint.
        let (freed, _) = step([0.0, 3.0, 0.0, 0.0, 0.0, 0.1], [0.0, -1.0]);
        assert!(freed.theta2 < 2.97 && freed.theta2_dot < -3.9, "{freed:?}");
    }

    #[test]
    fn targets_are_uniform_in_their_disc() {
        let targets: Vec<(f64, f64)> = (0..20_000)
            .map(|lane| Reacher.reset(&GYMNASIUM, &mut Rng::new(5, STREAM_RESET, 0, lane)))
            .map(|state| (f64::from(state.target_x), f64::from(state.target_y)))
            .collect();
        let n = targets.len() as f64;
        assert!(targets.iter().all(|(x, y)| x.hypot(*y) <= 0.200_001));
        // Half of a disc's surface lies within 0.7071 of its radius, a quarter in each quadrant; three standard errors.
        let share =
            |of: fn(&(f64, f64)) -> bool| targets.iter().filter(|target| of(target)).count() as f64 / n;
        assert!((share(|(x, y)| x.hypot(*y) < 0.141_421) - 0.5).abs() < 0.0107);
        assert!((share(|(x, y)| *x > 0.0 && *y > 0.0) - 0.25).abs() < 0.0092);
        assert!((share(|(x, y)| *x < 0.0 && *y > 0.0) - 0.25).abs() < 0.0092);
        assert!((share(|(x, y)| x.abs() > y.abs()) - 0.5).abs() < 0.0107);
    }
}
