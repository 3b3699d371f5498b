// CartPole-v1: balance a pole on a cart. Gymnasium 1.4 `classic_control/cartpole.py`; Barto, Sutton and Anderson
// (1983).
//
// State: x (m), x_dot (m/s), theta (rad), theta_dot (rad/s); observation: the same four. Actions: 0 pushes left, 1
// right. Explicit Euler with dt = 0.02: positions advance with the old velocities. Reward 1 per step, the last one
// included; with sutton_barto_reward 0, and -1 for the step in which the pole falls.

const OBS_SIZE = 4u;
const NUM_ACTIONS = 2u;
const MAX_EPISODE_STEPS = 500u;
const REWARD_THRESHOLD = 475.0;
const OBS_LOW = array(-4.8, -3.4e38, -0.41887903, -3.4e38);
const OBS_HIGH = array(4.8, 3.4e38, 0.41887903, 3.4e38);
const DRAW_ASPECT = 1.5;
const RENDER_FPS = 50u;

const DT = 0.02;
const X_LIMIT = 2.4;
// 12 degrees
const THETA_LIMIT = 0.20943951;

struct State {
    x: f32,
    x_dot: f32,
    theta: f32,
    theta_dot: f32,
}

struct EnvParams {
    // gravity, m/s^2
    gravity: f32,
    // mass of the cart, kg
    // range: above 0
    masscart: f32,
    // mass of the pole, kg
    // range: above 0
    masspole: f32,
    // half the pole's length, m
    // range: above 0
    length: f32,
    // push of either action, N
    force_mag: f32,
    // whether only the fall is rewarded, with -1
    sutton_barto_reward: u32,
}

const DEFAULT_PARAMS = EnvParams(9.8, 1.0, 0.1, 0.5, 10.0, 0u);

fn reset(rng: ptr<function, Rng>) -> State {
    let x = rng_range(rng, -0.05, 0.05);
    let x_dot = rng_range(rng, -0.05, 0.05);
    let theta = rng_range(rng, -0.05, 0.05);
    let theta_dot = rng_range(rng, -0.05, 0.05);
    return State(x, x_dot, theta, theta_dot);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    let s = *state;
    let total_mass = env.masspole + env.masscart;
    let polemass_length = env.masspole * env.length;
    let force = select(-env.force_mag, env.force_mag, action == 1u);
    let trig = sincos_f32(s.theta);
    let sine = trig.x;
    let cosine = trig.y;
    let push = (force + polemass_length * s.theta_dot * s.theta_dot * sine) / total_mass;
    let theta_acc = (env.gravity * sine - cosine * push)
        / (env.length * (1.3333334 - env.masspole * cosine * cosine / total_mass));
    let x_acc = push - polemass_length * theta_acc * cosine / total_mass;
    let next = State(
        s.x + DT * s.x_dot,
        s.x_dot + DT * x_acc,
        s.theta + DT * s.theta_dot,
        s.theta_dot + DT * theta_acc,
    );
    *state = next;
    let fallen = abs(next.x) > X_LIMIT || abs(next.theta) > THETA_LIMIT;
    let sutton_barto = select(0.0, -1.0, fallen);
    return Outcome(select(1.0, sutton_barto, env.sutton_barto_reward != 0u), fallen);
}

fn observe(state: State) -> array<f32, OBS_SIZE> {
    return array<f32, OBS_SIZE>(state.x, state.x_dot, state.theta, state.theta_dot);
}

// Gymnasium's picture, 4.8 m wide: a dark cart on a thin track, a tan pole, a violet axle.
fn draw(state: State, uv: vec2f) -> vec3f {
    let at = vec2f((uv.x - 0.5) * 4.8, (0.75 - uv.y) * 3.2);
    let axle = vec2f(at.x - state.x, at.y - 0.06);
    let trig = sincos_f32(state.theta);
    // Into the frame of the pole, whose axis is (sin theta, cos theta).
    let along = axle.x * trig.x + axle.y * trig.y;
    let pole_frame = vec2f(axle.x * trig.y - axle.y * trig.x, along - 0.46);
    var colour = vec3f(1.0, 1.0, 1.0);
    colour = paint(colour, vec3f(0.1, 0.1, 0.12), abs(at.y) - 0.008);
    colour = paint(colour, vec3f(0.13, 0.14, 0.17), sd_round_box(vec2f(at.x - state.x, at.y), vec2f(0.2, 0.12), 0.03));
    colour = paint(colour, vec3f(0.792, 0.596, 0.396), sd_round_box(pole_frame, vec2f(0.04, 0.5), 0.04));
    return paint(colour, vec3f(0.506, 0.518, 0.796), sd_circle(axle, 0.04));
}
