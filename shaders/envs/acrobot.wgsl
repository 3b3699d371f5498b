// Acrobot-v1: swing the tip of two links above a line by a torque at the joint between them. Gymnasium 1.4
// `classic_control/acrobot.py`; Sutton (1996), with the equations of motion of Sutton and Barto's book.
//
// State: theta1 (rad, 0 hangs down), theta2 (rad, relative to the first link), their velocities (rad/s); observation:
// cos and sin of theta1, cos and sin of theta2, the velocities. Actions: torque -1, 0, 1. One Runge-Kutta step of 0.2
// s. Reward -1 per step, 0 when the tip is above the line one link above the fixed joint.

// import: angle

const OBS_SIZE = 6u;
const NUM_ACTIONS = 3u;
const MAX_EPISODE_STEPS = 500u;
// param: mean return that counts as solved
const REWARD_THRESHOLD = -100.0;
const OBS_LOW = array(-1.0, -1.0, -1.0, -1.0, -12.566371, -28.274334);
const OBS_HIGH = array(1.0, 1.0, 1.0, 1.0, 12.566371, 28.274334);
const RENDER_FPS = 15u;

const DT = 0.2;
const HALF_DT = 0.1;
const SIXTH_DT = 0.033333335;
// 4 pi and 9 pi
const MAX_SPEED_1 = 12.566371;
const MAX_SPEED_2 = 28.274334;

const BACKGROUND = vec3f(1.0, 1.0, 1.0);
const LINE = vec3f(0.0, 0.0, 0.0);
const LINK = vec3f(0.0, 0.8, 0.8);
const JOINT = vec3f(0.8, 0.8, 0.0);

struct State {
    theta1: f32,
    theta2: f32,
    theta1_dot: f32,
    theta2_dot: f32,
}

struct EnvParams {
    // gravity, m/s^2
    gravity: f32,
    // length of the first link in the equations, m
    // range: above 0
    link_length_1: f32,
    // mass of the first link, kg
    // range: above 0
    link_mass_1: f32,
    // mass of the second link, kg
    // range: above 0
    link_mass_2: f32,
    // centre of mass of the first link, m from its joint
    // range: at least 0
    link_com_pos_1: f32,
    // centre of mass of the second link, m from its joint
    // range: at least 0
    link_com_pos_2: f32,
    // moment of inertia of either link, kg m^2
    // range: above 0
    link_moi: f32,
    // largest random torque added to the action
    // range: at least 0
    torque_noise_max: f32,
    // equations of the 1996 paper, which lack a term of the book's
    nips: u32,
}

const DEFAULT_PARAMS = EnvParams(9.8, 1.0, 1.0, 1.0, 0.5, 0.5, 1.0, 0.0, 0u);

fn reset(rng: ptr<function, Rng>) -> State {
    let theta1 = rng_range(rng, -0.1, 0.1);
    let theta2 = rng_range(rng, -0.1, 0.1);
    let theta1_dot = rng_range(rng, -0.1, 0.1);
    let theta2_dot = rng_range(rng, -0.1, 0.1);
    return State(theta1, theta2, theta1_dot, theta2_dot);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    var torque = f32(action) - 1.0;
    if (env.torque_noise_max > 0.0) {
        torque = torque + rng_range(rng, -env.torque_noise_max, env.torque_noise_max);
    }
    let y = vec4f((*state).theta1, (*state).theta2, (*state).theta1_dot, (*state).theta2_dot);
    let k1 = derivative(y, torque);
    let k2 = derivative(y + HALF_DT * k1, torque);
    let k3 = derivative(y + HALF_DT * k2, torque);
    let k4 = derivative(y + DT * k3, torque);
    let next = y + SIXTH_DT * (k1 + 2.0 * (k2 + k3) + k4);
    let theta1 = wrap_angle(next.x);
    let theta2 = wrap_angle(next.y);
    *state = State(
        theta1,
        theta2,
        clamp(next.z, -MAX_SPEED_1, MAX_SPEED_1),
        clamp(next.w, -MAX_SPEED_2, MAX_SPEED_2),
    );
    let height = -sincos_f32(theta1).y - sincos_f32(theta1 + theta2).y;
    let terminated = height > 1.0;
    // By way of integers: out of a choice of floats Mesa makes a negated conversion, and of the 0 a -0.
    return Outcome(f32(i32(terminated) - 1), terminated);
}

// Time derivative of (theta1, theta2, theta1_dot, theta2_dot). The gravity terms of the equations are written with
// cos(x - pi / 2); sin x keeps the digits that the difference would lose.
fn derivative(y: vec4f, torque: f32) -> vec4f {
    let link1 = sincos_f32(y.x);
    let link2 = sincos_f32(y.y);
    let sine_of_both = link1.x * link2.y + link1.y * link2.x;
    let coupling = env.link_mass_2 * (env.link_length_1 * env.link_com_pos_2);
    // The single term between the products, where Mesa would move it; see valley.wgsl.
    let inertia1 = env.link_mass_1 * (env.link_com_pos_1 * env.link_com_pos_1)
        + env.link_moi
        + env.link_mass_2 * (env.link_length_1 * env.link_length_1);
    let inertia2 = env.link_mass_2 * (env.link_com_pos_2 * env.link_com_pos_2) + env.link_moi;
    let d2 = inertia2 + coupling * link2.y;
    let d1 = inertia1 + inertia2 + 2.0 * (coupling * link2.y);
    let pull = coupling * link2.x;
    let weight1 = env.link_mass_1 * env.link_com_pos_1 + env.link_mass_2 * env.link_length_1;
    let phi2 = env.link_mass_2 * env.link_com_pos_2 * env.gravity * sine_of_both;
    let phi1 = weight1 * env.gravity * link1.x - pull * (y.w * (y.w + 2.0 * y.z)) + phi2;
    let centrifugal = select(pull * (y.z * y.z), 0.0, env.nips == 1u);
    let ratio = d2 / d1;
    let theta2_acc = (torque + ratio * phi1 - centrifugal - phi2) / (inertia2 - d2 * ratio);
    let theta1_acc = -(d2 * theta2_acc + phi1) / d1;
    return vec4f(y.z, y.w, theta1_acc, theta2_acc);
}

fn observe(state: State) -> array<f32, OBS_SIZE> {
    let link1 = sincos_f32(state.theta1);
    let link2 = sincos_f32(state.theta2);
    return array<f32, OBS_SIZE>(link1.y, link1.x, link2.y, link2.x, state.theta1_dot, state.theta2_dot);
}

// The picture spans 2.2 m to each side of the fixed joint, and links of 1 m.
fn draw(state: State, uv: vec2f) -> vec3f {
    let at = vec2f(4.4 * uv.x - 2.2, 4.4 * uv.y - 2.2);
    let first = sincos_f32(state.theta1);
    let second = sincos_f32(state.theta1 + state.theta2);
    let beyond = at - first;
    var colour = paint(BACKGROUND, LINE, abs(4.4 * uv.y - 1.2) - 0.01);
    colour = paint(colour, LINK, link(at, first));
    colour = paint(colour, JOINT, sd_circle(at, 0.1));
    colour = paint(colour, LINK, link(beyond, second));
    return paint(colour, JOINT, sd_circle(beyond, 0.1));
}

// Distance from a link of 1 m by 0.2 m that starts at the origin in direction `along`.
fn link(at: vec2f, along: vec2f) -> f32 {
    let forward = at.x * along.x + at.y * along.y;
    let aside = at.y * along.x - at.x * along.y;
    return sd_round_box(vec2f(forward - 0.5, aside), vec2f(0.5, 0.1), 0.0);
}
