// SpaceInvaders-MinAtar: shoot aliens that come down and shoot back. MinAtar 1.0.15 `environments/space_invaders.py`.
//
// State: the package's variables; a map of cells has a word for every three rows, 10 bits each, and one for row 9.
// Observation: 10 x 10 cells with six flags: cannon, alien, alien that goes left, alien that goes right, own bullet,
// bullet of an alien. Actions: 0 n, 1 l, 2 u, 3 r, 4 d, 5 f; u and d do nothing. Each alien that is shot earns 1. The
// aliens move sideways, and at the edge down; the fewer are left, the faster. The one in the nearest column shoots,
// of two the left one. A bullet or an alien that reaches the cannon ends the episode, and so does an alien that turns
// around in the last row. With difficulty_ramping each new wave is faster.

const CHANNELS = 6u;
const OBS_SIZE = 600u;
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
    // whether each new wave is faster
    difficulty_ramping: u32,
}
const DEFAULT_PARAMS = EnvParams(0.1, 1u);

struct State {
    aliens: vec4u,
    f_bullets: vec4u,
    e_bullets: vec4u,
    pos: u32,
    // 1 or -1
    alien_dir: i32,
    alien_move_timer: u32,
    alien_shot_timer: u32,
    enemy_move_interval: u32,
    ramp_index: u32,
    shot_timer: u32,
    last_action: u32,
}

const SHOT_COOL_DOWN = 5u;
const ENEMY_MOVE_INTERVAL = 12u;
const ENEMY_SHOT_INTERVAL = 10u;
// Columns 2 to 7 of rows 0 to 3.
const WAVE = vec4u(0x0fc3f0fcu, 0xfcu, 0u, 0u);
const EMPTY = vec4u(0u, 0u, 0u, 0u);
const ROW = 0x3ffu;
const THREE_ROWS = 0x3fffffffu;
// Columns 0 and 9 of all rows.
const LEFT_EDGE = 0x00100401u;
const RIGHT_EDGE = 0x20080200u;

fn reset(rng: ptr<function, Rng>) -> State {
    return State(
        WAVE,
        EMPTY,
        EMPTY,
        5u,
        -1,
        ENEMY_MOVE_INTERVAL,
        ENEMY_SHOT_INTERVAL,
        ENEMY_MOVE_INTERVAL,
        0u,
        0u,
        0u,
    );
}

// A map with one cell.
fn cell_of(y: u32, x: u32) -> vec4u {
    let bit = 1u << (y % 3u * SIDE + x);
    let word = y / 3u;
    return select(EMPTY, vec4u(bit, bit, bit, bit), vec4u(0u, 1u, 2u, 3u) == vec4u(word, word, word, word));
}

fn has(map: vec4u, y: u32, x: u32) -> bool {
    return any((map & cell_of(y, x)) != EMPTY);
}

// All rows one up; the first leaves the map.
fn raised(map: vec4u) -> vec4u {
    let below = vec4u(map.y, map.z, map.w, 0u) & vec4u(ROW, ROW, ROW, ROW);
    return (map >> vec4u(10u, 10u, 10u, 10u)) | (below << vec4u(20u, 20u, 20u, 20u));
}

// All rows one down; the last leaves the map.
fn lowered(map: vec4u) -> vec4u {
    let above = vec4u(0u, map.x, map.y, map.z) >> vec4u(20u, 20u, 20u, 20u);
    let shifted = (map << vec4u(10u, 10u, 10u, 10u)) & vec4u(THREE_ROWS, THREE_ROWS, THREE_ROWS, 0u);
    return shifted | above;
}

fn count(map: vec4u) -> u32 {
    let ones = countOneBits(map);
    return ones.x + ones.y + ones.z + ones.w;
}

// The lowest alien of the column nearest to the cannon; the column to the left where two are as near. None where
// there are no aliens.
fn nearest(aliens: vec4u, pos: u32) -> vec4u {
    let rows = aliens.x | aliens.y | aliens.z | aliens.w;
    let columns = (rows | (rows >> 10u) | (rows >> 20u)) & ROW;
    if (columns == 0u) {
        return EMPTY;
    }
    let to_the_left = columns & ((2u << pos) - 1u);
    let to_the_right = columns >> pos;
    var x = firstLeadingBit(to_the_left);
    if (to_the_left == 0u || (to_the_right != 0u && firstTrailingBit(to_the_right) < pos - x)) {
        x = pos + firstTrailingBit(to_the_right);
    }
    let column = LEFT_EDGE << x;
    if ((aliens.w & column) != 0u) {
        return vec4u(0u, 0u, 0u, 1u << x);
    }
    if ((aliens.z & column) != 0u) {
        return vec4u(0u, 0u, 1u << firstLeadingBit(aliens.z & column), 0u);
    }
    if ((aliens.y & column) != 0u) {
        return vec4u(0u, 1u << firstLeadingBit(aliens.y & column), 0u, 0u);
    }
    return vec4u(1u << firstLeadingBit(aliens.x & column), 0u, 0u, 0u);
}

// The aliens after a move: sideways, or down where the edge is in the way. Row 9 would come back at the top.
fn advanced(s: ptr<function, State>) -> vec4u {
    let aliens = (*s).aliens;
    let edge = select(RIGHT_EDGE, LEFT_EDGE, (*s).alien_dir < 0);
    if (any((aliens & vec4u(edge, edge, edge, edge)) != EMPTY)) {
        (*s).alien_dir = -(*s).alien_dir;
        return lowered(aliens) | vec4u(aliens.w, 0u, 0u, 0u);
    }
    if ((*s).alien_dir < 0) {
        return aliens >> vec4u(1u, 1u, 1u, 1u);
    }
    return aliens << vec4u(1u, 1u, 1u, 1u);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    var s = *state;
    s.last_action = played(s.last_action, action, rng);
    if (s.last_action == FIRE && s.shot_timer == 0u) {
        s.f_bullets |= cell_of(9u, s.pos);
        s.shot_timer = SHOT_COOL_DOWN;
    } else if (s.last_action == LEFT) {
        s.pos = max(s.pos, 1u) - 1u;
    } else if (s.last_action == RIGHT) {
        s.pos = min(s.pos + 1u, 9u);
    }
    s.f_bullets = raised(s.f_bullets);
    s.e_bullets = lowered(s.e_bullets);
    let cannon = cell_of(9u, s.pos);
    var terminated = any(((s.e_bullets | s.aliens) & cannon) != EMPTY);
    if (s.alien_move_timer == 0u) {
        s.alien_move_timer = min(count(s.aliens), s.enemy_move_interval);
        let before = s.alien_dir;
        let last_row = s.aliens.w != 0u;
        s.aliens = advanced(&s);
        terminated |= last_row && before != s.alien_dir;
        terminated |= any((s.aliens & cannon) != EMPTY);
    }
    if (s.alien_shot_timer == 0u) {
        s.alien_shot_timer = ENEMY_SHOT_INTERVAL;
        s.e_bullets |= nearest(s.aliens, s.pos);
    }
    let killed = s.aliens & s.f_bullets;
    s.aliens ^= killed;
    s.f_bullets ^= killed;
    s.shot_timer = max(s.shot_timer, 1u) - 1u;
    s.alien_move_timer -= 1u;
    s.alien_shot_timer -= 1u;
    if (all(s.aliens == EMPTY)) {
        if (s.enemy_move_interval > 6u && env.difficulty_ramping != 0u) {
            s.enemy_move_interval -= 1u;
            s.ramp_index += 1u;
        }
        s.aliens = WAVE;
    }
    *state = s;
    return Outcome(f32(count(killed)), terminated);
}

fn lit(s: State, y: u32, x: u32, channel: u32) -> bool {
    if (channel == 0u) {
        return y == 9u && x == s.pos;
    }
    if (channel == 4u) {
        return has(s.f_bullets, y, x);
    }
    if (channel == 5u) {
        return has(s.e_bullets, y, x);
    }
    if (channel == 2u && s.alien_dir >= 0) {
        return false;
    }
    if (channel == 3u && s.alien_dir < 0) {
        return false;
    }
    return has(s.aliens, y, x);
}

fn observe_at(state: State, index: u32) -> f32 {
    let cell = index / CHANNELS;
    return flag(lit(state, cell / SIDE, cell % SIDE, index % CHANNELS));
}

// MinAtar's colours: seaborn's palette "cubehelix". The plain alien's is always covered by that of its direction.
const CANNON = vec3f(0.102, 0.140, 0.256);
const ALIEN_LEFT = vec3f(0.411, 0.480, 0.189);
const ALIEN_RIGHT = vec3f(0.783, 0.482, 0.487);
const FRIENDLY_BULLET = vec3f(0.805, 0.637, 0.880);
const ENEMY_BULLET = vec3f(0.778, 0.884, 0.945);

fn draw(state: State, uv: vec2f) -> vec3f {
    let place = place_of(uv, SIDE, SIDE);
    var colour = vec3f(0.0, 0.0, 0.0);
    colour = select(colour, CANNON, lit(state, place.row, place.column, 0u));
    colour = select(colour, ALIEN_LEFT, lit(state, place.row, place.column, 2u));
    colour = select(colour, ALIEN_RIGHT, lit(state, place.row, place.column, 3u));
    colour = select(colour, FRIENDLY_BULLET, lit(state, place.row, place.column, 4u));
    return select(colour, ENEMY_BULLET, lit(state, place.row, place.column, 5u));
}
