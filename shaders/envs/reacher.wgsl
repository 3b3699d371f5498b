// Reacher-v0: bring the tip of a two-link arm to a target, by torques at both joints. The arm of Gymnasium's Reacher-v5
// (`mujoco/reacher_v5.py`, `assets/reacher.xml`), its equations of motion written out; a step differs from MuJoCo's
// only where the second joint meets its stop.
//
// State: theta1 (rad, 0 along x), theta2 (rad, relative to the first link), their velocities (rad/s), the target (m);
// observation: cos of both angles, sin of both, target, velocities, tip less target. Action: torques in [-1, 1], times
// `gear`. Reward -(distance of the tip to the target after the step + control_cost |action|^2); an action beyond the
// limits turns no harder but costs more. There is no end but the time limit. The target is uniform in the disc of 0.2 m
// around the first joint.
//
// Links of 0.1 m are capsules of radius 0.01 m and 1000 kg/m^3; the tip, a ball of radius 0.01 m, sits 0.11 m from the
// second joint. With I_1 = 7.051619e-4, I_2 = 1.7903937e-4, c = 2.2410028e-4 (kg m^2) from that, J the armature, d the
// damping, w_i = theta_i':
//   (I_1 + J + 2 c cos theta2) w_1' + (I_2 + c cos theta2) w_2' = gear u_1 - d w_1 + c sin theta2 w_2 (w_2 + 2 w_1)
//   (I_2 + c cos theta2) w_1'       + (I_2 + J) w_2'            = gear u_2 - d w_2 - c sin theta2 w_1^2
// Two Runge-Kutta steps of 0.01 s. After each, theta2 stays within 3 rad, where the stop takes the velocity towards it;
// MuJoCo's stop is a soft spring.

const OBS_SIZE = 10u;
const ACTION_LOW = array(-1.0, -1.0);
const ACTION_HIGH = array(1.0, 1.0);
const MAX_EPISODE_STEPS = 50u;
const REWARD_THRESHOLD = -3.75;
const RENDER_FPS = 50u;

const INERTIA_1 = 7.051619e-4;
const INERTIA_2 = 1.7903937e-4;
const COUPLING = 2.2410028e-4;
const LINK_LENGTH = 0.1;
const TIP_DISTANCE = 0.11;
const STOP = 3.0;
const TARGET_REACH = 0.2;

const DT = 0.01;
const HALF_DT = 0.005;
const SIXTH_DT = 0.0016666667;

const GROUND = vec3f(0.9, 0.9, 0.9);
const WALL = vec3f(0.9, 0.4, 0.6);
const LINK = vec3f(0.0, 0.4, 0.6);
const TIP = vec3f(0.0, 0.8, 0.6);
const TARGET = vec3f(0.9, 0.2, 0.2);

struct State {
    theta1: f32,
    theta2: f32,
    theta1_dot: f32,
    theta2_dot: f32,
    target_x: f32,
    target_y: f32,
}

struct EnvParams {
    // torque at full action, N m
    gear: f32,
    // friction of a joint per velocity, N m s
    // range: at least 0
    damping: f32,
    // inertia of a motor, kg m^2
    // range: above 0
    armature: f32,
    // cost of a full action of one joint
    control_cost: f32,
}

const DEFAULT_PARAMS = EnvParams(200.0, 1.0, 1.0, 1.0);

fn reset(rng: ptr<function, Rng>) -> State {
    let theta1 = rng_range(rng, -0.1, 0.1);
    let theta2 = rng_range(rng, -0.1, 0.1);
    let theta1_dot = rng_range(rng, -0.005, 0.005);
    let theta2_dot = rng_range(rng, -0.005, 0.005);
    // Uniform in a disc: the squared distance is.
    let distance = TARGET_REACH * sqrt(rng_uniform(rng));
    let direction = sincos_f32(rng_range(rng, -3.1415927, 3.1415927));
    return State(theta1, theta2, theta1_dot, theta2_dot, distance * direction.y, distance * direction.x);
}

fn step(state: ptr<function, State>, action: array<f32, 2>, rng: ptr<function, Rng>) -> Outcome {
    let torque1 = env.gear * clamp(action[0], -1.0, 1.0);
    let torque2 = env.gear * clamp(action[1], -1.0, 1.0);
    let start = vec4f((*state).theta1, (*state).theta2, (*state).theta1_dot, (*state).theta2_dot);
    let middle = advanced(start, torque1, torque2);
    let next = advanced(middle, torque1, torque2);
    *state = State(next.x, next.y, next.z, next.w, (*state).target_x, (*state).target_y);
    let away = from_target(*state);
    let distance = sqrt(away.x * away.x + away.y * away.y);
    let effort = action[0] * action[0] + action[1] * action[1];
    return Outcome(-distance - env.control_cost * effort, false);
}

// theta1, theta2 and their velocities 0.01 s later.
fn advanced(y: vec4f, torque1: f32, torque2: f32) -> vec4f {
    let k1 = derivative(y, torque1, torque2);
    let k2 = derivative(y + HALF_DT * k1, torque1, torque2);
    let k3 = derivative(y + HALF_DT * k2, torque1, torque2);
    let k4 = derivative(y + DT * k3, torque1, torque2);
    let next = y + SIXTH_DT * (k1 + 2.0 * (k2 + k3) + k4);
    var speed = next.w;
    if (next.y > STOP) {
        speed = min(speed, 0.0);
    }
    if (next.y < -STOP) {
        speed = max(speed, 0.0);
    }
    return vec4f(next.x, clamp(next.y, -STOP, STOP), next.z, speed);
}

fn derivative(y: vec4f, torque1: f32, torque2: f32) -> vec4f {
    let bend = sincos_f32(y.y);
    let coupled = COUPLING * bend.y;
    let pull = COUPLING * bend.x;
    let m11 = INERTIA_1 + env.armature + 2.0 * coupled;
    let m12 = INERTIA_2 + coupled;
    let m22 = INERTIA_2 + env.armature;
    // The single term between the products, where Mesa would move it; see valley.wgsl.
    let push1 = pull * (y.w * (y.w + 2.0 * y.z)) + torque1 - env.damping * y.z;
    let push2 = torque2 - env.damping * y.w - pull * (y.z * y.z);
    let determinant = m11 * m22 - m12 * m12;
    let theta1_acc = (m22 * push1 - m12 * push2) / determinant;
    let theta2_acc = (m11 * push2 - m12 * push1) / determinant;
    return vec4f(y.z, y.w, theta1_acc, theta2_acc);
}

// Tip less target.
fn from_target(state: State) -> vec2f {
    let first = sincos_f32(state.theta1);
    let second = sincos_f32(state.theta1 + state.theta2);
    return vec2f(
        LINK_LENGTH * first.y - state.target_x + TIP_DISTANCE * second.y,
        LINK_LENGTH * first.x - state.target_y + TIP_DISTANCE * second.x,
    );
}

fn observe(state: State) -> array<f32, OBS_SIZE> {
    let first = sincos_f32(state.theta1);
    let second = sincos_f32(state.theta2);
    let away = from_target(state);
    return array<f32, OBS_SIZE>(
        first.y,
        second.y,
        first.x,
        second.x,
        state.target_x,
        state.target_y,
        state.theta1_dot,
        state.theta2_dot,
        away.x,
        away.y,
    );
}

// The arena of 0.6 m between its walls.
fn draw(state: State, uv: vec2f) -> vec3f {
    let at = vec2f(0.66 * uv.x - 0.33, 0.33 - 0.66 * uv.y);
    let first = sincos_f32(state.theta1);
    let second = sincos_f32(state.theta1 + state.theta2);
    let elbow = vec2f(LINK_LENGTH * first.y, LINK_LENGTH * first.x);
    let tip = vec2f(elbow.x + TIP_DISTANCE * second.y, elbow.y + TIP_DISTANCE * second.x);
    var colour = paint(GROUND, WALL, 0.3 - max(abs(at.x), abs(at.y)));
    colour = paint(colour, LINK, sd_segment(at, vec2f(0.0, 0.0), elbow, 0.01));
    colour = paint(colour, LINK, sd_segment(at, elbow, tip, 0.01));
    colour = paint(colour, WALL, sd_circle(at, 0.011));
    colour = paint(colour, TIP, sd_circle(at - tip, 0.013));
    return paint(colour, TARGET, sd_circle(vec2f(at.x - state.target_x, at.y - state.target_y), 0.012));
}
