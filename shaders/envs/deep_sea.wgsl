// DeepSea-bsuite: dive to the treasure at the far end of the sea bed, against a small cost. bsuite 0.3.6
// `environments/deep_sea.py`; Osband, Van Roy, Russo and Wen (2019).
//
// State: row and column. Observation: the cell, one-hot; zeros after the end. Each step sinks by one row and moves to
// the right or to the left; which of the two actions means right differs from cell to cell. Moving right costs
// unscaled_move_cost / SIZE, moving right in the last column earns 1, and the episode ends on the ground after SIZE
// steps: only SIZE moves to the right find the treasure, a return of 1 - unscaled_move_cost. If not deterministic, a
// move to the right fails with probability 1 / SIZE and the ends of the last row pay a standard normal number on top.
//
// Draws, in this order: the normal number where one is paid, and one uniform number for every move to the right, which
// also deterministic seas draw.

// param: cells per side
// range: 2 to 100
const SIZE = 10u;
// param: the action that means right in each cell, rows of 0 and 1 separated by '/'; a single 2 leaves it to
// mapping_seed
const MAPPING = array(array(2u));
const MAPPING_ROWS = 1u;
const MAPPING_COLUMNS = 1u;
// The same in two bits per cell, row by row from the lowest bits up, rewritten together with it.
const MAPPING_BITS = array(2u);
const OBS_SIZE = SIZE * SIZE;
const OBS_BITS = 1u;
const OBS_LOW = 0.0;
const OBS_HIGH = 1.0;
const NUM_ACTIONS = 2u;
// The best return is 0.99, of which the f32 sum of the rewards misses up to 5e-8, and a mean over episodes a little
// more.
const REWARD_THRESHOLD = 0.9899;
const DRAW_ASPECT = f32(SIZE) / f32(SIZE + 1u);
const RENDER_FPS = 6u;

const_assert SIZE >= 2u && SIZE <= 100u;
const_assert MAPPING_ROWS == 1u || (MAPPING_ROWS == SIZE && MAPPING_COLUMNS == SIZE);

// import: grid
// import: normal

struct EnvParams {
    // whether moves always succeed and rewards carry no noise
    deterministic: u32,
    // cost of a move to the right, times the size
    unscaled_move_cost: f32,
    // whether cells differ in the action that means right; otherwise it is 1 everywhere
    randomize_actions: u32,
    // seed of the cells' actions
    mapping_seed: u32,
}
const DEFAULT_PARAMS = EnvParams(1u, 0.01, 1u, 42u);

struct State {
    row: u32,
    column: u32,
}

fn right_action(row: u32, column: u32) -> u32 {
    if (MAPPING_ROWS == SIZE) {
        let cell = min(row, SIZE - 1u) * SIZE + min(column, SIZE - 1u);
        return (MAPPING_BITS[cell / 16u] >> (2u * (cell % 16u))) & 3u;
    }
    if (env.randomize_actions == 0u) {
        return 1u;
    }
    return pcg4d(vec4u(row, column, env.mapping_seed, 0u)).x >> 31u;
}

fn reset(rng: ptr<function, Rng>) -> State {
    return State(0u, 0u);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    let s = *state;
    let last = SIZE - 1u;
    let right = action == right_action(s.row, s.column);
    var reward = 0.0;
    if (right && s.column == last) {
        reward = 1.0;
    }
    if (env.deterministic == 0u && s.row == last && (s.column == 0u || s.column == last)) {
        reward += rng_normal(rng);
    }
    var column = s.column;
    if (right) {
        let calm = rng_uniform(rng) > 1.0 / f32(SIZE);
        if (calm || env.deterministic != 0u) {
            column = min(s.column + 1u, last);
        }
        // In hundredths: 0.01 is not an f32, but this quotient is the nearest one to 0.01 / SIZE all the same.
        reward -= env.unscaled_move_cost * 100.0 / f32(100u * SIZE);
    } else {
        column = max(s.column, 1u) - 1u;
    }
    let row = min(s.row + 1u, SIZE);
    *state = State(row, column);
    return Outcome(reward, row == SIZE);
}

fn observe_at(state: State, index: u32) -> f32 {
    return select(0.0, 1.0, index == state.row * SIZE + state.column);
}

const SURFACE = vec3f(0.42, 0.76, 0.88);
const SKY = vec3f(0.93, 0.97, 1.0);
const DEPTHS = vec3f(0.03, 0.11, 0.27);
const SAND = vec3f(0.86, 0.75, 0.50);
const DARK_SAND = vec3f(0.72, 0.60, 0.38);
const CHEST = vec3f(0.50, 0.29, 0.12);
const CHEST_LID = vec3f(0.60, 0.36, 0.16);
const GOLD = vec3f(1.0, 0.84, 0.22);
const BUBBLE = vec3f(0.82, 0.94, 0.98);
const SUIT = vec3f(0.93, 0.55, 0.14);
const BRASS = vec3f(0.80, 0.62, 0.28);
const VISOR = vec3f(0.78, 0.92, 0.96);
const LEAD = vec3f(0.25, 0.24, 0.27);

// Rows of water and the ground below, where the dive ends.
fn draw(state: State, uv: vec2f) -> vec3f {
    let place = place_of(uv, SIZE + 1u, SIZE);
    let at = place.at;
    var colour = SAND;
    if (place.row < SIZE) {
        let depth = f32(place.row) / f32(SIZE);
        let checks = select(0.0, 0.02, (place.row + place.column) % 2u == 1u);
        colour = vec3f(
            SURFACE.x + (DEPTHS.x - SURFACE.x) * depth + checks,
            SURFACE.y + (DEPTHS.y - SURFACE.y) * depth + checks,
            SURFACE.z + (DEPTHS.z - SURFACE.z) * depth + checks,
        );
        if (place.row == 0u) {
            // Waves on the surface.
            colour = paint(colour, SKY, sd_circle(vec2f(abs(abs(at.x) - 0.25) - 0.125, at.y + 0.56), 0.18));
        }
    } else {
        colour = paint(colour, DARK_SAND, sd_segment(at, vec2f(-0.30, -0.20), vec2f(-0.10, -0.20), 0.03));
        colour = paint(colour, DARK_SAND, sd_segment(at, vec2f(0.10, 0.22), vec2f(0.34, 0.22), 0.03));
    }
    let here = place.row == state.row && place.column == state.column;
    if (place.row == SIZE && place.column == SIZE - 1u) {
        if (here) {
            colour = draw_diver(colour, at - vec2f(0.0, -0.22));
        }
        return draw_chest(colour, at, here);
    }
    if (here) {
        colour = draw_diver(colour, at);
    }
    return colour;
}

// The chest, open and full to the brim once it is found.
fn draw_chest(under: vec3f, at: vec2f, found: bool) -> vec3f {
    var colour = under;
    colour = paint(colour, GOLD, sd_round_box(at - vec2f(0.0, 0.0), vec2f(0.33, 0.10), 0.09));
    colour = paint(colour, CHEST, sd_round_box(at - vec2f(0.0, 0.20), vec2f(0.38, 0.20), 0.03));
    if (!found) {
        colour = paint(colour, CHEST_LID, sd_round_box(at - vec2f(0.0, -0.10), vec2f(0.38, 0.18), 0.12));
    }
    colour = paint(colour, LEAD, sd_round_box(vec2f(abs(at.x) - 0.26, at.y - 0.20), vec2f(0.03, 0.20), 0.0));
    colour = paint(colour, GOLD, sd_round_box(at - vec2f(0.0, 0.10), vec2f(0.07, 0.08), 0.03));
    return colour;
}

fn draw_diver(under: vec3f, at: vec2f) -> vec3f {
    var colour = under;
    let side = vec2f(abs(at.x), at.y);
    colour = paint(colour, SUIT, sd_segment(side, vec2f(0.08, 0.18), vec2f(0.11, 0.36), 0.06));
    colour = paint(colour, LEAD, sd_round_box(side - vec2f(0.13, 0.42), vec2f(0.09, 0.04), 0.03));
    colour = paint(colour, SUIT, sd_segment(side, vec2f(0.14, 0.04), vec2f(0.27, 0.14), 0.055));
    colour = paint(colour, SUIT, sd_round_box(at - vec2f(0.0, 0.11), vec2f(0.16, 0.15), 0.07));
    colour = paint(colour, BRASS, sd_round_box(at - vec2f(0.0, 0.02), vec2f(0.17, 0.05), 0.04));
    colour = paint(colour, BRASS, sd_circle(at - vec2f(0.0, -0.16), 0.20));
    colour = paint(colour, LEAD, sd_circle(at - vec2f(0.0, -0.15), 0.125));
    colour = paint(colour, VISOR, sd_circle(at - vec2f(0.0, -0.15), 0.10));
    colour = paint(colour, BUBBLE, sd_circle(at - vec2f(0.26, -0.24), 0.045));
    colour = paint(colour, BUBBLE, sd_circle(at - vec2f(0.33, -0.38), 0.06));
    return colour;
}
