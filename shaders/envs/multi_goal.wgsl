// MultiGoal-v0: move a point to the nearest of four goals around it. `MultiGoalEnv` of Haarnoja et al. 2017
// (softqlearning, `environments/multigoal.py`): from the middle every way is as good as three others, so the best
// policy has four modes.
//
// State and observation: position (x, y), within 7 of the middle along each axis. Action: velocity (x, y), cut to
// [-1, 1]. Goals at (5, 0), (-5, 0), (0, 5) and (0, -5). Reward -(30 |velocity|^2 + the squared distance to the nearest
// goal after the step), and 10 more at less than 1 from a goal, where the episode ends. The start is normal around the
// middle.

// import: normal

const OBS_SIZE = 2u;
const ACTION_LOW = array(-1.0, -1.0);
const ACTION_HIGH = array(1.0, 1.0);
const MAX_EPISODE_STEPS = 30u;
const OBS_LOW = -7.0;
const OBS_HIGH = 7.0;
const RENDER_FPS = 10u;

const REACH = 7.0;
const GOAL_DISTANCE = 5.0;
const GOAL_RADIUS = 1.0;

const NEAR = vec3f(0.97, 0.96, 0.90);
// Ten bands of cost from the goals outwards, 5 wide.
const DARKER = vec3f(-0.060, -0.048, -0.030);
const GOAL = vec3f(0.80, 0.20, 0.15);
const POINT = vec3f(0.05, 0.25, 0.60);

struct State {
    x: f32,
    y: f32,
}

struct EnvParams {
    // reward at a goal
    goal_reward: f32,
    // cost of a velocity of 1
    actuation_cost: f32,
    // cost of a squared distance of 1
    distance_cost: f32,
    // standard deviation of the start
    // range: at least 0
    init_sigma: f32,
}

const DEFAULT_PARAMS = EnvParams(10.0, 30.0, 1.0, 0.1);

fn reset(rng: ptr<function, Rng>) -> State {
    let x = env.init_sigma * rng_normal(rng);
    let y = env.init_sigma * rng_normal(rng);
    return State(clamp(x, -REACH, REACH), clamp(y, -REACH, REACH));
}

fn step(state: ptr<function, State>, action: array<f32, 2>, rng: ptr<function, Rng>) -> Outcome {
    let dx = clamp(action[0], -1.0, 1.0);
    let dy = clamp(action[1], -1.0, 1.0);
    let x = clamp((*state).x + dx, -REACH, REACH);
    let y = clamp((*state).y + dy, -REACH, REACH);
    *state = State(x, y);
    let offset = nearest_goal(x, y);
    let distance2 = offset.x * offset.x + offset.y * offset.y;
    let arrived = distance2 < GOAL_RADIUS * GOAL_RADIUS;
    let prize = select(0.0, env.goal_reward, arrived);
    return Outcome(prize - env.actuation_cost * (dx * dx + dy * dy) - env.distance_cost * distance2, arrived);
}

// The place as seen from the nearest goal, turned so that this goal is the one on the right: beyond it, and beside it.
fn nearest_goal(x: f32, y: f32) -> vec2f {
    return vec2f(max(abs(x), abs(y)) - GOAL_DISTANCE, min(abs(x), abs(y)));
}

fn observe(state: State) -> array<f32, OBS_SIZE> {
    return array<f32, OBS_SIZE>(state.x, state.y);
}

// 7.7 to each side of the middle; the bands are lines of equal cost.
fn draw(state: State, uv: vec2f) -> vec3f {
    let x = 15.4 * uv.x - 7.7;
    let y = 7.7 - 15.4 * uv.y;
    let offset = nearest_goal(x, y);
    let band = min(floor(0.2 * (offset.x * offset.x + offset.y * offset.y)), 9.0);
    var colour = NEAR + band * DARKER;
    colour = paint(colour, GOAL, abs(sd_circle(offset, GOAL_RADIUS)) - 0.06);
    colour = paint(colour, GOAL, sd_circle(offset, 0.2));
    return paint(colour, POINT, sd_circle(vec2f(x - state.x, y - state.y), 0.3));
}
