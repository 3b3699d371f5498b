// CliffWalking-v1, CliffWalkingSlippery-v1: walk along a cliff without falling down. Gymnasium 1.4
// `toy_text/cliffwalking.py`; Sutton and Barto, example 6.6.
//
// State: the cell, row * 12 + column of 4 rows. Observation: the cell, one-hot. Actions: 0 up, 1 right, 2 down, 3 left;
// moves beyond the edge stay. The walk starts at the lower left and ends at the lower right; the cells between are the
// cliff, which costs 100 and leads back to the start, and every other step costs 1. There is no time limit. On slippery
// ground action - 1, action and action + 1 modulo 4 are equally likely, in this order. Every step draws one number, on
// dry ground too.

const ROWS = 4u;
const COLUMNS = 12u;
const START = 36u;
const GOAL = 47u;
const OBS_SIZE = ROWS * COLUMNS;
const OBS_BITS = 1u;
const OBS_LOW = 0.0;
const OBS_HIGH = 1.0;
const NUM_ACTIONS = 4u;
// param: mean return at which it counts as solved. The shortest safe walk takes 13 steps. On slippery ground the best
// mean is -64.71 and single returns spread by 24.5, so CliffWalkingSlippery-v1 counts from -70 on: two standard errors
// of 100 episodes.
const REWARD_THRESHOLD = -13.0;
const DRAW_ASPECT = 3.0;
const RENDER_FPS = 4u;

// import: grid

struct EnvParams {
    // whether the ground is slippery
    is_slippery: u32,
}
const DEFAULT_PARAMS = EnvParams(0u);

struct State {
    cell: u32,
}

fn reset(rng: ptr<function, Rng>) -> State {
    return State(START);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    let u = rng_uniform(rng);
    let cell = (*state).cell;
    var direction = action;
    if (env.is_slippery != 0u) {
        if (u < 0.33333334) {
            direction = action + 3u;
        } else if (u >= 0.6666667) {
            direction = action + 1u;
        }
    }
    direction = direction % 4u;
    var row = cell / COLUMNS;
    var column = cell % COLUMNS;
    if (direction == 0u) {
        row = max(row, 1u) - 1u;
    } else if (direction == 1u) {
        column = min(column + 1u, COLUMNS - 1u);
    } else if (direction == 2u) {
        row = min(row + 1u, ROWS - 1u);
    } else {
        column = max(column, 1u) - 1u;
    }
    let next = row * COLUMNS + column;
    if (next > START && next < GOAL) {
        (*state).cell = START;
        return Outcome(-100.0, false);
    }
    (*state).cell = next;
    return Outcome(-1.0, next == GOAL);
}

fn observe_at(state: State, index: u32) -> f32 {
    return select(0.0, 1.0, index == state.cell);
}

const GRASS = vec3f(0.63, 0.79, 0.42);
const LIGHT_GRASS = vec3f(0.69, 0.84, 0.49);
const BLADE = vec3f(0.45, 0.64, 0.28);
const EARTH = vec3f(0.45, 0.31, 0.20);
const ROCK = vec3f(0.63, 0.47, 0.33);
const LIGHT_ROCK = vec3f(0.72, 0.56, 0.41);
const CRACK = vec3f(0.46, 0.33, 0.23);
const SHADE = vec3f(0.33, 0.24, 0.20);
const ABYSS = vec3f(0.11, 0.09, 0.12);
const STONE = vec3f(0.75, 0.75, 0.72);
const DARK_STONE = vec3f(0.58, 0.58, 0.56);
const FLAG = vec3f(0.86, 0.20, 0.20);
const POST = vec3f(0.25, 0.20, 0.18);
const SKIN = vec3f(0.96, 0.79, 0.64);
const HAT = vec3f(0.55, 0.36, 0.18);
const COAT = vec3f(0.16, 0.36, 0.68);
const TROUSERS = vec3f(0.24, 0.22, 0.28);
const PACK = vec3f(0.83, 0.36, 0.16);
const BLACK = vec3f(0.13, 0.10, 0.10);

fn draw(state: State, uv: vec2f) -> vec3f {
    let place = place_of(uv, ROWS, COLUMNS);
    let at = place.at;
    let cell = place.row * COLUMNS + place.column;
    var colour = draw_meadow(at, place.row, place.column);
    if (cell > START && cell < GOAL) {
        colour = draw_cliff(at, place.column);
    } else if (cell == START) {
        colour = paint(colour, DARK_STONE, sd_round_box(at - vec2f(0.0, 0.30), vec2f(0.34, 0.15), 0.12));
        colour = paint(colour, STONE, sd_round_box(at - vec2f(0.0, 0.27), vec2f(0.34, 0.14), 0.12));
    } else if (cell == GOAL) {
        colour = draw_flag(colour, at);
    }
    if (state.cell == cell) {
        colour = draw_walker(colour, at);
    }
    return colour;
}

fn draw_meadow(at: vec2f, row: u32, column: u32) -> vec3f {
    let odd = (row + column) % 2u == 1u;
    var colour = select(GRASS, LIGHT_GRASS, odd);
    let tuft = select(at - vec2f(0.24, -0.26), at - vec2f(-0.22, 0.30), odd);
    let blade = vec2f(abs(tuft.x), tuft.y);
    colour = paint(colour, BLADE, sd_segment(blade, vec2f(0.02, 0.05), vec2f(0.08, -0.04), 0.014));
    colour = paint(colour, BLADE, sd_segment(blade, vec2f(0.0, 0.05), vec2f(0.0, -0.07), 0.014));
    return colour;
}

// The edge of the meadow, a wall of rock, and darkness below. The outer cells show the side of the gap.
fn draw_cliff(at: vec2f, column: u32) -> vec3f {
    var colour = ABYSS;
    if (at.y < 0.30) {
        colour = SHADE;
    }
    if (at.y < 0.12) {
        colour = ROCK;
        let crack = select(at.x, -at.x, column % 2u == 1u);
        let mirrored = vec2f(crack, at.y);
        colour = paint(colour, LIGHT_ROCK, sd_round_box(mirrored - vec2f(-0.22, -0.16), vec2f(0.17, 0.09), 0.05));
        colour = paint(colour, LIGHT_ROCK, sd_round_box(mirrored - vec2f(0.26, 0.0), vec2f(0.15, 0.06), 0.05));
        colour = paint(colour, CRACK, sd_segment(mirrored, vec2f(0.10, -0.30), vec2f(0.05, -0.08), 0.018));
        colour = paint(colour, CRACK, sd_segment(mirrored, vec2f(0.05, -0.08), vec2f(0.09, 0.10), 0.018));
        colour = paint(colour, CRACK, sd_segment(mirrored, vec2f(-0.34, 0.02), vec2f(-0.30, 0.12), 0.018));
    }
    if (at.y < -0.30) {
        colour = EARTH;
    }
    // Tussocks hang over the edge.
    let hanging = vec2f(abs(abs(at.x) - 0.25) - 0.125, at.y + 0.40);
    colour = paint(colour, BLADE, sd_circle(hanging, 0.128));
    if (at.y < -0.40) {
        colour = GRASS;
    }
    if ((column == 1u && at.x < -0.40) || (column == COLUMNS - 2u && at.x > 0.40)) {
        colour = select(EARTH, SHADE, at.y > 0.12);
        if (at.y < -0.36) {
            colour = GRASS;
        }
    }
    return colour;
}

fn draw_flag(under: vec3f, at: vec2f) -> vec3f {
    var colour = under;
    colour = paint(colour, DARK_STONE, sd_round_box(at - vec2f(-0.10, 0.38), vec2f(0.16, 0.06), 0.06));
    colour = paint(colour, POST, sd_segment(at, vec2f(-0.12, -0.40), vec2f(-0.12, 0.36), 0.03));
    // A pennant: a cone on its side.
    let side = vec2f(at.y + 0.24, -at.x);
    colour = paint(colour, FLAG, sd_cone(side, vec2f(0.0, -0.36), 0.10, 0.16));
    return colour;
}

fn draw_walker(under: vec3f, at: vec2f) -> vec3f {
    var colour = under;
    let side = vec2f(abs(at.x), at.y);
    colour = paint(colour, PACK, sd_round_box(at - vec2f(0.0, 0.10), vec2f(0.21, 0.15), 0.06));
    colour = paint(colour, TROUSERS, sd_segment(side, vec2f(0.065, 0.22), vec2f(0.075, 0.38), 0.055));
    colour = paint(colour, BLACK, sd_round_box(side - vec2f(0.085, 0.43), vec2f(0.075, 0.03), 0.03));
    colour = paint(colour, COAT, sd_segment(side, vec2f(0.12, 0.05), vec2f(0.20, 0.18), 0.045));
    colour = paint(colour, SKIN, sd_circle(side - vec2f(0.21, 0.21), 0.04));
    colour = paint(colour, COAT, sd_round_box(at - vec2f(0.0, 0.12), vec2f(0.14, 0.14), 0.06));
    colour = paint(colour, SKIN, sd_circle(at - vec2f(0.0, -0.14), 0.145));
    colour = paint(colour, BLACK, sd_circle(side - vec2f(0.055, -0.12), 0.022));
    colour = paint(colour, HAT, sd_round_box(at - vec2f(0.0, -0.31), vec2f(0.12, 0.10), 0.06));
    colour = paint(colour, HAT, sd_round_box(at - vec2f(0.0, -0.22), vec2f(0.23, 0.03), 0.03));
    return colour;
}
