// FrozenLake-v1, FrozenLake8x8-v1: cross a frozen lake to the goal without falling into a hole. Gymnasium 1.4
// `toy_text/frozen_lake.py`.
//
// State: the cell, row * columns + column, and the direction of the last action, for the picture. Observation: the
// cell, one-hot. Actions: 0 left, 1 down, 2 right, 3 up. Moves beyond the edge stay; holes and goals end the episode
// and hold whoever steps again without reward. Slippery ice: action - 1, action, action + 1 modulo 4 happen with the
// probabilities (1 - success_rate) / 2, success_rate and (1 - success_rate) / 2, the first whose cumulative sum is
// above u. Every step draws one number u, on dry ice and in a hole too.

// start
const S = 0u;
// frozen
const F = 1u;
// hole
const H = 2u;
// goal
const G = 3u;
// param: the map, rows separated by '/': S start (one of several is drawn), F frozen, H hole, G goal; up to 64 by 64,
// though software drivers compile for seconds at 32 by 32 and for minutes at 64 by 64
const MAP = array(
    array(S, F, F, F),
    array(F, H, F, H),
    array(F, F, F, H),
    array(H, F, F, G),
);
const MAP_ROWS = 4u;
const MAP_COLUMNS = 4u;
// The same in two bits per cell, row by row from the lowest bits up, rewritten together with it: looking up a place in
// a constant array costs a copy of all of it.
const MAP_BITS = array(3600128340u);
// param: mean return at which the map counts as solved
const REWARD_THRESHOLD = 0.7;
const MAX_EPISODE_STEPS = 100u;

const CELLS = MAP_ROWS * MAP_COLUMNS;
const OBS_SIZE = CELLS;
const OBS_BITS = 1u;
const OBS_LOW = 0.0;
const OBS_HIGH = 1.0;
const NUM_ACTIONS = 4u;
// `reset` looks at every cell.
const MAX_LOOP_ITERATIONS = CELLS;
const DRAW_ASPECT = f32(MAP_COLUMNS) / f32(MAP_ROWS);
const RENDER_FPS = 4u;

const_assert MAP_ROWS <= 64u && MAP_COLUMNS <= 64u;

// import: grid

struct EnvParams {
    // whether the ice is slippery
    is_slippery: u32,
    // probability of going where the action points, on slippery ice
    // range: 0 to 1
    success_rate: f32,
    // reward for reaching a goal
    reward_goal: f32,
    // reward for falling into a hole
    reward_hole: f32,
    // reward for every other step
    reward_frozen: f32,
}
const DEFAULT_PARAMS = EnvParams(1u, 0.33333334, 1.0, 0.0, 0.0);

struct State {
    cell: u32,
    facing: u32,
}

fn tile(cell: u32) -> u32 {
    return (MAP_BITS[cell / 16u] >> (2u * (cell % 16u))) & 3u;
}

fn reset(rng: ptr<function, Rng>) -> State {
    // Copied once here, not once per cell.
    var bits = MAP_BITS;
    var start = 0u;
    var starts = 0u;
    for (var cell = 0u; cell < CELLS; cell++) {
        if (((bits[cell / 16u] >> (2u * (cell % 16u))) & 3u) == S) {
            // The n-th start replaces the one chosen before with probability 1 / n, which makes all alike.
            starts += 1u;
            if (choice_of(rng_uniform(rng), starts) == 0u) {
                start = cell;
            }
        }
    }
    return State(start, 1u);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    let u = rng_uniform(rng);
    let cell = (*state).cell;
    (*state).facing = action;
    var row = cell / MAP_COLUMNS;
    var column = cell % MAP_COLUMNS;
    let under = tile(cell);
    if (under == H || under == G) {
        return Outcome(0.0, true);
    }
    var direction = action;
    if (env.is_slippery != 0u) {
        let side = (1.0 - env.success_rate) * 0.5;
        if (u < side) {
            direction = action + 3u;
        } else if (u >= side + env.success_rate) {
            direction = action + 1u;
        }
    }
    direction = direction % 4u;
    if (direction == 0u) {
        column = max(column, 1u) - 1u;
    } else if (direction == 1u) {
        row = min(row + 1u, MAP_ROWS - 1u);
    } else if (direction == 2u) {
        column = min(column + 1u, MAP_COLUMNS - 1u);
    } else {
        row = max(row, 1u) - 1u;
    }
    let next = row * MAP_COLUMNS + column;
    (*state).cell = next;
    let reached = tile(next);
    if (reached == G) {
        return Outcome(env.reward_goal, true);
    }
    if (reached == H) {
        return Outcome(env.reward_hole, true);
    }
    return Outcome(env.reward_frozen, false);
}

fn observe_at(state: State, index: u32) -> f32 {
    return select(0.0, 1.0, index == state.cell);
}

const GROOVE = vec3f(0.60, 0.78, 0.90);
const ICE = vec3f(0.80, 0.91, 0.98);
const SHINE = vec3f(0.94, 0.98, 1.0);
const RIM = vec3f(0.53, 0.70, 0.84);
const WATER = vec3f(0.09, 0.25, 0.45);
const RIPPLE = vec3f(0.22, 0.43, 0.65);
const WOOD = vec3f(0.58, 0.38, 0.20);
const DARK_WOOD = vec3f(0.40, 0.25, 0.13);
const GIFT = vec3f(0.80, 0.13, 0.18);
const GIFT_LID = vec3f(0.90, 0.22, 0.26);
const GOLD = vec3f(0.98, 0.80, 0.25);
const SKIN = vec3f(0.98, 0.82, 0.68);
const HAIR = vec3f(0.55, 0.32, 0.14);
const CLOTH = vec3f(0.13, 0.53, 0.26);
const DARK_CLOTH = vec3f(0.08, 0.38, 0.18);
const CAP = vec3f(0.83, 0.16, 0.18);
const WHITE = vec3f(1.0, 1.0, 1.0);
const BLACK = vec3f(0.13, 0.10, 0.10);

fn draw(state: State, uv: vec2f) -> vec3f {
    let place = place_of(uv, MAP_ROWS, MAP_COLUMNS);
    let at = place.at;
    let here = tile(place.row * MAP_COLUMNS + place.column);
    var colour = GROOVE;
    colour = paint(colour, ICE, sd_round_box(at, vec2f(0.485, 0.485), 0.06));
    // Every second tile shines in the other corner.
    let glint = select(at, -at, (place.row + place.column) % 2u == 1u);
    colour = paint(colour, SHINE, sd_segment(glint, vec2f(-0.36, -0.20), vec2f(-0.20, -0.36), 0.022));
    colour = paint(colour, SHINE, sd_segment(glint, vec2f(-0.36, -0.04), vec2f(-0.04, -0.36), 0.012));
    if (here == H) {
        colour = draw_hole(colour, at);
    } else if (here == G) {
        colour = draw_gift(colour, at);
    } else if (here == S) {
        colour = draw_stool(colour, at);
    }
    if (state.cell != place.row * MAP_COLUMNS + place.column) {
        return colour;
    }
    if (here != H) {
        return draw_elf(colour, at, state.facing);
    }
    // Up to the neck in the water.
    if (at.y > 0.12) {
        return colour;
    }
    colour = paint(colour, RIPPLE, sd_round_box(at - vec2f(0.0, 0.10), vec2f(0.22, 0.05), 0.05));
    return draw_elf(colour, at - vec2f(0.0, 0.06), state.facing);
}

fn draw_hole(under: vec3f, at: vec2f) -> vec3f {
    var colour = under;
    colour = paint(colour, RIM, sd_segment(at, vec2f(0.30, -0.25), vec2f(0.46, -0.42), 0.012));
    colour = paint(colour, RIM, sd_segment(at, vec2f(-0.32, 0.22), vec2f(-0.46, 0.40), 0.012));
    colour = paint(colour, RIM, sd_segment(at, vec2f(-0.35, -0.10), vec2f(-0.47, -0.14), 0.012));
    colour = paint(colour, RIM, sd_round_box(at, vec2f(0.40, 0.37), 0.28));
    colour = paint(colour, WATER, sd_round_box(at - vec2f(0.0, 0.02), vec2f(0.36, 0.32), 0.26));
    colour = paint(colour, RIPPLE, sd_segment(at, vec2f(-0.20, -0.08), vec2f(-0.04, -0.08), 0.016));
    colour = paint(colour, RIPPLE, sd_segment(at, vec2f(0.04, 0.14), vec2f(0.22, 0.14), 0.016));
    return colour;
}

fn draw_gift(under: vec3f, at: vec2f) -> vec3f {
    var colour = under;
    let bow = vec2f(abs(at.x) - 0.10, at.y + 0.26);
    colour = paint(colour, GOLD, abs(sd_circle(bow, 0.07)) - 0.028);
    colour = paint(colour, GIFT, sd_round_box(at - vec2f(0.0, 0.14), vec2f(0.27, 0.23), 0.02));
    colour = paint(colour, GIFT_LID, sd_round_box(at - vec2f(0.0, -0.12), vec2f(0.32, 0.07), 0.02));
    colour = paint(colour, GOLD, sd_round_box(at - vec2f(0.0, 0.09), vec2f(0.055, 0.28), 0.0));
    return colour;
}

fn draw_stool(under: vec3f, at: vec2f) -> vec3f {
    var colour = under;
    let side = vec2f(abs(at.x), at.y);
    colour = paint(colour, DARK_WOOD, sd_segment(side, vec2f(0.14, 0.28), vec2f(0.22, 0.44), 0.03));
    colour = paint(colour, DARK_WOOD, sd_round_box(at - vec2f(0.0, 0.30), vec2f(0.27, 0.05), 0.04));
    colour = paint(colour, WOOD, sd_round_box(at - vec2f(0.0, 0.26), vec2f(0.27, 0.05), 0.05));
    return colour;
}

// An elf that looks to the left, to us, to the right or away.
fn draw_elf(under: vec3f, at: vec2f, facing: u32) -> vec3f {
    var colour = under;
    let side = vec2f(abs(at.x), at.y);
    var turn = 0.0;
    if (facing == 0u) {
        turn = -1.0;
    } else if (facing == 2u) {
        turn = 1.0;
    }
    colour = paint(colour, DARK_WOOD, sd_round_box(side - vec2f(0.08, 0.36), vec2f(0.07, 0.045), 0.04));
    colour = paint(colour, DARK_CLOTH, sd_segment(side, vec2f(0.13, 0.16), vec2f(0.20, 0.25), 0.04));
    colour = paint(colour, SKIN, sd_circle(side - vec2f(0.21, 0.27), 0.035));
    colour = paint(colour, CLOTH, sd_cone(at, vec2f(0.0, -0.20), 0.33, 0.19));
    colour = paint(colour, BLACK, sd_round_box(at - vec2f(0.0, 0.22), vec2f(0.155, 0.022), 0.0));
    colour = paint(colour, GOLD, sd_round_box(at - vec2f(0.0, 0.22), vec2f(0.035, 0.03), 0.0));
    colour = paint(colour, SKIN, sd_segment(side, vec2f(0.12, 0.0), vec2f(0.22, -0.05), 0.03));
    if (facing == 3u) {
        colour = paint(colour, HAIR, sd_circle(at - vec2f(0.0, 0.0), 0.155));
    } else {
        colour = paint(colour, SKIN, sd_circle(at - vec2f(0.0, 0.0), 0.155));
        let face = vec2f(abs(at.x - 0.06 * turn), at.y);
        colour = paint(colour, BLACK, sd_circle(face - vec2f(0.055, 0.01), 0.022));
        colour = paint(colour, CAP, sd_round_box(at - vec2f(0.06 * turn, 0.085), vec2f(0.035, 0.012), 0.01));
    }
    // Its cap hangs back while it walks.
    colour = paint(colour, CAP, sd_cone(at, vec2f(-0.10 * turn, -0.42), -0.06, 0.18));
    colour = paint(colour, WHITE, sd_round_box(at - vec2f(0.0, -0.07), vec2f(0.18, 0.03), 0.03));
    colour = paint(colour, WHITE, sd_circle(at - vec2f(-0.10 * turn, -0.41), 0.045));
    return colour;
}
