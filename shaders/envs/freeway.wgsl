// Freeway-MinAtar: a chicken crosses eight lanes of cars. MinAtar 1.0.15 `environments/freeway.py`.
//
// State: the package's variables; x, timers and speeds have 4 bits for the car of each row from 1 to 8, the lowest
// those of row 1. A speed is 1 to 5 steps between two moves, and bit 3 says to the right. Observation: 10 x 10 cells
// with seven flags: chicken, car, and where a car of speed 1, 2, 3, 4 or 5 came from. Actions: 0 n, 1 l, 2 u, 3 r, 4
// d, 5 f, of which u and d move the chicken, at most every third step. Arriving at the top earns 1 and gives all cars
// other speeds; a car that is met sends the chicken back. The episode ends with its 2,501st step, and that is no time
// limit: it ends for good.

const CHANNELS = 7u;
const OBS_SIZE = 700u;
const OBS_SHAPE = array(10u, 10u, CHANNELS);
const OBS_BITS = 1u;
const OBS_LOW = 0.0;
const OBS_HIGH = 1.0;
const NUM_ACTIONS = 6u;
// Cars, in a reset and in a step.
const MAX_LOOP_ITERATIONS = 24u;
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
    pos: u32,
    move_timer: u32,
    terminate_timer: i32,
    x: u32,
    timers: u32,
    speeds: u32,
    last_action: u32,
}

const PLAYER_SPEED = 3u;
const TIME_LIMIT = 2500;
const CHICKEN_X = 4u;
const TO_THE_RIGHT = 8u;

// Speeds and directions of all cars, one of ten for each.
fn random_speeds(rng: ptr<function, Rng>) -> u32 {
    var speeds = 0u;
    for (var car = 0u; car < 8u; car++) {
        let choice = choice_of(rng_uniform(rng), 10u);
        let speed = choice / 2u + 1u + (choice & 1u) * TO_THE_RIGHT;
        speeds |= speed << (car * 4u);
    }
    return speeds;
}

// The timers that cars of these speeds start with.
fn timers_of(speeds: u32) -> u32 {
    return speeds & 0x77777777u;
}

// The column after one to the right or to the left, around the edges.
fn next_column(x: u32, right: bool) -> u32 {
    return select((x + 9u) % SIDE, (x + 1u) % SIDE, right);
}

fn reset(rng: ptr<function, Rng>) -> State {
    let speeds = random_speeds(rng);
    return State(9u, PLAYER_SPEED, TIME_LIMIT, 0u, timers_of(speeds), speeds, 0u);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    var s = *state;
    var outcome = Outcome(0.0, false);
    s.last_action = played(s.last_action, action, rng);
    if (s.last_action == UP && s.move_timer == 0u) {
        s.move_timer = PLAYER_SPEED;
        s.pos = max(s.pos, 1u) - 1u;
    } else if (s.last_action == DOWN && s.move_timer == 0u) {
        s.move_timer = PLAYER_SPEED;
        s.pos = min(s.pos + 1u, 9u);
    }
    if (s.pos == 0u) {
        outcome.reward = 1.0;
        s.speeds = random_speeds(rng);
        s.timers = timers_of(s.speeds);
        s.pos = 9u;
    }
    for (var car = 0u; car < 8u; car++) {
        let shift = car * 4u;
        let x = (s.x >> shift) & 15u;
        let timer = (s.timers >> shift) & 15u;
        let speed = (s.speeds >> shift) & 15u;
        let row = car + 1u;
        if (x == CHICKEN_X && s.pos == row) {
            s.pos = 9u;
        }
        if (timer == 0u) {
            let moved = next_column(x, (speed & TO_THE_RIGHT) != 0u);
            s.timers |= (speed & 7u) << shift;
            s.x ^= (x ^ moved) << shift;
            if (moved == CHICKEN_X && s.pos == row) {
                s.pos = 9u;
            }
        } else {
            s.timers -= 1u << shift;
        }
    }
    s.move_timer = max(s.move_timer, 1u) - 1u;
    s.terminate_timer -= 1;
    outcome.terminated = s.terminate_timer < 0;
    *state = s;
    return outcome;
}

fn lit(s: State, y: u32, x: u32, channel: u32) -> bool {
    if (channel == 0u) {
        return y == s.pos && x == CHICKEN_X;
    }
    if (y == 0u || y == 9u) {
        return false;
    }
    let shift = y * 4u - 4u;
    let car_x = (s.x >> shift) & 15u;
    if (channel == 1u) {
        return x == car_x;
    }
    let speed = (s.speeds >> shift) & 15u;
    return (speed & 7u) == channel - 1u && x == next_column(car_x, (speed & TO_THE_RIGHT) == 0u);
}

fn observe_at(state: State, index: u32) -> f32 {
    let cell = index / CHANNELS;
    return flag(lit(state, cell / SIDE, cell % SIDE, index % CHANNELS));
}

// MinAtar's colours: seaborn's palette "cubehelix".
const CHICKEN = vec3f(0.104, 0.116, 0.233);
const CAR = vec3f(0.085, 0.327, 0.297);
const SPEED_1 = vec3f(0.265, 0.468, 0.191);
const SPEED_2 = vec3f(0.633, 0.475, 0.291);
const SPEED_3 = vec3f(0.831, 0.518, 0.663);
const SPEED_4 = vec3f(0.778, 0.707, 0.931);
const SPEED_5 = vec3f(0.796, 0.909, 0.940);

fn draw(state: State, uv: vec2f) -> vec3f {
    let place = place_of(uv, SIDE, SIDE);
    var colour = vec3f(0.0, 0.0, 0.0);
    colour = select(colour, CHICKEN, lit(state, place.row, place.column, 0u));
    colour = select(colour, CAR, lit(state, place.row, place.column, 1u));
    colour = select(colour, SPEED_1, lit(state, place.row, place.column, 2u));
    colour = select(colour, SPEED_2, lit(state, place.row, place.column, 3u));
    colour = select(colour, SPEED_3, lit(state, place.row, place.column, 4u));
    colour = select(colour, SPEED_4, lit(state, place.row, place.column, 5u));
    return select(colour, SPEED_5, lit(state, place.row, place.column, 6u));
}
