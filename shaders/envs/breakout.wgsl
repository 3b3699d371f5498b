// Breakout-MinAtar: bounce a ball off a paddle into three rows of bricks. MinAtar 1.0.15 `environments/breakout.py`.
//
// State: the package's variables; bricks has a bit for each cell of rows 1 to 3. Observation: 10 x 10 cells with four
// flags: paddle, ball, trail (where the ball was), brick. Actions: 0 n, 1 l, 2 u, 3 r, 4 d, 5 f, of which l and r
// move the paddle. Each brick earns 1; the episode ends when the ball reaches the last row beside the paddle. New
// bricks come when the ball arrives there and none are left. Directions of the ball: 0 left up, 1 right up, 2 right
// down, 3 left down.

const CHANNELS = 4u;
const OBS_SIZE = 400u;
const OBS_SHAPE = array(10u, 10u, CHANNELS);
const OBS_BITS = 1u;
const OBS_LOW = 0.0;
const OBS_HIGH = 1.0;
const NUM_ACTIONS = 6u;
const DRAW_ASPECT = 1.0;
const RENDER_FPS = 20u;

// import: minatar

struct EnvParams {
    // probability that the action before is played again
    // range: 0 to 1
    sticky_action_prob: f32,
}
const DEFAULT_PARAMS = EnvParams(0.1);

struct State {
    ball_x: u32,
    ball_y: u32,
    ball_dir: u32,
    last_x: u32,
    last_y: u32,
    pos: u32,
    // whether the ball has hit a brick and not left the bricks since
    strike: u32,
    bricks: u32,
    last_action: u32,
}

const ALL_BRICKS = 0x3fffffffu;

fn reset(rng: ptr<function, Rng>) -> State {
    let right = choice_of(rng_uniform(rng), 2u) == 1u;
    let x = select(0u, 9u, right);
    return State(x, 3u, select(2u, 3u, right), x, 3u, 4u, 0u, ALL_BRICKS, 0u);
}

// The bit of the brick in a cell; none outside of rows 1 to 3.
fn brick_at(y: u32, x: u32) -> u32 {
    if (y == 0u || y > 3u) {
        return 0u;
    }
    return 1u << (y * SIDE + x - SIDE);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    var s = *state;
    s.last_action = played(s.last_action, action, rng);
    if (s.last_action == LEFT) {
        s.pos = max(s.pos, 1u) - 1u;
    } else if (s.last_action == RIGHT) {
        s.pos = min(s.pos + 1u, 9u);
    }
    s.last_x = s.ball_x;
    s.last_y = s.ball_y;
    let down = s.ball_dir >= 2u;
    if (s.ball_dir == 1u || s.ball_dir == 2u) {
        s.ball_x = min(s.last_x + 1u, 9u);
    } else {
        s.ball_x = max(s.last_x, 1u) - 1u;
    }
    // A wall at the side.
    if (s.ball_x == s.last_x) {
        s.ball_dir ^= 1u;
    }
    s.ball_y = select(max(s.last_y, 1u) - 1u, min(s.last_y + 1u, 9u), down);
    let brick = brick_at(s.ball_y, s.ball_x) & s.bricks;
    var outcome = Outcome(0.0, false);
    if (!down && s.last_y == 0u) {
        s.ball_dir ^= 3u;
    } else if (brick != 0u) {
        if (s.strike == 0u) {
            outcome.reward = 1.0;
            s.bricks ^= brick;
            s.ball_y = s.last_y;
            s.ball_dir ^= 3u;
        }
    } else if (s.ball_y == 9u) {
        if (s.bricks == 0u) {
            s.bricks = ALL_BRICKS;
        }
        if (s.last_x == s.pos) {
            s.ball_dir ^= 3u;
            s.ball_y = s.last_y;
        } else if (s.ball_x == s.pos) {
            s.ball_dir ^= 2u;
            s.ball_y = s.last_y;
        } else {
            outcome.terminated = true;
        }
    }
    s.strike = select(0u, 1u, brick != 0u);
    *state = s;
    return outcome;
}

fn lit(s: State, y: u32, x: u32, channel: u32) -> bool {
    if (channel == 0u) {
        return y == 9u && x == s.pos;
    }
    if (channel == 1u) {
        return y == s.ball_y && x == s.ball_x;
    }
    if (channel == 2u) {
        return y == s.last_y && x == s.last_x;
    }
    return (brick_at(y, x) & s.bricks) != 0u;
}

fn observe_at(state: State, index: u32) -> f32 {
    let cell = index / CHANNELS;
    return flag(lit(state, cell / SIDE, cell % SIDE, index % CHANNELS));
}

// MinAtar's colours: seaborn's palette "cubehelix".
const PADDLE = vec3f(0.086, 0.238, 0.306);
const BALL = vec3f(0.329, 0.476, 0.184);
const TRAIL = vec3f(0.815, 0.495, 0.575);
const BRICK = vec3f(0.759, 0.792, 0.954);

fn draw(state: State, uv: vec2f) -> vec3f {
    let place = place_of(uv, SIDE, SIDE);
    var colour = vec3f(0.0, 0.0, 0.0);
    colour = select(colour, PADDLE, lit(state, place.row, place.column, 0u));
    colour = select(colour, BALL, lit(state, place.row, place.column, 1u));
    colour = select(colour, TRAIL, lit(state, place.row, place.column, 2u));
    return select(colour, BRICK, lit(state, place.row, place.column, 3u));
}
