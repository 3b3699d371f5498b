// Pendulum-v1: swing a pendulum up and keep it there. Gymnasium 1.4 `classic_control/pendulum.py`.
//
// State: theta (rad, 0 upright, unbounded), theta_dot (rad/s); observation: cos theta, sin theta, theta_dot. Action:
// torque in [-2, 2]. Reward -(angle^2 + 0.1 theta_dot^2 + 0.001 torque^2) with the angle in [-pi, pi].

// import: pendulum

const OBS_SIZE = 3u;
const ACTION_LOW = array(-2.0);
const ACTION_HIGH = array(2.0);
const MAX_EPISODE_STEPS = 200u;
const OBS_LOW = array(-1.0, -1.0, -8.0);
const OBS_HIGH = array(1.0, 1.0, 8.0);
const RENDER_FPS = 30u;

struct State {
    theta: f32,
    theta_dot: f32,
}

struct EnvParams {
    // gravity, m/s^2
    g: f32,
    // mass of the rod, kg
    // range: above 0
    m: f32,
    // length of the rod in the equations, m
    // range: above 0
    l: f32,
}

const DEFAULT_PARAMS = EnvParams(10.0, 1.0, 1.0);

fn reset(rng: ptr<function, Rng>) -> State {
    return pendulum_reset(rng);
}

fn step(state: ptr<function, State>, action: array<f32, 1>, rng: ptr<function, Rng>) -> Outcome {
    return pendulum_step(state, action[0]);
}

fn observe(state: State) -> array<f32, OBS_SIZE> {
    return pendulum_observe(state);
}

fn draw(state: State, uv: vec2f) -> vec3f {
    return pendulum_draw(state, uv);
}
