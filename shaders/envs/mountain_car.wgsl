// MountainCar-v0: drive an underpowered car out of a valley. Gymnasium 1.4 `classic_control/mountain_car.py`; Moore
// (1990).
//
// State and observation: position, velocity. Actions: 0 pushes left, 1 not at all, 2 right. Reward -1 per step until
// the car stands at the flag, at 0.5, with at least `goal_velocity`.

// import: valley

const OBS_SIZE = 2u;
const NUM_ACTIONS = 3u;
const MAX_EPISODE_STEPS = 200u;
const REWARD_THRESHOLD = -110.0;
const OBS_LOW = array(-1.2, -0.07);
const OBS_HIGH = array(0.6, 0.07);
const RENDER_FPS = 30u;
const DRAW_ASPECT = 1.5;

const GOAL_POSITION = 0.5;
// 0.55 + 0.45 sin(3 GOAL_POSITION)
const GOAL_HEIGHT = 0.99887274;

struct State {
    position: f32,
    velocity: f32,
}

struct EnvParams {
    // least velocity at the flag
    goal_velocity: f32,
    // pull of gravity along the slope
    gravity: f32,
    // push of the engine
    force: f32,
}

const DEFAULT_PARAMS = EnvParams(0.0, 0.0025, 0.001);

fn reset(rng: ptr<function, Rng>) -> State {
    return valley_reset(rng);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    let push = (f32(action) - 1.0) * env.force;
    let next = valley_step(*state, push, env.gravity);
    *state = next;
    return Outcome(-1.0, next.position >= GOAL_POSITION && next.velocity >= env.goal_velocity);
}

fn observe(state: State) -> array<f32, OBS_SIZE> {
    return array<f32, OBS_SIZE>(state.position, state.velocity);
}

fn draw(state: State, uv: vec2f) -> vec3f {
    return valley_draw(state.position, GOAL_POSITION, GOAL_HEIGHT, uv);
}
