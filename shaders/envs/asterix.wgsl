// Asterix-MinAtar: collect gold and avoid enemies that cross the field. MinAtar 1.0.15 `environments/asterix.py`.
//
// State: the package's variables. One enemy or treasure at most crosses each row from 1 to 8: bit 0 of present, right
// and gold and the lowest 4 bits of x belong to row 1. Observation: 10 x 10 cells with four flags: player, enemy,
// trail (where an enemy or gold came from), gold. Actions: 0 n, 1 l, 2 u, 3 r, 4 d, 5 f, of which f does nothing.
// Gold earns 1, an enemy ends the episode. With difficulty_ramping everything comes and moves faster with time.

const CHANNELS = 4u;
const OBS_SIZE = 400u;
const OBS_SHAPE = array(10u, 10u, CHANNELS);
const OBS_BITS = 1u;
const OBS_LOW = 0.0;
const OBS_HIGH = 1.0;
const NUM_ACTIONS = 6u;
// Rows: the free one that is drawn, and all that move.
const MAX_LOOP_ITERATIONS = 16u;
const DRAW_ASPECT = 1.0;
const RENDER_FPS = 20u;

// import: minatar

struct EnvParams {
    // probability that the action before is played again
    // range: 0 to 1
    sticky_action_prob: f32,
    // whether the game grows harder with time
    difficulty_ramping: u32,
}
const DEFAULT_PARAMS = EnvParams(0.1, 1u);

struct State {
    player_x: u32,
    player_y: u32,
    present: u32,
    right: u32,
    gold: u32,
    x: u32,
    spawn_speed: u32,
    spawn_timer: u32,
    move_speed: u32,
    move_timer: u32,
    ramp_timer: i32,
    ramp_index: u32,
    last_action: u32,
}

const RAMP_INTERVAL = 100;
const INIT_SPAWN_SPEED = 10u;
const INIT_MOVE_INTERVAL = 5u;
const THIRD = 0.33333334;

fn reset(rng: ptr<function, Rng>) -> State {
    return State(
        5u,
        5u,
        0u,
        0u,
        0u,
        0u,
        INIT_SPAWN_SPEED,
        INIT_SPAWN_SPEED,
        INIT_MOVE_INTERVAL,
        INIT_MOVE_INTERVAL,
        RAMP_INTERVAL,
        0u,
        0u,
    );
}

// Nothing is left in a row.
fn emptied(state: State, row: u32) -> State {
    var s = state;
    let others = ~(1u << row);
    s.present &= others;
    s.right &= others;
    s.gold &= others;
    s.x &= ~(15u << (row * 4u));
    return s;
}

// Gold or an enemy enters one of the empty rows, if there are any.
fn spawned(state: State, rng: ptr<function, Rng>) -> State {
    var s = state;
    let lr = rng_uniform(rng) < 0.5;
    let is_gold = rng_uniform(rng) < THIRD;
    let free = ~s.present & 255u;
    if (free == 0u) {
        return s;
    }
    // The rows before the chosen one are passed over.
    var passed = choice_of(rng_uniform(rng), countOneBits(free));
    var row = 0u;
    for (var slot = 0u; slot < 8u; slot++) {
        if (((free >> slot) & 1u) != 0u) {
            if (passed == 0u) {
                row = slot;
                break;
            }
            passed -= 1u;
        }
    }
    s.present |= 1u << row;
    s.right |= select(0u, 1u, lr) << row;
    s.gold |= select(0u, 1u, is_gold) << row;
    s.x |= select(9u, 0u, lr) << (row * 4u);
    return s;
}

// What the player meets: gold is taken, an enemy ends the episode.
fn met(state: ptr<function, State>, outcome: ptr<function, Outcome>) {
    let row = (*state).player_y - 1u;
    let here = (((*state).present >> row) & 1u) != 0u && (((*state).x >> (row * 4u)) & 15u) == (*state).player_x;
    if (here) {
        if ((((*state).gold >> row) & 1u) != 0u) {
            (*outcome).reward += 1.0;
            *state = emptied(*state, row);
        } else {
            (*outcome).terminated = true;
        }
    }
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    var s = *state;
    var outcome = Outcome(0.0, false);
    s.last_action = played(s.last_action, action, rng);
    if (s.spawn_timer == 0u) {
        s = spawned(s, rng);
        s.spawn_timer = s.spawn_speed;
    }
    if (s.last_action == LEFT) {
        s.player_x = max(s.player_x, 1u) - 1u;
    } else if (s.last_action == RIGHT) {
        s.player_x = min(s.player_x + 1u, 9u);
    } else if (s.last_action == UP) {
        s.player_y = max(s.player_y, 2u) - 1u;
    } else if (s.last_action == DOWN) {
        s.player_y = min(s.player_y + 1u, 8u);
    }
    met(&s, &outcome);
    if (s.move_timer == 0u) {
        s.move_timer = s.move_speed;
        for (var row = 0u; row < 8u; row++) {
            if (((s.present >> row) & 1u) != 0u) {
                let right = ((s.right >> row) & 1u) != 0u;
                let x = (s.x >> (row * 4u)) & 15u;
                if (x == select(0u, 9u, right)) {
                    s = emptied(s, row);
                } else {
                    let moved = select(x - 1u, x + 1u, right);
                    s.x ^= (x ^ moved) << (row * 4u);
                }
            }
        }
        met(&s, &outcome);
    }
    s.spawn_timer -= 1u;
    s.move_timer -= 1u;
    if (env.difficulty_ramping != 0u && (s.spawn_speed > 1u || s.move_speed > 1u)) {
        if (s.ramp_timer >= 0) {
            s.ramp_timer -= 1;
        } else {
            if (s.move_speed > 1u && (s.ramp_index & 1u) != 0u) {
                s.move_speed -= 1u;
            }
            s.spawn_speed = max(s.spawn_speed, 2u) - 1u;
            s.ramp_index += 1u;
            s.ramp_timer = RAMP_INTERVAL;
        }
    }
    *state = s;
    return outcome;
}

fn lit(s: State, y: u32, x: u32, channel: u32) -> bool {
    if (channel == 0u) {
        return y == s.player_y && x == s.player_x;
    }
    if (y == 0u || y == 9u || ((s.present >> (y - 1u)) & 1u) == 0u) {
        return false;
    }
    let row = y - 1u;
    let at = (s.x >> (row * 4u)) & 15u;
    if (channel == 2u) {
        // The cell that it came from.
        return select(x == at + 1u, x + 1u == at, ((s.right >> row) & 1u) != 0u);
    }
    return x == at && ((s.gold >> row) & 1u) == select(0u, 1u, channel == 3u);
}

fn observe_at(state: State, index: u32) -> f32 {
    let cell = index / CHANNELS;
    return flag(lit(state, cell / SIDE, cell % SIDE, index % CHANNELS));
}

// MinAtar's colours: seaborn's palette "cubehelix".
const PLAYER = vec3f(0.086, 0.238, 0.306);
const ENEMY = vec3f(0.329, 0.476, 0.184);
const TRAIL = vec3f(0.815, 0.495, 0.575);
const GOLD = vec3f(0.759, 0.792, 0.954);

fn draw(state: State, uv: vec2f) -> vec3f {
    let place = place_of(uv, SIDE, SIDE);
    var colour = vec3f(0.0, 0.0, 0.0);
    colour = select(colour, PLAYER, lit(state, place.row, place.column, 0u));
    colour = select(colour, ENEMY, lit(state, place.row, place.column, 1u));
    colour = select(colour, TRAIL, lit(state, place.row, place.column, 2u));
    return select(colour, GOLD, lit(state, place.row, place.column, 3u));
}
