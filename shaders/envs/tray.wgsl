// Tray-v0: two lifts carry a tray up, and the ball that rolls on it must not fall off.
//
// State: left, right: heights of the tray's ends, in steps of 0.02 m from 0 to 50; ball (m from the middle, to the
// right) and ball_dot (m/s). Observation: mean height (m), right end minus left end (m), ball, ball_dot. An action
// has two dimensions, one for each lift: 0 down, 1 stay, 2 up, by one step. A solid ball rolls on a tray of 1 m:
//   ball_dot += 0.05 * 5/7 g * (left - right) * 0.02,  ball += 0.05 * ball_dot
// Reward: by how much the lower end rose, in m; and -1 if the ball is off the tray, which ends the episode, or else 1
// if both ends are at the top, which does too. One lift alone gains nothing and tips the ball off: the two must
// agree.

const OBS_SIZE = 4u;
const ACTION_DIMS = array(3u, 3u);
const MAX_EPISODE_STEPS = 200u;
const REWARD_THRESHOLD = 1.9;
const OBS_LOW = array(0.0, -1.0, -1.0, -5.0);
const OBS_HIGH = array(1.0, 1.0, 1.0, 5.0);
const DRAW_ASPECT = 1.0;
const RENDER_FPS = 20u;

const TOP = 50u;
const RISE = 0.02;
const EDGE = 0.5;
const DT = 0.05;
// 0.05 s * 5/7 * 0.02 m of difference per m of tray
const KICK = 0.0007142857;

struct State {
    left: u32,
    right: u32,
    ball: f32,
    ball_dot: f32,
}

struct EnvParams {
    // gravity, m/s^2
    gravity: f32,
}

const DEFAULT_PARAMS = EnvParams(9.8);

fn reset(rng: ptr<function, Rng>) -> State {
    let ball = rng_range(rng, -0.2, 0.2);
    let ball_dot = rng_range(rng, -0.4, 0.4);
    return State(0u, 0u, ball, ball_dot);
}

// A height after one step of its lift.
fn lifted(height: u32, action: u32) -> u32 {
    if (action == 0u) {
        return max(height, 1u) - 1u;
    }
    return select(height, min(height + 1u, TOP), action == 2u);
}

fn step(state: ptr<function, State>, action: array<u32, 2>, rng: ptr<function, Rng>) -> Outcome {
    var s = *state;
    let before = min(s.left, s.right);
    s.left = lifted(s.left, action[0]);
    s.right = lifted(s.right, action[1]);
    let lower = min(s.left, s.right);
    s.ball_dot = s.ball_dot + KICK * env.gravity * (f32(s.left) - f32(s.right));
    s.ball = s.ball + DT * s.ball_dot;
    *state = s;
    let rise = RISE * (f32(lower) - f32(before));
    if (abs(s.ball) > EDGE) {
        return Outcome(rise - 1.0, true);
    }
    if (lower == TOP) {
        return Outcome(rise + 1.0, true);
    }
    return Outcome(rise, false);
}

fn observe(state: State) -> array<f32, OBS_SIZE> {
    let height = 0.5 * RISE * f32(state.left + state.right);
    let difference = RISE * (f32(state.right) - f32(state.left));
    return array<f32, OBS_SIZE>(height, difference, state.ball, state.ball_dot);
}

const WALL = vec3f(0.95, 0.94, 0.91);
const SHELF = vec3f(0.80, 0.76, 0.68);
const COLUMN = vec3f(0.62, 0.66, 0.72);
const TRAY = vec3f(0.20, 0.27, 0.38);
const HANDLE = vec3f(0.85, 0.45, 0.15);
const BALL = vec3f(0.75, 0.16, 0.20);
const SHINE = vec3f(0.94, 0.60, 0.58);

// In steps of 0.02 m: 75 across the picture; the shelf at the top is where the tray must arrive. The
// tray's ends stay above their lifts.
fn draw(state: State, uv: vec2f) -> vec3f {
    let at = vec2f((uv.x - 0.5) * 75.0, 65.0 - uv.y * 75.0);
    let left = f32(state.left);
    let right = f32(state.right);
    var colour = WALL;
    colour = paint(colour, SHELF, abs(at.y - 50.0) - 0.3);
    colour = paint(colour, SHELF, at.y + 3.0);
    let across = abs(at.x) - 25.0;
    let height = select(left, right, at.x > 0.0);
    colour = paint(colour, COLUMN, max(abs(across) - 1.25, max(at.y - height, -3.0 - at.y)));
    colour = paint(colour, TRAY, sd_segment(at, vec2f(-25.0, left), vec2f(25.0, right), 0.7));
    colour = paint(colour, HANDLE, sd_circle(vec2f(across, at.y - height), 1.5));
    let share = state.ball + 0.5;
    let under = left + share * (right - left);
    let centre = vec2f(at.x - 50.0 * state.ball, at.y - 3.2 - under);
    colour = paint(colour, BALL, sd_circle(centre, 2.5));
    return paint(colour, SHINE, sd_circle(vec2f(centre.x + 0.8, centre.y - 0.9), 0.6));
}
