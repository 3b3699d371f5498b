// MountainCarContinuous-v0: the mountain car with a throttle. Gymnasium 1.4
// `classic_control/continuous_mountain_car.py`.
//
// State and observation: position, velocity. Action: throttle in [-1, 1]. Reward: 100 for standing at the flag, at
// 0.45, with at least `goal_velocity`, less 0.1 throttle^2 per step; a throttle beyond the limits pushes no harder but
// costs more.

// import: valley

const OBS_SIZE = 2u;
const ACTION_LOW = array(-1.0);
const ACTION_HIGH = array(1.0);
const MAX_EPISODE_STEPS = 999u;
const REWARD_THRESHOLD = 90.0;
const OBS_LOW = array(-1.2, -0.07);
const OBS_HIGH = array(0.6, 0.07);
const RENDER_FPS = 30u;
const DRAW_ASPECT = 1.5;

const GOAL_POSITION = 0.45;
// 0.55 + 0.45 sin(3 GOAL_POSITION)
const GOAL_HEIGHT = 0.98907552;

struct State {
    position: f32,
    velocity: f32,
}

struct EnvParams {
    // least velocity at the flag
    goal_velocity: f32,
    // pull of gravity along the slope
    gravity: f32,
    // push of the engine at full throttle
    power: f32,
}

const DEFAULT_PARAMS = EnvParams(0.0, 0.0025, 0.0015);

fn reset(rng: ptr<function, Rng>) -> State {
    return valley_reset(rng);
}

fn step(state: ptr<function, State>, action: array<f32, 1>, rng: ptr<function, Rng>) -> Outcome {
    let throttle = action[0];
    let push = clamp(throttle, -1.0, 1.0) * env.power;
    let next = valley_step(*state, push, env.gravity);
    *state = next;
    let terminated = next.position >= GOAL_POSITION && next.velocity >= env.goal_velocity;
    let prize = select(0.0, 100.0, terminated);
    return Outcome(prize - 0.1 * throttle * throttle, terminated);
}

fn observe(state: State) -> array<f32, OBS_SIZE> {
    return array<f32, OBS_SIZE>(state.position, state.velocity);
}

fn draw(state: State, uv: vec2f) -> vec3f {
    return valley_draw(state.position, GOAL_POSITION, GOAL_HEIGHT, uv);
}
