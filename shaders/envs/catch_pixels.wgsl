// Catch-Pixels: Catch on a screen of 84 x 84 bytes, of which an observation has the last four. Made here, by the customs
// of agents for Atari.
//
// The board has 21 x 21 cells of 4 x 4 pixels. A ball starts in a random column of the first row and drifts by -1, 0 or 1
// columns while it falls by a row; at the sides it turns. A paddle of three cells starts in the middle of the last row
// and moves by a cell. When the ball reaches the last row, after 20 steps, the episode ends with 1 if it meets the paddle
// and with -1 if not.
// Observation: [row, column, frame], the oldest frame first, and the first one again while there are not enough: 1 at the
// ball, 102 / 255 at the paddle. One frame does not tell where the ball drifts; two do.
// State: a word per frame, column of the ball + 32 row of the ball + 1024 column of the paddle's middle; drift + 1.
// Actions: 0 left, 1 stay, 2 right. The paddle moves, then the ball. Only `reset` draws: the column, then the drift.

const SIZE = 84u;
const CELL = 4u;
const CELLS = SIZE / CELL;
const FRAME_STACK = 4u;
const OBS_SIZE = SIZE * SIZE * FRAME_STACK;
const OBS_SHAPE = array(SIZE, SIZE, FRAME_STACK);
const OBS_BITS = 8u;
const OBS_LOW = 0.0;
const OBS_HIGH = 1.0;
const NUM_ACTIONS = 3u;
const REWARD_THRESHOLD = 0.9;
const DRAW_ASPECT = 1.0;
const RENDER_FPS = 8u;

const LAST = CELLS - 1u;
const PADDLE_SHADE = 102.0 / 255.0;

// import: grid

struct State {
    newest: u32,
    second: u32,
    third: u32,
    oldest: u32,
    drift: u32,
}

fn frame_of(ball_x: u32, ball_y: u32, paddle: u32) -> u32 {
    return ball_x | (ball_y << 5u) | (paddle << 10u);
}

fn ball_x_in(frame: u32) -> u32 {
    return frame & 31u;
}

fn ball_y_in(frame: u32) -> u32 {
    return (frame >> 5u) & 31u;
}

fn paddle_in(frame: u32) -> u32 {
    return frame >> 10u;
}

fn reset(rng: ptr<function, Rng>) -> State {
    let column = choice_of(rng_uniform(rng), CELLS);
    let drift = choice_of(rng_uniform(rng), 3u);
    let frame = frame_of(column, 0u, CELLS / 2u);
    return State(frame, frame, frame, frame, drift);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    var s = *state;
    var paddle = paddle_in(s.newest);
    if (action == 0u) {
        paddle = max(paddle, 2u) - 1u;
    } else if (action == 2u) {
        paddle = min(paddle + 1u, LAST - 1u);
    }
    // One more than the column, so that none is below 0.
    var next = ball_x_in(s.newest) + s.drift;
    if (next == 0u || next == CELLS + 1u) {
        s.drift = 2u - s.drift;
        next = ball_x_in(s.newest) + s.drift;
    }
    let ball_x = next - 1u;
    let ball_y = min(ball_y_in(s.newest) + 1u, LAST);
    s.oldest = s.third;
    s.third = s.second;
    s.second = s.newest;
    s.newest = frame_of(ball_x, ball_y, paddle);
    *state = s;
    if (ball_y < LAST) {
        return Outcome(0.0, false);
    }
    return Outcome(select(-1.0, 1.0, meets(ball_x, paddle)), true);
}

// Whether a cell of the last row is one of the paddle's.
fn meets(column: u32, paddle: u32) -> bool {
    return column + 1u >= paddle && column <= paddle + 1u;
}

// Frame `index`, of which 0 is the oldest.
fn frame_at(state: State, index: u32) -> u32 {
    let older = select(state.third, state.oldest, index == 0u);
    let newer = select(state.newest, state.second, index == 2u);
    return select(newer, older, index < 2u);
}

fn observe_at(state: State, index: u32) -> f32 {
    let frame = frame_at(state, index % FRAME_STACK);
    let column = index / FRAME_STACK % SIZE / CELL;
    let row = index / FRAME_STACK / SIZE / CELL;
    let is_ball = row == ball_y_in(frame) && column == ball_x_in(frame);
    let is_paddle = row == LAST && meets(column, paddle_in(frame));
    return select(select(0.0, PADDLE_SHADE, is_paddle), 1.0, is_ball);
}

const NIGHT = vec3f(0.07, 0.09, 0.16);
const DUSK = vec3f(0.09, 0.11, 0.20);
const TRAIL = vec3f(0.45, 0.32, 0.25);
const BALL = vec3f(0.98, 0.55, 0.16);
const PADDLE = vec3f(0.24, 0.72, 0.82);

// Adds the ball of a frame.
fn ball(colour: vec3f, frame: u32, place: Place, shade: vec3f, radius: f32) -> vec3f {
    let here = place.row == ball_y_in(frame) && place.column == ball_x_in(frame);
    return select(colour, paint(colour, shade, sd_circle(place.at, radius)), here);
}

fn draw(state: State, uv: vec2f) -> vec3f {
    let place = place_of(uv, CELLS, CELLS);
    var colour = select(NIGHT, DUSK, (place.row + place.column) % 2u == 1u);
    colour = ball(colour, state.oldest, place, TRAIL, 0.1);
    colour = ball(colour, state.third, place, TRAIL, 0.15);
    colour = ball(colour, state.second, place, TRAIL, 0.2);
    colour = ball(colour, state.newest, place, BALL, 0.46);
    if (place.row == LAST && meets(place.column, paddle_in(state.newest))) {
        colour = paint(colour, PADDLE, sd_round_box(place.at - vec2f(0.0, 0.2), vec2f(0.5, 0.3), 0.05));
    }
    return colour;
}
