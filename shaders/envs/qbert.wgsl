// Qbert-Small: Atari's Q*bert on ten by ten cells, by the customs of MinAtar.
//
// Rules, and what was simplified: a pyramid of seven rows of cubes, 28 in all, seen so that its top is the cell (1, 1)
// and the two ways down are down and right; cube (i, j), i + j <= 6, is cell (1 + i, 1 + j). Qbert hops to a neighbour
// with l, u, r or d, once per frame at most, and a cube that it lands on first changes its colour and earns 1; a hop
// off the pyramid ends the episode. When all cubes are changed the pyramid is new, Qbert is back on its top and its
// enemies are gone. Every move_interval frames the enemies hop: up to two balls, which come from the second row every
// tenth hop and fall at random until they are off, and the snake, which hops towards Qbert along the way that is
// longer; of two equal ones up, or else along j. It comes at the lower end that is farther from Qbert, ten hops after
// the start of a pyramid and after each time it was lost. An enemy in Qbert's cube ends the episode. Two discs wait
// beside the fourth row, at (4, 0) and (0, 4): a hop on one brings Qbert to the top, and the snake is lost; a disc
// serves once per pyramid. With difficulty_ramping the interval falls from 4 by 1 with every pyramid, to 2. No green
// creatures, no cubes that change twice, one life.
// State: as named; a place is 8 i + j, NOWHERE for none; cube (i, j) is bit i (15 - i) / 2 + j. Observation: 10 x 10
// cells with six flags: Qbert, cube, changed cube, ball, snake, disc.
// Actions: 0 n, 1 l, 2 u, 3 r, 4 d, 5 f.

const CHANNELS = 6u;
const OBS_SIZE = 600u;
const OBS_SHAPE = array(10u, 10u, CHANNELS);
const OBS_BITS = 1u;
const OBS_LOW = 0.0;
const OBS_HIGH = 1.0;
const NUM_ACTIONS = 6u;
const MAX_EPISODE_STEPS = 1000u;
const REWARD_THRESHOLD = 28.0;
const DRAW_ASPECT = 1.0;
const RENDER_FPS = 8u;

// import: minatar

struct EnvParams {
    // probability that the action before is played again
    // range: 0 to 1
    sticky_action_prob: f32,
    // 1: enemies are faster on every pyramid, 0: all are alike
    // range: 0 to 1
    difficulty_ramping: u32,
}
const DEFAULT_PARAMS = EnvParams(0.0, 1u);

struct State {
    changed: u32,
    place: u32,
    ball_0: u32,
    ball_1: u32,
    snake: u32,
    // hops until a ball comes, until the snake comes
    ball_timer: u32,
    snake_timer: u32,
    // frames until the enemies hop
    move_timer: u32,
    move_interval: u32,
    // bit 0: the disc beside column 0, bit 1: that above row 0
    discs: u32,
    last_action: u32,
}

const NOWHERE = 63u;
const ALL_CUBES = 0x0fffffffu;
const SLOWEST = 4u;
const FASTEST = 2u;
const BALL_HOPS = 10u;
const SNAKE_HOPS = 10u;
// the row and the column of the discs
const DISC = 3u;

fn bit_of(i: u32, j: u32) -> u32 {
    return 1u << (i * (15u - i) / 2u + j);
}

fn pyramid(interval: u32, last_action: u32) -> State {
    return State(
        1u, 0u, NOWHERE, NOWHERE, NOWHERE, BALL_HOPS, SNAKE_HOPS, interval, interval, 3u, last_action
    );
}

fn reset(rng: ptr<function, Rng>) -> State {
    return pyramid(SLOWEST, 0u);
}

// A ball after its hop.
fn fallen(ball: u32, rng: ptr<function, Rng>) -> u32 {
    if (ball == NOWHERE) {
        return NOWHERE;
    }
    if (ball / 8u + ball % 8u == 6u) {
        return NOWHERE;
    }
    return ball + select(8u, 1u, choice_of(rng_uniform(rng), 2u) == 1u);
}

// The snake at `snake` after its hop towards `place`.
fn nearer(snake: u32, place: u32) -> u32 {
    let i = snake / 8u;
    let j = snake % 8u;
    let to_i = place / 8u;
    let to_j = place % 8u;
    let along_i = max(i, to_i) - min(i, to_i);
    let along_j = max(j, to_j) - min(j, to_j);
    if (along_i > along_j || (along_i == along_j && to_i < i)) {
        return select(snake - 8u, snake + 8u, to_i > i);
    }
    return select(select(snake, snake - 1u, to_j < j), snake + 1u, to_j > j);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    var s = *state;
    s.last_action = played(s.last_action, action, rng);
    let i = s.place / 8u;
    let j = s.place % 8u;
    var off = false;
    if (s.last_action == LEFT || s.last_action == UP) {
        let left = s.last_action == LEFT;
        let which = select(2u, 1u, left);
        if (select(i, j, left) > 0u) {
            s.place -= select(8u, 1u, left);
        } else if (select(j, i, left) == DISC && (s.discs & which) != 0u) {
            s.discs ^= which;
            s.place = 0u;
            s.snake = NOWHERE;
            s.snake_timer = SNAKE_HOPS;
        } else {
            off = true;
        }
    } else if (s.last_action == RIGHT || s.last_action == DOWN) {
        off = i + j == 6u;
        s.place += select(select(8u, 1u, s.last_action == RIGHT), 0u, off);
    }
    if (off) {
        *state = s;
        return Outcome(0.0, true);
    }
    let cube = bit_of(s.place / 8u, s.place % 8u);
    let reward = select(0.0, 1.0, (s.changed & cube) == 0u);
    s.changed |= cube;
    var caught = s.place == s.ball_0 || s.place == s.ball_1 || s.place == s.snake;
    if (s.changed == ALL_CUBES && !caught) {
        let faster = env.difficulty_ramping != 0u && s.move_interval > FASTEST;
        *state = pyramid(s.move_interval - select(0u, 1u, faster), s.last_action);
        return Outcome(reward, false);
    }
    s.move_timer = max(s.move_timer, 1u) - 1u;
    if (s.move_timer == 0u) {
        s.move_timer = s.move_interval;
        s.ball_0 = fallen(s.ball_0, rng);
        s.ball_1 = fallen(s.ball_1, rng);
        s.ball_timer = max(s.ball_timer, 1u) - 1u;
        if (s.ball_timer == 0u) {
            s.ball_timer = BALL_HOPS;
            let ball = select(8u, 1u, choice_of(rng_uniform(rng), 2u) == 1u);
            if (s.ball_0 == NOWHERE) {
                s.ball_0 = ball;
            } else if (s.ball_1 == NOWHERE) {
                s.ball_1 = ball;
            }
        }
        if (s.snake != NOWHERE) {
            s.snake = nearer(s.snake, s.place);
        } else {
            s.snake_timer = max(s.snake_timer, 1u) - 1u;
            if (s.snake_timer == 0u) {
                s.snake = select(6u, 48u, s.place % 8u > s.place / 8u);
                s.snake_timer = SNAKE_HOPS;
            }
        }
        caught = caught || s.place == s.ball_0 || s.place == s.ball_1 || s.place == s.snake;
    }
    *state = s;
    return Outcome(reward, caught);
}

fn lit(s: State, y: u32, x: u32, channel: u32) -> bool {
    if (channel == 5u) {
        return (y == 1u + DISC && x == 0u && (s.discs & 1u) != 0u)
            || (y == 0u && x == 1u + DISC && (s.discs & 2u) != 0u);
    }
    if (y == 0u || x == 0u || y + x > 8u) {
        return false;
    }
    let place = 8u * (y - 1u) + (x - 1u);
    if (channel == 0u) {
        return place == s.place;
    }
    if (channel == 3u) {
        return place == s.ball_0 || place == s.ball_1;
    }
    if (channel == 4u) {
        return place == s.snake;
    }
    return ((s.changed & bit_of(y - 1u, x - 1u)) != 0u) == (channel == 2u);
}

fn observe_at(state: State, index: u32) -> f32 {
    let cell = index / CHANNELS;
    return flag(lit(state, cell / SIDE, cell % SIDE, index % CHANNELS));
}

const NIGHT = vec3f(0.05, 0.05, 0.09);
const CUBE = vec3f(0.19, 0.29, 0.55);
const CHANGED = vec3f(0.90, 0.74, 0.26);
const DISC_COLOUR = vec3f(0.55, 0.80, 0.55);
const QBERT = vec3f(0.94, 0.45, 0.13);
const BALL = vec3f(0.84, 0.16, 0.20);
const SNAKE = vec3f(0.60, 0.27, 0.75);

fn draw(state: State, uv: vec2f) -> vec3f {
    let place = place_of(uv, SIDE, SIDE);
    let y = place.row;
    let x = place.column;
    var colour = NIGHT;
    // Cubes with a gap between them, the others round.
    let inside = max(abs(place.at.x), abs(place.at.y)) < 0.46;
    if (inside) {
        colour = select(colour, CUBE, lit(state, y, x, 1u));
        colour = select(colour, CHANGED, lit(state, y, x, 2u));
    }
    let round = sd_circle(place.at, 0.34);
    if (lit(state, y, x, 5u)) {
        colour = paint(colour, DISC_COLOUR, round);
    }
    if (lit(state, y, x, 3u)) {
        colour = paint(colour, BALL, round);
    }
    if (lit(state, y, x, 4u)) {
        colour = paint(colour, SNAKE, round);
    }
    if (lit(state, y, x, 0u)) {
        colour = paint(colour, QBERT, round);
    }
    return colour;
}
