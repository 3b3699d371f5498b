// Catch-bsuite: move a paddle below a falling ball. bsuite 0.3.6 `environments/catch.py`.
//
// State: ball_x, ball_y, paddle_x in cells of the board. Observation: the board row by row, 1 at the ball and at the
// paddle in the last row. Actions: 0 left, 1 stay, 2 right. The paddle moves, then the ball falls by one; when it
// reaches the last row the episode ends with 1 if the paddle is there and -1 if not. Only `reset` draws: the column of
// the ball.

// param: rows of the board
// range: 2 to 64
const ROWS = 10u;
// param: columns of the board
// range: 1 to 64
const COLUMNS = 5u;
const OBS_SIZE = ROWS * COLUMNS;
const OBS_SHAPE = array(ROWS, COLUMNS, 1u);
const OBS_BITS = 1u;
const OBS_LOW = 0.0;
const OBS_HIGH = 1.0;
const NUM_ACTIONS = 3u;
const REWARD_THRESHOLD = 1.0;
const DRAW_ASPECT = clamp(f32(COLUMNS) / f32(ROWS), 0.1, 10.0);
const RENDER_FPS = 6u;

const_assert ROWS >= 2u && ROWS <= 64u && COLUMNS >= 1u && COLUMNS <= 64u;

// import: grid

struct State {
    ball_x: u32,
    ball_y: u32,
    paddle_x: u32,
}

fn reset(rng: ptr<function, Rng>) -> State {
    return State(choice_of(rng_uniform(rng), COLUMNS), 0u, COLUMNS / 2u);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    var s = *state;
    if (action == 0u) {
        s.paddle_x = max(s.paddle_x, 1u) - 1u;
    } else if (action == 2u) {
        s.paddle_x = min(s.paddle_x + 1u, COLUMNS - 1u);
    }
    s.ball_y = min(s.ball_y + 1u, ROWS - 1u);
    *state = s;
    if (s.ball_y < ROWS - 1u) {
        return Outcome(0.0, false);
    }
    return Outcome(select(-1.0, 1.0, s.paddle_x == s.ball_x), true);
}

fn observe_at(state: State, index: u32) -> f32 {
    let ball = state.ball_y * COLUMNS + state.ball_x;
    let paddle = (ROWS - 1u) * COLUMNS + state.paddle_x;
    return select(0.0, 1.0, index == ball || index == paddle);
}

const NIGHT = vec3f(0.09, 0.11, 0.20);
const DUSK = vec3f(0.11, 0.14, 0.25);
const TRAIL = vec3f(0.19, 0.23, 0.36);
const BALL = vec3f(0.98, 0.55, 0.16);
const BALL_SHINE = vec3f(1.0, 0.80, 0.48);
const PADDLE = vec3f(0.24, 0.72, 0.82);
const PADDLE_SHINE = vec3f(0.58, 0.90, 0.95);

fn draw(state: State, uv: vec2f) -> vec3f {
    let place = place_of(uv, ROWS, COLUMNS);
    let at = place.at;
    var colour = select(NIGHT, DUSK, (place.row + place.column) % 2u == 1u);
    if (place.column == state.ball_x && place.row < state.ball_y) {
        colour = paint(colour, TRAIL, sd_circle(at, 0.07));
    }
    if (place.row == ROWS - 1u && place.column == state.paddle_x) {
        colour = paint(colour, PADDLE, sd_round_box(at - vec2f(0.0, 0.33), vec2f(0.48, 0.13), 0.13));
        colour = paint(colour, PADDLE_SHINE, sd_segment(at, vec2f(-0.32, 0.28), vec2f(0.32, 0.28), 0.03));
    }
    if (place.row == state.ball_y && place.column == state.ball_x) {
        // In the last row it rests on the paddle, or lies on the ground beside it.
        let last = place.row == ROWS - 1u;
        var lower = 0.0;
        if (last) {
            lower = select(0.16, -0.13, state.paddle_x == state.ball_x);
        }
        let ball = at - vec2f(0.0, lower);
        colour = paint(colour, BALL, sd_circle(ball, 0.33));
        colour = paint(colour, BALL_SHINE, sd_circle(ball - vec2f(-0.11, -0.12), 0.08));
    }
    return colour;
}
