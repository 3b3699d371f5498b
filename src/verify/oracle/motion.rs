//! Environments with continuous actions beyond the classic ones: the point among four goals, and the two-link arm.

use std::f64::consts::{PI, TAU};

use super::classic::{beyond, floats, outcome};
use super::dynamics::{Dynamics, Lane, Outcome, float};
use super::random::Random;
use super::toy_text::normal;
use super::{Expect, Num};

/// The model of a file, if it is one of these.
pub fn dynamics(file: &str) -> Option<Dynamics> {
    match file {
        "multi_goal.wgsl" => {
            Some(Dynamics { reset: reset_point, step: multi_goal, observe: |_, state| state.to_vec() })
        }
        "reacher.wgsl" => Some(Dynamics { reset: reset_arm, step: reacher, observe: observe_arm }),
        _ => None,
    }
}

fn within(value: Num, reach: f64) -> Num {
    value.clamp(Num::constant(-reach), Num::constant(reach))
}

/// Two actions, as given and cut to [-1, 1].
fn actions(words: &[u32]) -> ([Num; 2], [Num; 2]) {
    let given: [Num; 2] = floats(words);
    (given, given.map(|action| within(action, 1.0)))
}

fn reset_point(lane: Lane<'_>, random: &mut Random) -> Vec<Expect> {
    let sigma = Num::exact(f32::from_bits(lane.params[3]));
    (0..2).map(|_| Expect::Float(within(sigma * normal(random), 7.0))).collect()
}

/// `MultiGoalEnv.step` of softqlearning.
fn multi_goal(lane: Lane<'_>, state: &[u32], action: &[u32], _: &mut Random) -> Option<Outcome> {
    let [goal_reward, actuation_cost, distance_cost, _]: [Num; 4] = floats(lane.params);
    let [x, y]: [Num; 2] = floats(state);
    let (_, [dx, dy]) = actions(action);
    let next = [within(x + dx, 7.0), within(y + dy, 7.0)];
    let goals = [[5.0f32, 0.0], [-5.0, 0.0], [0.0, 5.0], [0.0, -5.0]];
    let squared = |goal: [f32; 2]| {
        let [x, y] = [next[0] - Num::exact(goal[0]), next[1] - Num::exact(goal[1])];
        x * x + y * y
    };
    let nearest = goals.map(squared).into_iter().reduce(Num::min)?;
    let reward = -(actuation_cost * (dx * dx + dy * dy)) - distance_cost * nearest;
    match beyond(nearest, Num::exact(1.0)) {
        // A distance of exactly 1 is far.
        _ if nearest.value == 1.0 && nearest.bound < 1e-30 => outcome(next, reward, Some(false)),
        Some(false) => outcome(next, goal_reward + reward, Some(true)),
        Some(true) => outcome(next, reward, Some(false)),
        None => None,
    }
}

fn reset_arm(_: Lane<'_>, random: &mut Random) -> Vec<Expect> {
    let mut next: Vec<Num> =
        [0.1, 0.1, 0.005, 0.005].iter().map(|reach| random.range(-reach, *reach)).collect();
    let distance = Num::constant(0.2) * Num { value: random.uniform(), bound: 0.0 }.sqrt();
    let (sine, cosine) = random.range(-PI, PI).sin_cos();
    next.extend([distance * cosine, distance * sine]);
    next.into_iter().map(Expect::Float).collect()
}

/// Moments of the arm from its geometry: of the whole arm stretched out less the coupling, of the second link around its joint,
/// and the coupling.
fn moments() -> [Num; 3] {
    let (density, radius, length, tip) = (1000.0, 0.01, 0.1, 0.11);
    // A capsule is a cylinder and a ball in two halves.
    let cylinder = density * PI * radius * radius * length;
    let ball = density * 4.0 / 3.0 * PI * radius * radius * radius;
    let link = cylinder + ball;
    let own = cylinder * (length * length / 12.0 + radius * radius / 4.0)
        + ball * (0.4 * radius * radius + length * length / 4.0 + 0.375 * length * radius);
    let around_joint = own + link * length * length / 4.0;
    let second = around_joint + ball * (0.4 * radius * radius + tip * tip);
    let first = around_joint + second + (link + ball) * length * length;
    let coupling = length * (link * length / 2.0 + ball * tip);
    [first, second, coupling].map(Num::constant)
}

/// Gymnasium's `ReacherEnv.step`: two Runge-Kutta steps of MuJoCo, with a hard stop of the second joint.
fn reacher(lane: Lane<'_>, state: &[u32], action: &[u32], _: &mut Random) -> Option<Outcome> {
    let [gear, _, _, control_cost]: [Num; 4] = floats(lane.params);
    let [theta1, theta2, theta1_dot, theta2_dot, target_x, target_y]: [Num; 6] = floats(state);
    let (given, cut) = actions(action);
    let torque = cut.map(|share| gear * share);
    let mut y = [theta1, theta2, theta1_dot, theta2_dot];
    for _ in 0..2 {
        y = runge_kutta(lane, y, torque);
        y = stopped(y)?;
    }
    let away = tip_less_target(y[0], y[1], [target_x, target_y]);
    let distance = (away[0] * away[0] + away[1] * away[1]).sqrt();
    let effort = given[0] * given[0] + given[1] * given[1];
    let next = [y[0], y[1], y[2], y[3], target_x, target_y];
    outcome(next, -distance - control_cost * effort, Some(false))
}

/// The stop at 3 rad to both sides; `None` where rounding may decide whether it is met.
fn stopped([theta1, theta2, theta1_dot, theta2_dot]: [Num; 4]) -> Option<[Num; 4]> {
    let stop = Num::exact(3.0);
    let none = Num::default();
    let speed = match (beyond(theta2, stop)?, beyond(-theta2, stop)?) {
        (true, _) => theta2_dot.min(none),
        (_, true) => theta2_dot.max(none),
        _ => theta2_dot,
    };
    Some([theta1, within(theta2, 3.0), theta1_dot, speed])
}

fn runge_kutta(lane: Lane<'_>, y: [Num; 4], torque: [Num; 2]) -> [Num; 4] {
    let h = 0.01;
    let along = |h: f64, k: [Num; 4]| std::array::from_fn(|i| y[i] + Num::constant(h) * k[i]);
    let k1 = derivative(lane, y, torque);
    let k2 = derivative(lane, along(h / 2.0, k1), torque);
    let k3 = derivative(lane, along(h / 2.0, k2), torque);
    let k4 = derivative(lane, along(h, k3), torque);
    let two = Num::exact(2.0);
    along(h / 6.0, std::array::from_fn(|i| k1[i] + two * k2[i] + two * k3[i] + k4[i]))
}

/// Lagrange's equations of two links, the motors' inertia on the diagonal, solved by elimination.
fn derivative(lane: Lane<'_>, y: [Num; 4], torque: [Num; 2]) -> [Num; 4] {
    let [_, damping, armature, _]: [Num; 4] = floats(lane.params);
    let [first, second, coupling] = moments();
    let [_, theta2, theta1_dot, theta2_dot] = y;
    let two = Num::exact(2.0);
    let (sine, cosine) = theta2.sin_cos();
    let m11 = first + two * coupling * cosine + armature;
    let m12 = second + coupling * cosine;
    let m22 = second + armature;
    let coriolis = coupling * sine * (two * theta1_dot * theta2_dot + theta2_dot * theta2_dot);
    let centrifugal = coupling * sine * (theta1_dot * theta1_dot);
    let push1 = torque[0] - damping * theta1_dot + coriolis;
    let push2 = torque[1] - damping * theta2_dot - centrifugal;
    let determinant = m11 * m22 - m12 * m12;
    let acceleration1 = (m22 * push1 - m12 * push2) / determinant;
    let acceleration2 = (m11 * push2 - m12 * push1) / determinant;
    [theta1_dot, theta2_dot, acceleration1, acceleration2]
}

/// Place of the tip, 0.11 m behind the second joint, from the target.
fn tip_less_target(theta1: Num, theta2: Num, target: [Num; 2]) -> [Num; 2] {
    let ((sine1, cosine1), (sine2, cosine2)) = (theta1.sin_cos(), (theta1 + theta2).sin_cos());
    let tip = |first: Num, second: Num| Num::constant(0.1) * first + Num::constant(0.11) * second;
    [tip(cosine1, cosine2) - target[0], tip(sine1, sine2) - target[1]]
}

/// cos and sin of both angles, target, velocities, tip less target.
fn observe_arm(_: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    // Whole turns change nothing here.
    let turned = |angle: Num| Num { bound: angle.bound % TAU, ..angle };
    let [theta1, theta2] = [float(&state[0]), float(&state[1])].map(turned);
    let ((sine1, cosine1), (sine2, cosine2)) = (theta1.sin_cos(), theta2.sin_cos());
    let away = tip_less_target(theta1, theta2, [float(&state[4]), float(&state[5])]);
    let angles = [cosine1, cosine2, sine1, sine2].map(Expect::Float);
    let velocities = &state[2..4];
    [&angles[..], &state[4..6], velocities, &away.map(Expect::Float)].concat()
}
