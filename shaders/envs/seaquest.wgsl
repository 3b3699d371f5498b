// Seaquest-MinAtar: a submarine saves divers and shoots fish and submarines. MinAtar 1.0.15 `environments/seaquest.py`.
//
// State: the package's variables. Lists are in its order: an enemy has 16 bits (x 4, y - 1 3, to the right 1, timer
// 3, submarine 1, shot timer 4), so has a diver, an own bullet 9 (x 4, y 4, to the right 1). No order matters among
// the bullets of the enemies: they are maps of rows 1 to 8, three rows of 10 bits to a word. So are the cells of
// fish, submarines and trails, which follow from the lists. Observation: 10 x 10 cells with ten flags: front and back
// of the submarine, own bullet, trail (where something came from), enemy bullet, fish, enemy submarine, oxygen gauge,
// diver gauge, diver. Actions: 0 n, 1 l, 2 u, 3 r, 4 d, 5 f. An enemy that is shot earns 1; surfacing with six divers
// earns up to 10 by the oxygen that is left. Being hit, no oxygen and surfacing with 0 divers end the episode.
// Surfacing with six leaves -1 of them, as in the package, and below 0 surfacing is free. With difficulty_ramping
// each surfacing makes it harder.

const CHANNELS = 10u;
const OBS_SIZE = 1000u;
const OBS_SHAPE = array(10u, 10u, CHANNELS);
const OBS_BITS = 1u;
const OBS_LOW = 0.0;
const OBS_HIGH = 1.0;
const NUM_ACTIONS = 6u;
// 32 enemies: one that comes, three bullets that meet them, twice all with three bullets each, and the new list; and
// three bullets that look for their like.
const MAX_LOOP_ITERATIONS = 489u;
const DRAW_ASPECT = 1.0;
const RENDER_FPS = 20u;

// import: minatar

struct EnvParams {
    // probability that the action before is played again
    // range: 0 to 1
    sticky_action_prob: f32,
    // whether each surfacing makes the game harder
    difficulty_ramping: u32,
}
const DEFAULT_PARAMS = EnvParams(0.1, 1u);

// At most 30 enemies live at a time: where one comes with every step, each is gone after 30 steps.
const MOST_ENEMIES = 32u;
const MOST_DIVERS = 4u;
const MOST_BULLETS = 3u;

struct State {
    sub_x: u32,
    sub_y: u32,
    sub_or: u32,
    surface: u32,
    oxygen: i32,
    diver_count: i32,
    e_spawn_speed: u32,
    e_spawn_timer: u32,
    d_spawn_timer: u32,
    move_speed: u32,
    shot_timer: u32,
    ramp_index: u32,
    last_action: u32,
    f_count: u32,
    f_bullets: u32,
    d_count: u32,
    divers: array<u32, 2>,
    e_count: u32,
    enemies: array<u32, 16>,
    e_right: array<u32, 3>,
    e_left: array<u32, 3>,
    fish: array<u32, 3>,
    subs: array<u32, 3>,
    trail: array<u32, 3>,
}

const MAX_OXYGEN = 200;
const INIT_SPAWN_SPEED = 20u;
const DIVER_SPAWN_SPEED = 30u;
const INIT_MOVE_INTERVAL = 5u;
const SHOT_COOL_DOWN = 5u;
const ENEMY_SHOT_INTERVAL = 10u;
const DIVER_MOVE_INTERVAL = 5u;
const THIRD = 0.33333334;
const TO_THE_RIGHT = 0x80u;
const TIMER = 0x700u;
const ONE_STEP = 0x100u;
const SUBMARINE = 0x800u;
const SHOT = 0xf000u;
const ONE_SHOT = 0x1000u;
// An enemy that is gone; it leaves the list with the end of the step.
const GONE = 0xffffu;
// Columns 0 and 9 of three rows.
const LEFT_EDGE = 0x00100401u;
const RIGHT_EDGE = 0x20080200u;

fn reset(rng: ptr<function, Rng>) -> State {
    var s = State();
    s.sub_x = 5u;
    s.surface = 1u;
    s.oxygen = MAX_OXYGEN;
    s.e_spawn_speed = INIT_SPAWN_SPEED;
    s.e_spawn_timer = INIT_SPAWN_SPEED;
    s.d_spawn_timer = DIVER_SPAWN_SPEED;
    s.move_speed = INIT_MOVE_INTERVAL;
    return s;
}

// Something new at the edge of a row.
fn entering(row: u32, right: bool, timer: u32) -> u32 {
    return select(9u, TO_THE_RIGHT, right) | (row << 4u) | (timer * ONE_STEP);
}

// x and y of an enemy or a diver, as 4 bits each.
fn cell_of(entry: u32) -> u32 {
    return (entry & 0xfu) | ((entry & 0x70u) + 0x10u);
}

fn sub_cell(s: ptr<function, State>) -> u32 {
    return (*s).sub_x | ((*s).sub_y << 4u);
}

// Whether an enemy or a diver leaves the field with its next move.
fn leaves(entry: u32) -> bool {
    return (entry & 0xfu) == select(0u, 9u, (entry & TO_THE_RIGHT) != 0u);
}

fn moved(entry: u32) -> u32 {
    return select(entry - 1u, entry + 1u, (entry & TO_THE_RIGHT) != 0u);
}

fn enemy(s: ptr<function, State>, i: u32) -> u32 {
    return ((*s).enemies[i >> 1u] >> ((i & 1u) * 16u)) & 0xffffu;
}

fn set_enemy(s: ptr<function, State>, i: u32, entry: u32) {
    let shift = (i & 1u) * 16u;
    let others = (*s).enemies[i >> 1u] & ~(0xffffu << shift);
    (*s).enemies[i >> 1u] = others | (entry << shift);
}

// An enemy comes in a row, unless one goes the other way there.
fn spawn_enemy(s: ptr<function, State>, rng: ptr<function, Rng>) {
    let lr = rng_uniform(rng) < 0.5;
    let is_sub = rng_uniform(rng) < THIRD;
    let row = choice_of(rng_uniform(rng), 8u);
    let fresh = entering(row, lr, (*s).move_speed);
    for (var i = 0u; i < (*s).e_count; i++) {
        // The same row and another direction.
        if (((enemy(s, i) ^ fresh) & 0xf0u) == TO_THE_RIGHT) {
            return;
        }
    }
    if ((*s).e_count < MOST_ENEMIES) {
        set_enemy(s, (*s).e_count, fresh | select(0u, SUBMARINE + ENEMY_SHOT_INTERVAL * ONE_SHOT, is_sub));
        (*s).e_count += 1u;
    }
}

fn spawn_diver(s: ptr<function, State>, rng: ptr<function, Rng>) {
    let lr = rng_uniform(rng) < 0.5;
    let row = choice_of(rng_uniform(rng), 8u);
    let i = (*s).d_count;
    if (i < MOST_DIVERS) {
        (*s).divers[i >> 1u] |= entering(row, lr, DIVER_MOVE_INTERVAL) << ((i & 1u) * 16u);
        (*s).d_count += 1u;
    }
}

fn own_bullet(s: ptr<function, State>, i: u32) -> u32 {
    return ((*s).f_bullets >> (i * 9u)) & 0x1ffu;
}

// Takes own bullet i out of the list.
fn remove_bullet(s: ptr<function, State>, i: u32) {
    let before = (*s).f_bullets & ((1u << (i * 9u)) - 1u);
    let after = ((*s).f_bullets >> (i * 9u + 9u)) << (i * 9u);
    (*s).f_bullets = before | after;
    (*s).f_count -= 1u;
}

// Removes the first own bullet in a cell, if there is one.
fn hit_by_bullet(s: ptr<function, State>, cell: u32) -> bool {
    for (var i = 0u; i < (*s).f_count; i++) {
        if ((own_bullet(s, i) & 0xffu) == cell) {
            remove_bullet(s, i);
            return true;
        }
    }
    return false;
}

// Removes the first enemy in a cell, fish before submarines.
fn hit_enemy(s: ptr<function, State>, cell: u32) -> bool {
    var found = MOST_ENEMIES;
    for (var i = 0u; i < (*s).e_count; i++) {
        let entry = enemy(s, i);
        if (entry != GONE && cell_of(entry) == cell) {
            if ((entry & SUBMARINE) == 0u) {
                found = i;
                break;
            }
            found = min(found, i);
        }
    }
    if (found < MOST_ENEMIES) {
        set_enemy(s, found, GONE);
    }
    return found < MOST_ENEMIES;
}

// Own bullets, the last one first. Returns how many hit. The package removes the first bullet that equals the one that
// hit.
fn move_own_bullets(s: ptr<function, State>) -> u32 {
    var hits = 0u;
    for (var left = (*s).f_count; left > 0u; left--) {
        let i = left - 1u;
        let bullet = own_bullet(s, i);
        let right = (bullet & 0x100u) != 0u;
        if ((bullet & 0xfu) == select(0u, 9u, right)) {
            remove_bullet(s, i);
            continue;
        }
        let ahead = select(bullet - 1u, bullet + 1u, right);
        (*s).f_bullets ^= (bullet ^ ahead) << (i * 9u);
        if (hit_enemy(s, ahead & 0xffu)) {
            var first = 0u;
            for (; first < i; first++) {
                if (own_bullet(s, first) == ahead) {
                    break;
                }
            }
            remove_bullet(s, first);
            hits += 1u;
        }
    }
    return hits;
}

// Divers, the last one first: taken aboard where there is room, or moved.
fn move_divers(s: ptr<function, State>) {
    let sub = sub_cell(s);
    for (var left = (*s).d_count; left > 0u; left--) {
        let i = left - 1u;
        let shift = (i & 1u) * 16u;
        var diver = ((*s).divers[i >> 1u] >> shift) & 0xffffu;
        var gone = false;
        if (cell_of(diver) == sub && (*s).diver_count < 6) {
            gone = true;
            (*s).diver_count += 1;
        } else if ((diver & TIMER) != 0u) {
            diver -= ONE_STEP;
        } else if (leaves(diver)) {
            gone = true;
        } else {
            diver = moved(diver) + DIVER_MOVE_INTERVAL * ONE_STEP;
            if (cell_of(diver) == sub && (*s).diver_count < 6) {
                gone = true;
                (*s).diver_count += 1;
            }
        }
        let others = (*s).divers[i >> 1u] & ~(0xffffu << shift);
        (*s).divers[i >> 1u] = others | (diver << shift);
        if (gone) {
            remove_diver(s, i);
        }
    }
}

fn remove_diver(s: ptr<function, State>, i: u32) {
    let first = (*s).divers[0];
    let second = (*s).divers[1];
    if (i < 2u) {
        (*s).divers[0] = select(first & 0xffffu, first >> 16u, i == 0u) | (second << 16u);
        (*s).divers[1] = second >> 16u;
    } else {
        (*s).divers[1] = select(second & 0xffffu, second >> 16u, i == 2u);
    }
    (*s).d_count -= 1u;
}

struct Met {
    hits: u32,
    terminated: bool,
}

// Submarines or fish, the last one first. The package removes the first enemy that equals the one that was hit, which
// is that one: a bullet is left only where no other enemy was before.
fn move_enemies(s: ptr<function, State>, kind: u32) -> Met {
    var met = Met(0u, false);
    let sub = sub_cell(s);
    for (var left = (*s).e_count; left > 0u; left--) {
        let i = left - 1u;
        var entry = enemy(s, i);
        if (entry == GONE || (entry & SUBMARINE) != kind) {
            continue;
        }
        met.terminated |= cell_of(entry) == sub;
        var gone = false;
        if ((entry & TIMER) != 0u) {
            entry -= ONE_STEP;
        } else if (leaves(entry)) {
            set_enemy(s, i, GONE);
            continue;
        } else {
            entry = moved(entry) + (*s).move_speed * ONE_STEP;
            if (cell_of(entry) == sub) {
                met.terminated = true;
            } else {
                gone = hit_by_bullet(s, cell_of(entry));
            }
        }
        // Even one that was hit still shoots.
        if (kind != 0u && (entry & SHOT) == 0u) {
            entry |= ENEMY_SHOT_INTERVAL * ONE_SHOT;
            add_shot(s, entry);
        } else if (kind != 0u) {
            entry -= ONE_SHOT;
        }
        met.hits += select(0u, 1u, gone);
        set_enemy(s, i, select(entry, GONE, gone));
    }
    return met;
}

// The bit of a cell of rows 1 to 8, of which `row` counts from 0.
fn bit_of(x: u32, row: u32) -> u32 {
    return 1u << (row % 3u * SIDE + x);
}

// A submarine's bullet, where the submarine is.
fn add_shot(s: ptr<function, State>, entry: u32) {
    let row = (entry >> 4u) & 7u;
    let bit = bit_of(entry & 15u, row);
    if ((entry & TO_THE_RIGHT) != 0u) {
        (*s).e_right[row / 3u] |= bit;
    } else {
        (*s).e_left[row / 3u] |= bit;
    }
}

// Whether a bullet of an enemy is where the submarine is.
fn shot_at(s: ptr<function, State>) -> bool {
    if ((*s).sub_y == 0u) {
        return false;
    }
    let row = (*s).sub_y - 1u;
    return (((*s).e_right[row / 3u] | (*s).e_left[row / 3u]) & bit_of((*s).sub_x, row)) != 0u;
}

// Bullets of the enemies.
fn move_shots(s: ptr<function, State>) -> bool {
    let before = shot_at(s);
    for (var word = 0u; word < 3u; word++) {
        (*s).e_right[word] = ((*s).e_right[word] & ~RIGHT_EDGE) << 1u;
        (*s).e_left[word] = ((*s).e_left[word] & ~LEFT_EDGE) >> 1u;
    }
    return before || shot_at(s);
}

// Closes the gaps of the list, submarines before fish and each kind in its order, and marks the cells of what is left.
fn settle(s: ptr<function, State>) {
    for (var word = 0u; word < 3u; word++) {
        (*s).fish[word] = 0u;
        (*s).subs[word] = 0u;
        (*s).trail[word] = 0u;
    }
    var kept = 0u;
    let count = (*s).e_count;
    var all = (*s).enemies;
    (*s).enemies = array<u32, 16>();
    for (var turn = 0u; turn < 2u * MOST_ENEMIES; turn++) {
        let i = turn % MOST_ENEMIES;
        let entry = (all[i >> 1u] >> ((i & 1u) * 16u)) & 0xffffu;
        let is_sub = (entry & SUBMARINE) != 0u;
        if (i < count && entry != GONE && is_sub == (turn < MOST_ENEMIES)) {
            set_enemy(s, kept, entry);
            kept += 1u;
            let row = (entry >> 4u) & 7u;
            let bit = bit_of(entry & 15u, row);
            if (is_sub) {
                (*s).subs[row / 3u] |= bit;
            } else {
                (*s).fish[row / 3u] |= bit;
            }
            add_trail(s, entry);
        }
    }
    (*s).e_count = kept;
    for (var i = 0u; i < (*s).d_count; i++) {
        add_trail(s, ((*s).divers[i >> 1u] >> ((i & 1u) * 16u)) & 0xffffu);
    }
}

// Where something came from, if that is on the field.
fn add_trail(s: ptr<function, State>, entry: u32) {
    let row = (entry >> 4u) & 7u;
    let right = (entry & TO_THE_RIGHT) != 0u;
    if ((entry & 15u) != select(9u, 0u, right)) {
        let x = select((entry & 15u) + 1u, (entry & 15u) - 1u, right);
        (*s).trail[row / 3u] |= bit_of(x, row);
    }
}

// The submarine comes up with divers. Returns the reward.
fn come_up(s: ptr<function, State>) -> i32 {
    var reward = 0;
    (*s).surface = 1u;
    if ((*s).diver_count == 6) {
        (*s).diver_count = 0;
        reward = (*s).oxygen * 10 / MAX_OXYGEN;
    }
    (*s).oxygen = MAX_OXYGEN;
    (*s).diver_count -= 1;
    if (env.difficulty_ramping != 0u && ((*s).e_spawn_speed > 1u || (*s).move_speed > 2u)) {
        if ((*s).move_speed > 2u && ((*s).ramp_index & 1u) != 0u) {
            (*s).move_speed -= 1u;
        }
        (*s).e_spawn_speed = max((*s).e_spawn_speed, 2u) - 1u;
        (*s).ramp_index += 1u;
    }
    return reward;
}

fn act(s: ptr<function, State>) {
    let action = (*s).last_action;
    if (action == FIRE && (*s).shot_timer == 0u) {
        if ((*s).f_count < MOST_BULLETS) {
            (*s).f_bullets |= (sub_cell(s) | ((*s).sub_or << 8u)) << ((*s).f_count * 9u);
            (*s).f_count += 1u;
        }
        (*s).shot_timer = SHOT_COOL_DOWN;
    } else if (action == LEFT) {
        (*s).sub_x = max((*s).sub_x, 1u) - 1u;
        (*s).sub_or = 0u;
    } else if (action == RIGHT) {
        (*s).sub_x = min((*s).sub_x + 1u, 9u);
        (*s).sub_or = 1u;
    } else if (action == UP) {
        (*s).sub_y = max((*s).sub_y, 1u) - 1u;
    } else if (action == DOWN) {
        (*s).sub_y = min((*s).sub_y + 1u, 8u);
    }
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    var s = *state;
    s.last_action = played(s.last_action, action, rng);
    if (s.e_spawn_timer == 0u) {
        spawn_enemy(&s, rng);
        s.e_spawn_timer = s.e_spawn_speed;
    }
    if (s.d_spawn_timer == 0u) {
        spawn_diver(&s, rng);
        s.d_spawn_timer = DIVER_SPAWN_SPEED;
    }
    act(&s);
    var reward = i32(move_own_bullets(&s));
    move_divers(&s);
    let met_subs = move_enemies(&s, SUBMARINE);
    let shot = move_shots(&s);
    let met_fish = move_enemies(&s, 0u);
    settle(&s);
    reward += i32(met_subs.hits + met_fish.hits);
    s.e_spawn_timer = max(s.e_spawn_timer, 1u) - 1u;
    s.d_spawn_timer = max(s.d_spawn_timer, 1u) - 1u;
    s.shot_timer = max(s.shot_timer, 1u) - 1u;
    var terminated = met_subs.terminated || shot || met_fish.terminated || s.oxygen <= 0;
    if (s.sub_y > 0u) {
        s.oxygen -= 1;
        s.surface = 0u;
    } else if (s.surface == 0u) {
        if (s.diver_count == 0) {
            terminated = true;
        } else {
            reward += come_up(&s);
        }
    }
    *state = s;
    return Outcome(f32(reward), terminated);
}

// Whether a cell of rows 1 to 8 is marked.
fn marked(map: array<u32, 3>, y: u32, x: u32) -> bool {
    if (y == 0u || y == 9u) {
        return false;
    }
    let row = y - 1u;
    var word = map[0];
    if (row >= 6u) {
        word = map[2];
    } else if (row >= 3u) {
        word = map[1];
    }
    return (word & bit_of(x, row)) != 0u;
}

fn diver_at(s: State, cell: u32) -> bool {
    let first = s.divers[0];
    let second = s.divers[1];
    return (s.d_count > 0u && cell_of(first) == cell)
        || (s.d_count > 1u && cell_of(first >> 16u) == cell)
        || (s.d_count > 2u && cell_of(second) == cell)
        || (s.d_count > 3u && cell_of(second >> 16u) == cell);
}

fn own_bullet_at(s: State, cell: u32) -> bool {
    return (s.f_count > 0u && (s.f_bullets & 0xffu) == cell)
        || (s.f_count > 1u && ((s.f_bullets >> 9u) & 0xffu) == cell)
        || (s.f_count > 2u && ((s.f_bullets >> 18u) & 0xffu) == cell);
}

fn lit(s: State, y: u32, x: u32, channel: u32) -> bool {
    switch (channel) {
        case 0u: {
            return y == s.sub_y && x == s.sub_x;
        }
        case 1u: {
            return y == s.sub_y && select(x == s.sub_x + 1u, x + 1u == s.sub_x, s.sub_or != 0u);
        }
        case 2u: {
            return own_bullet_at(s, x | (y << 4u));
        }
        case 3u: {
            return marked(s.trail, y, x);
        }
        case 4u: {
            return marked(s.e_right, y, x) || marked(s.e_left, y, x);
        }
        case 5u: {
            return marked(s.fish, y, x);
        }
        case 6u: {
            return marked(s.subs, y, x);
        }
        case 7u: {
            return y == 9u && i32(x) < max(s.oxygen, 0) * 10 / MAX_OXYGEN;
        }
        case 8u: {
            return y == 9u && x < 9u && i32(x) >= 9 - s.diver_count;
        }
        default: {
            return diver_at(s, x | (y << 4u));
        }
    }
}

fn observe_at(state: State, index: u32) -> f32 {
    let cell = index / CHANNELS;
    return flag(lit(state, cell / SIDE, cell % SIDE, index % CHANNELS));
}

// MinAtar's colours: seaborn's palette "cubehelix".
const SUB_FRONT = vec3f(0.099, 0.071, 0.170);
const SUB_BACK = vec3f(0.092, 0.204, 0.296);
const FRIENDLY_BULLET = vec3f(0.094, 0.358, 0.284);
const TRAIL = vec3f(0.236, 0.461, 0.198);
const ENEMY_BULLET = vec3f(0.495, 0.480, 0.211);
const ENEMY_FISH = vec3f(0.735, 0.475, 0.403);
const ENEMY_SUB = vec3f(0.833, 0.525, 0.687);
const OXYGEN_GAUGE = vec3f(0.794, 0.664, 0.904);
const DIVER_GAUGE = vec3f(0.759, 0.825, 0.954);
const DIVER = vec3f(0.839, 0.941, 0.936);

fn draw(state: State, uv: vec2f) -> vec3f {
    let place = place_of(uv, SIDE, SIDE);
    let y = place.row;
    let x = place.column;
    var colour = vec3f(0.0, 0.0, 0.0);
    colour = select(colour, SUB_FRONT, lit(state, y, x, 0u));
    colour = select(colour, SUB_BACK, lit(state, y, x, 1u));
    colour = select(colour, FRIENDLY_BULLET, lit(state, y, x, 2u));
    colour = select(colour, TRAIL, lit(state, y, x, 3u));
    colour = select(colour, ENEMY_BULLET, lit(state, y, x, 4u));
    colour = select(colour, ENEMY_FISH, lit(state, y, x, 5u));
    colour = select(colour, ENEMY_SUB, lit(state, y, x, 6u));
    colour = select(colour, OXYGEN_GAUGE, lit(state, y, x, 7u));
    colour = select(colour, DIVER_GAUGE, lit(state, y, x, 8u));
    return select(colour, DIVER, lit(state, y, x, 9u));
}
