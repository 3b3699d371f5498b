// The pendulum of Pendulum-v1 and PendulumDiscrete-v1. Gymnasium 1.4 `classic_control/pendulum.py`.
//
// theta is 0 upright and grows without bound; a step is semi-implicit Euler with dt = 0.05. The file that imports this
// declares `struct State { theta: f32, theta_dot: f32 }` and the parameters g, m and l. src/shared/pendulum.rs is the
// twin.

// import: angle

const PI = 3.1415927;
const MAX_SPEED = 8.0;
const MAX_TORQUE = 2.0;
const DT = 0.05;

const BACKGROUND = vec3f(1.0, 1.0, 1.0);
const ROD = vec3f(0.8, 0.302, 0.302);
const AXLE = vec3f(0.0, 0.0, 0.0);

fn pendulum_reset(rng: ptr<function, Rng>) -> State {
    let theta = rng_range(rng, -PI, PI);
    let theta_dot = rng_range(rng, -1.0, 1.0);
    return State(theta, theta_dot);
}

// One step; the cost is that of the state before it. It never ends the episode.
fn pendulum_step(state: ptr<function, State>, torque: f32) -> Outcome {
    let s = *state;
    let u = clamp(torque, -MAX_TORQUE, MAX_TORQUE);
    let angle = wrap_angle(s.theta);
    let cost = angle * angle + 0.1 * s.theta_dot * s.theta_dot + 0.001 * u * u;
    // A uniform rod about its end: inertia m l^2 / 3, gravity at half its length.
    let fall = 1.5 * (env.g / env.l) * sincos_f32(s.theta).x;
    let theta_acc = fall + 3.0 * (u / (env.m * env.l * env.l));
    let theta_dot = clamp(s.theta_dot + DT * theta_acc, -MAX_SPEED, MAX_SPEED);
    *state = State(s.theta + DT * theta_dot, theta_dot);
    return Outcome(-cost, false);
}

fn pendulum_observe(state: State) -> array<f32, 3> {
    let trig = sincos_f32(state.theta);
    return array<f32, 3>(trig.y, trig.x, state.theta_dot);
}

// The picture spans 2.2 m to each side of the axle; positive angles lean left, as Gymnasium draws them.
fn pendulum_draw(state: State, uv: vec2f) -> vec3f {
    let at = vec2f(4.4 * uv.x - 2.2, 2.2 - 4.4 * uv.y);
    let trig = sincos_f32(state.theta);
    let end = vec2f(-trig.x, trig.y);
    let colour = paint(BACKGROUND, ROD, sd_segment(at, vec2f(0.0, 0.0), end, 0.1));
    return paint(colour, AXLE, sd_circle(at, 0.05));
}
