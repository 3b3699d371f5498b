//! Gymnasium's classic control tasks in f64: cart-pole, mountain cars, acrobot and pendulum.

use std::f64::consts::{PI, TAU};

use super::dynamics::{Dynamics, Lane, Outcome, float};
use super::random::Random;
use super::{Expect, Num};

/// The model of a file, if it is one of these.
pub fn dynamics(file: &str) -> Option<Dynamics> {
    Some(match file {
        "cartpole.wgsl" => Dynamics {
            reset: |_, random| uniform(random, [0.05; 4]),
            step: cartpole,
            observe: |_, state| state.to_vec(),
        },
        "mountain_car.wgsl" => {
            Dynamics { reset: reset_valley, step: mountain_car, observe: |_, state| state.to_vec() }
        }
        "mountain_car_continuous.wgsl" => Dynamics {
            reset: reset_valley,
            step: mountain_car_continuous,
            observe: |_, state| state.to_vec(),
        },
        "acrobot.wgsl" => {
            Dynamics { reset: |_, random| uniform(random, [0.1; 4]), step: acrobot, observe: observe_acrobot }
        }
        "pendulum.wgsl" => Dynamics {
            reset: |_, random| uniform(random, [PI, 1.0]),
            step: |lane, state, action, _| pendulum(lane, state, f32::from_bits(action[0])),
            observe: observe_pendulum,
        },
        "pendulum_discrete.wgsl" => Dynamics {
            reset: |_, random| uniform(random, [PI, 1.0]),
            step: |lane, state, action, _| pendulum(lane, state, action[0] as f32 - 2.0),
            observe: observe_pendulum,
        },
        _ => return None,
    })
}

/// Each number uniform up to its reach to both sides of 0.
fn uniform<const N: usize>(random: &mut Random, reach: [f64; N]) -> Vec<Expect> {
    reach.iter().map(|reach| Expect::Float(random.range(-reach, *reach))).collect()
}

pub(super) fn floats<const N: usize>(words: &[u32]) -> [Num; N] {
    std::array::from_fn(|i| Num::exact(f32::from_bits(words[i])))
}

pub(super) fn outcome(
    next: impl IntoIterator<Item = Num>,
    reward: Num,
    terminated: Option<bool>,
) -> Option<Outcome> {
    Some(Outcome { next: next.into_iter().map(Expect::Float).collect(), reward, terminated })
}

/// Whether `value` is beyond `limit`, or `None` where rounding may decide it.
pub(super) fn beyond(value: Num, limit: Num) -> Option<bool> {
    let distance = value.value - limit.value;
    let doubt = 2.0 * (value.bound + limit.bound) + 1e-7 * limit.value.abs();
    (distance.abs() > doubt).then_some(distance > 0.0)
}

fn both(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Gymnasium's `CartPoleEnv.step`, explicit Euler with tau = 0.02.
fn cartpole(lane: Lane<'_>, state: &[u32], action: &[u32], _: &mut Random) -> Option<Outcome> {
    let number = Num::constant;
    let [x, x_dot, theta, theta_dot] = floats(state);
    let [gravity, masscart, masspole, length, force_mag] = floats(lane.params);
    let sutton_barto_reward = lane.params[5] != 0;
    let (total_mass, polemass_length, tau) = (masspole + masscart, masspole * length, number(0.02));
    let force = if action[0] == 1 { force_mag } else { -force_mag };
    let (sintheta, costheta) = theta.sin_cos();
    let temp = (force + polemass_length * (theta_dot * theta_dot) * sintheta) / total_mass;
    let thetaacc = (gravity * sintheta - costheta * temp)
        / (length * (number(4.0 / 3.0) - masspole * (costheta * costheta) / total_mass));
    let xacc = temp - polemass_length * thetaacc * costheta / total_mass;
    let next = [x + tau * x_dot, x_dot + tau * xacc, theta + tau * theta_dot, theta_dot + tau * thetaacc];
    let within = |value: Num, limit: f64| beyond(value.max(-value), number(limit)).map(|beyond| !beyond);
    let within = both(within(next[0], 2.4), within(next[2], 12.0 * TAU / 360.0));
    let reward = match (sutton_barto_reward, within) {
        (false, _) => Num::exact(1.0),
        (true, Some(within)) => Num::exact(if within { 0.0 } else { -1.0 }),
        // The fall that rounding decides.
        (true, None) => Num { value: -0.5, bound: 0.5 },
    };
    outcome(next, reward, within.map(|within| !within))
}

fn reset_valley(_: Lane<'_>, random: &mut Random) -> Vec<Expect> {
    vec![Expect::Float(random.range(-0.6, -0.4)), Expect::Bits(0)]
}

/// Position and velocity after one step of either mountain car.
fn valley(state: &[u32], push: Num, gravity: Num) -> [Num; 2] {
    let number = Num::constant;
    let [position, velocity] = floats(state);
    let velocity = velocity + push - gravity * (number(3.0) * position).sin_cos().1;
    let velocity = velocity.clamp(number(-0.07), number(0.07));
    let wall = number(-1.2);
    let advanced = position + velocity;
    // The left wall stops the car.
    let stopped = velocity.max(Num::default());
    let velocity = match beyond(advanced, wall) {
        Some(true) => velocity,
        Some(false) => stopped,
        None => {
            let value = (velocity.value + stopped.value) / 2.0;
            Num { value, bound: velocity.bound + (velocity.value - stopped.value).abs() / 2.0 }
        }
    };
    [advanced.clamp(wall, number(0.6)), velocity]
}

/// Gymnasium's `MountainCarEnv.step`.
fn mountain_car(lane: Lane<'_>, state: &[u32], action: &[u32], _: &mut Random) -> Option<Outcome> {
    let [goal_velocity, gravity, force] = floats(lane.params);
    let push = (Num::exact(action[0] as f32) - Num::exact(1.0)) * force;
    let next = valley(state, push, gravity);
    let terminated = both(beyond(next[0], Num::exact(0.5)), beyond(next[1], goal_velocity));
    outcome(next, Num::exact(-1.0), terminated)
}

/// Gymnasium's `Continuous_MountainCarEnv.step`.
fn mountain_car_continuous(lane: Lane<'_>, state: &[u32], action: &[u32], _: &mut Random) -> Option<Outcome> {
    let [goal_velocity, gravity, power] = floats(lane.params);
    let action = f32::from_bits(action[0]);
    let next = valley(state, Num::exact(action.clamp(-1.0, 1.0)) * power, gravity);
    let terminated = both(beyond(next[0], Num::constant(0.45)), beyond(next[1], goal_velocity));
    let prize = Num::exact(if terminated == Some(true) { 100.0 } else { 0.0 });
    let action = Num::exact(action);
    outcome(next, prize - Num::constant(0.1) * (action * action), terminated)
}

/// Gymnasium's `PendulumEnv.step`.
fn pendulum(lane: Lane<'_>, state: &[u32], torque: f32) -> Option<Outcome> {
    let number = Num::constant;
    let [g, m, l] = floats(lane.params);
    let [theta, theta_dot] = floats(state);
    let u = Num::exact(torque.clamp(-2.0, 2.0));
    let angle = theta.wrapped();
    let costs = angle * angle + number(0.1) * (theta_dot * theta_dot) + number(0.001) * (u * u);
    let falling = number(3.0) * g / (number(2.0) * l) * theta.sin_cos().0;
    let theta_acc = falling + number(3.0) / (m * (l * l)) * u;
    let dt = number(0.05);
    let theta_dot = (theta_dot + theta_acc * dt).clamp(number(-8.0), number(8.0));
    outcome([theta + theta_dot * dt, theta_dot], -costs, Some(false))
}

/// cos theta, sin theta, theta_dot.
fn observe_pendulum(_: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    let (sine, cosine) = float(&state[0]).sin_cos();
    vec![Expect::Float(cosine), Expect::Float(sine), state[1]]
}

/// Gymnasium's `AcrobotEnv.step`.
fn acrobot(lane: Lane<'_>, state: &[u32], action: &[u32], random: &mut Random) -> Option<Outcome> {
    let number = Num::constant;
    let y: [Num; 4] = floats(state);
    let [noise] = floats(&lane.params[7..]);
    let mut torque = Num::exact(action[0] as f32) - Num::exact(1.0);
    if noise.value > 0.0 {
        torque = torque + (-noise + (noise + noise) * Num { value: random.uniform(), bound: 0.0 });
    }
    let along = |h: Num, k: [Num; 4]| std::array::from_fn(|i| y[i] + h * k[i]);
    let derivative = |y| acrobot_derivative(lane, y, torque);
    let k1 = derivative(y);
    let k2 = derivative(along(number(0.1), k1));
    let k3 = derivative(along(number(0.1), k2));
    let k4 = derivative(along(number(0.2), k3));
    let two = Num::exact(2.0);
    let slope = std::array::from_fn(|i| k1[i] + two * k2[i] + two * k3[i] + k4[i]);
    let next: [Num; 4] = along(number(0.2 / 6.0), slope);
    let (theta1, theta2) = (next[0].wrapped(), next[1].wrapped());
    let height = -theta1.sin_cos().1 - (theta1 + theta2).sin_cos().1;
    let terminated = beyond(height, Num::exact(1.0));
    // At half a turn either sign is right: the bound grows by a turn.
    let open = |angle: Num| {
        let seam = PI - angle.value.abs() <= 2.0 * angle.bound + 1e-6;
        if seam { Num { bound: angle.bound + TAU, ..angle } } else { angle }
    };
    let within = |speed: Num, limit: f64| speed.clamp(number(-limit), number(limit));
    let next = [open(theta1), open(theta2), within(next[2], 4.0 * PI), within(next[3], 9.0 * PI)];
    outcome(next, Num::exact(if terminated == Some(true) { 0.0 } else { -1.0 }), terminated)
}

/// `AcrobotEnv._dsdt`.
fn acrobot_derivative(lane: Lane<'_>, y: [Num; 4], torque: Num) -> [Num; 4] {
    let [g, l1, m1, m2, lc1, lc2, moi] = floats(lane.params);
    let nips = lane.params[8] == 1;
    let [theta1, theta2, dtheta1, dtheta2] = y;
    let two = Num::exact(2.0);
    let (sin2, cos2) = theta2.sin_cos();
    let d1 = m1 * (lc1 * lc1) + m2 * (l1 * l1 + lc2 * lc2 + two * l1 * lc2 * cos2) + moi + moi;
    let d2 = m2 * (lc2 * lc2 + l1 * lc2 * cos2) + moi;
    let phi2 = m2 * lc2 * g * (theta1 + theta2).sin_cos().0;
    let phi1 = -(m2 * l1 * lc2 * (dtheta2 * dtheta2) * sin2) - two * m2 * l1 * lc2 * dtheta2 * dtheta1 * sin2
        + (m1 * lc1 + m2 * l1) * g * theta1.sin_cos().0
        + phi2;
    let centrifugal = if nips { Num::default() } else { m2 * l1 * lc2 * (dtheta1 * dtheta1) * sin2 };
    let ddtheta2 = (torque + d2 / d1 * phi1 - centrifugal - phi2) / (m2 * (lc2 * lc2) + moi - d2 * d2 / d1);
    let ddtheta1 = -((d2 * ddtheta2 + phi1) / d1);
    [dtheta1, dtheta2, ddtheta1, ddtheta2]
}

/// cos and sin of both angles, both velocities.
fn observe_acrobot(_: Lane<'_>, state: &[Expect]) -> Vec<Expect> {
    // Whole turns change nothing here.
    let trig = |angle: Num| Num { bound: angle.bound % TAU, ..angle }.sin_cos();
    let ((sine1, cosine1), (sine2, cosine2)) = (trig(float(&state[0])), trig(float(&state[1])));
    let floats = [cosine1, sine1, cosine2, sine2].map(Expect::Float);
    [&floats[..], &state[2..]].concat()
}
