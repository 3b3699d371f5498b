// Taxi-v4: fetch a passenger and drive to the destination. Gymnasium 1.4 `toy_text/taxi.py`; Dietterich (2000).
//
// State: Gymnasium's index ((row * 5 + column) * 5 + passenger) * 4 + destination, whether the passenger will yet think
// of another destination, and the heading, for the picture. Passenger and destination are 0 red, 1 green, 2 yellow or 3
// blue; passenger 4 sits in the taxi. Observation: the index, one-hot of 500. Actions: 0 south, 1 north, 2 east, 3
// west, 4 pick up, 5 drop off. Steps cost 1, picking up nobody and dropping off in vain 10; delivery earns 20 and ends
// the episode.
//
// Every step draws one number u. In rain a taxi that can drive ahead does so with rainy_probability; otherwise it tries
// the street to its left or to its right. With fickle_passenger, the passenger of a share of fickle_probability of the
// episodes chooses another destination at the first move with him on board, by a second number.

const OBS_SIZE = 500u;
const OBS_BITS = 1u;
const OBS_LOW = 0.0;
const OBS_HIGH = 1.0;
const NUM_ACTIONS = 6u;
const MAX_EPISODE_STEPS = 200u;
// Gymnasium registers 8, but the mean over the starts of the best possible returns is 7.93.
const REWARD_THRESHOLD = 7.9;
const DRAW_ASPECT = 1.0;
const RENDER_FPS = 4u;

// import: grid

struct EnvParams {
    // whether rain makes the taxi slide
    is_rainy: u32,
    // whether passengers may change their destination
    fickle_passenger: u32,
    // in rain: probability of driving where the action points
    // range: 0 to 1
    rainy_probability: f32,
    // with fickle passengers: share of episodes in which one changes the destination
    // range: 0 to 1
    fickle_probability: f32,
}
const DEFAULT_PARAMS = EnvParams(0u, 0u, 0.8, 0.3);

struct State {
    index: u32,
    fickle: u32,
    heading: u32,
}

// Not in the taxi's way of counting: somewhere else than on a landmark, and in the taxi.
const NOWHERE = 4u;
const ABOARD = 4u;

struct Ride {
    // row * 5 + column
    cell: u32,
    passenger: u32,
    destination: u32,
}

fn decode(index: u32) -> Ride {
    return Ride(index / 20u, index / 4u % 5u, index % 4u);
}

fn encode(ride: Ride) -> u32 {
    return (ride.cell * 5u + ride.passenger) * 4u + ride.destination;
}

// The landmark in a cell.
fn landmark(cell: u32) -> u32 {
    switch (cell) {
        case 0u: {
            return 0u;
        }
        case 4u: {
            return 1u;
        }
        case 20u: {
            return 2u;
        }
        case 23u: {
            return 3u;
        }
        default: {
            return NOWHERE;
        }
    }
}

// Whether a wall separates a cell from the next one to the east.
fn wall_east(row: u32, column: u32) -> bool {
    return (row < 2u && column == 1u) || (row > 2u && (column == 0u || column == 2u));
}

// The cell in a direction, or the same one where a wall or the edge is in the way.
fn driven(cell: u32, direction: u32) -> u32 {
    let row = cell / 5u;
    let column = cell % 5u;
    if (direction == 0u && row < 4u) {
        return cell + 5u;
    }
    if (direction == 1u && row > 0u) {
        return cell - 5u;
    }
    if (direction == 2u && column < 4u && !wall_east(row, column)) {
        return cell + 1u;
    }
    if (direction == 3u && column > 0u && !wall_east(row, column - 1u)) {
        return cell - 1u;
    }
    return cell;
}

// To the left of a direction; the opposite of a direction differs in the lowest bit.
fn left_of(direction: u32) -> u32 {
    if (direction < 2u) {
        return direction + 2u;
    }
    return 3u - direction;
}

fn reset(rng: ptr<function, Rng>) -> State {
    let start = choice_of(rng_uniform(rng), 300u);
    let fickle = rng_uniform(rng) < env.fickle_probability && env.fickle_passenger != 0u;
    let passenger = start / 3u % 4u;
    let other = start % 3u;
    let destination = other + select(0u, 1u, other >= passenger);
    return State(encode(Ride(start / 12u, passenger, destination)), select(0u, 1u, fickle), 0u);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    let u = rng_uniform(rng);
    let ride = decode((*state).index);
    var next = ride;
    var outcome = Outcome(-1.0, false);
    let here = landmark(ride.cell);
    if (action < 4u) {
        (*state).heading = action;
        next.cell = driven(ride.cell, action);
        if (env.is_rainy != 0u && next.cell != ride.cell && u >= env.rainy_probability) {
            let side = (1.0 - env.rainy_probability) * 0.5;
            let left = left_of(action);
            next.cell = driven(ride.cell, select(left ^ 1u, left, u < env.rainy_probability + side));
        }
    } else if (action == 4u) {
        if (ride.passenger != ABOARD && ride.passenger == here) {
            next.passenger = ABOARD;
        } else {
            outcome.reward = -10.0;
        }
    } else if (action == 5u) {
        if (ride.passenger == ABOARD && here != NOWHERE) {
            next.passenger = here;
            if (here == ride.destination) {
                outcome = Outcome(20.0, true);
            }
        } else {
            outcome.reward = -10.0;
        }
    }
    if ((*state).fickle != 0u && ride.passenger == ABOARD && next.cell != ride.cell) {
        (*state).fickle = 0u;
        let other = choice_of(rng_uniform(rng), 3u);
        next.destination = other + select(0u, 1u, other >= ride.destination);
    }
    (*state).index = encode(next);
    return outcome;
}

fn observe_at(state: State, index: u32) -> f32 {
    return select(0.0, 1.0, index == state.index);
}

// Width of the margin around the city, and of the picture, in cells.
const MARGIN = 0.25;
const WIDTH = 5.5;
const KERB = vec3f(0.52, 0.66, 0.40);
const WALL = vec3f(0.88, 0.86, 0.81);
const WALL_SHADE = vec3f(0.56, 0.54, 0.51);
const STREET = vec3f(0.30, 0.31, 0.35);
const LANE = vec3f(0.44, 0.45, 0.49);
const RED = vec3f(0.84, 0.26, 0.24);
const GREEN = vec3f(0.27, 0.65, 0.33);
const YELLOW = vec3f(0.89, 0.71, 0.17);
const BLUE = vec3f(0.26, 0.46, 0.80);
const WHITE = vec3f(1.0, 1.0, 1.0);
const BLACK = vec3f(0.10, 0.10, 0.12);
const CAB = vec3f(1.0, 0.82, 0.10);
const CAB_SHADE = vec3f(0.84, 0.62, 0.05);
const GLASS = vec3f(0.36, 0.53, 0.64);
const LIGHT = vec3f(1.0, 0.97, 0.75);
const TAIL_LIGHT = vec3f(0.85, 0.12, 0.10);
const SKIN = vec3f(0.93, 0.74, 0.58);
const SUIT = vec3f(0.36, 0.20, 0.48);

fn draw(state: State, uv: vec2f) -> vec3f {
    let ride = decode(state.index);
    let city = vec2f(uv.x * WIDTH - MARGIN, uv.y * WIDTH - MARGIN);
    let place = place_of(vec2f(city.x * 0.2, city.y * 0.2), 5u, 5u);
    let at = place.at;
    let cell = place.row * 5u + place.column;
    let stop = landmark(cell);
    var colour = STREET;
    // A dash across each border between two cells.
    colour = paint(colour, LANE, sd_round_box(vec2f(abs(at.x) - 0.5, at.y), vec2f(0.015, 0.14), 0.0));
    colour = paint(colour, LANE, sd_round_box(vec2f(at.x, abs(at.y) - 0.5), vec2f(0.14, 0.015), 0.0));
    if (stop != NOWHERE) {
        colour = draw_stop(colour, at, stop);
        if (stop == ride.destination) {
            colour = draw_destination(colour, at);
        }
        if (stop == ride.passenger) {
            colour = draw_passenger(colour, at - vec2f(-0.27, 0.10));
        }
    }
    colour = draw_walls(colour, at, place.row, place.column);
    let outside = sd_round_box(city - vec2f(2.5, 2.5), vec2f(2.5, 2.5), 0.0);
    if (outside > 0.0) {
        colour = select(KERB, WALL, outside < 0.10);
        colour = select(colour, WALL_SHADE, outside > 0.08 && outside < 0.12);
    }
    if (ride.cell == cell) {
        colour = draw_taxi(colour, at, state.heading, ride.passenger == ABOARD);
    }
    return colour;
}

fn draw_walls(under: vec3f, at: vec2f, row: u32, column: u32) -> vec3f {
    var colour = under;
    if (wall_east(row, column) && at.x > 0.0) {
        colour = paint(colour, WALL_SHADE, 0.43 - at.x);
        colour = paint(colour, WALL, 0.45 - at.x);
    }
    if (column > 0u && wall_east(row, column - 1u) && at.x < 0.0) {
        colour = paint(colour, WALL_SHADE, at.x + 0.43);
        colour = paint(colour, WALL, at.x + 0.45);
    }
    return colour;
}

// A coloured stand with its letter: R, G, Y or B.
fn draw_stop(under: vec3f, at: vec2f, stop: u32) -> vec3f {
    var paper = RED;
    var letter = sd_segment(at, vec2f(-0.08, -0.14), vec2f(-0.08, 0.14), 0.03);
    if (stop == 0u) {
        letter = min(letter, sd_segment(at, vec2f(-0.08, -0.14), vec2f(0.05, -0.14), 0.03));
        letter = min(letter, sd_segment(at, vec2f(0.08, -0.11), vec2f(0.08, -0.03), 0.03));
        letter = min(letter, sd_segment(at, vec2f(-0.08, 0.0), vec2f(0.05, 0.0), 0.03));
        letter = min(letter, sd_segment(at, vec2f(0.0, 0.0), vec2f(0.09, 0.14), 0.03));
    } else if (stop == 1u) {
        paper = GREEN;
        letter = min(letter, sd_segment(at, vec2f(-0.07, -0.14), vec2f(0.08, -0.14), 0.03));
        letter = min(letter, sd_segment(at, vec2f(-0.07, 0.14), vec2f(0.08, 0.14), 0.03));
        letter = min(letter, sd_segment(at, vec2f(0.08, 0.14), vec2f(0.08, 0.02), 0.03));
        letter = min(letter, sd_segment(at, vec2f(0.08, 0.02), vec2f(0.02, 0.02), 0.03));
    } else if (stop == 2u) {
        paper = YELLOW;
        letter = sd_segment(at, vec2f(0.0, 0.0), vec2f(0.0, 0.14), 0.03);
        letter = min(letter, sd_segment(vec2f(abs(at.x), at.y), vec2f(0.0, 0.0), vec2f(0.09, -0.14), 0.03));
    } else {
        paper = BLUE;
        letter = min(letter, sd_segment(at, vec2f(-0.08, -0.14), vec2f(0.04, -0.14), 0.03));
        letter = min(letter, sd_segment(at, vec2f(-0.08, 0.0), vec2f(0.05, 0.0), 0.03));
        letter = min(letter, sd_segment(at, vec2f(-0.08, 0.14), vec2f(0.04, 0.14), 0.03));
        letter = min(letter, sd_segment(at, vec2f(0.08, -0.10), vec2f(0.08, -0.04), 0.03));
        letter = min(letter, sd_segment(at, vec2f(0.08, 0.04), vec2f(0.08, 0.10), 0.03));
    }
    let colour = paint(under, paper, sd_round_box(at, vec2f(0.44, 0.44), 0.06));
    return paint(colour, WHITE, letter);
}

// A white frame around the stand and a chequered flag on it.
fn draw_destination(under: vec3f, at: vec2f) -> vec3f {
    var colour = paint(under, WHITE, abs(sd_round_box(at, vec2f(0.41, 0.41), 0.04)) - 0.03);
    colour = paint(colour, BLACK, sd_segment(at, vec2f(0.18, -0.34), vec2f(0.18, 0.34), 0.02));
    let square = vec2f((at.x - 0.20) * 16.0, (at.y + 0.34) * 16.0);
    if (square.x >= 0.0 && square.x < 3.0 && square.y >= 0.0 && square.y < 3.0) {
        colour = select(WHITE, BLACK, (u32(square.x) + u32(square.y)) % 2u == 1u);
    }
    return colour;
}

fn draw_passenger(under: vec3f, at: vec2f) -> vec3f {
    var colour = under;
    let side = vec2f(abs(at.x), at.y);
    colour = paint(colour, BLACK, sd_segment(side, vec2f(0.035, 0.12), vec2f(0.04, 0.25), 0.03));
    colour = paint(colour, SUIT, sd_segment(side, vec2f(0.06, -0.01), vec2f(0.10, 0.10), 0.028));
    colour = paint(colour, SUIT, sd_round_box(at - vec2f(0.0, 0.05), vec2f(0.075, 0.10), 0.04));
    colour = paint(colour, SKIN, sd_circle(at - vec2f(0.0, -0.13), 0.075));
    colour = paint(colour, BLACK, max(sd_circle(at - vec2f(0.0, -0.14), 0.08), at.y + 0.14));
    return colour;
}

// From above, with a row of black and white squares along each side; whoever rides shows through the roof.
fn draw_taxi(under: vec3f, at: vec2f, heading: u32, aboard: bool) -> vec3f {
    // Into the frame of the taxi: y points backwards.
    var body = at;
    if (heading == 0u) {
        body = -at;
    } else if (heading == 2u) {
        body = vec2f(at.y, -at.x);
    } else if (heading == 3u) {
        body = vec2f(-at.y, at.x);
    }
    let side = vec2f(abs(body.x), body.y);
    var colour = under;
    colour = paint(colour, BLACK, sd_round_box(vec2f(side.x - 0.19, abs(body.y) - 0.21), vec2f(0.04, 0.07), 0.02));
    colour = paint(colour, CAB_SHADE, sd_round_box(body, vec2f(0.21, 0.38), 0.09));
    colour = paint(colour, CAB, sd_round_box(body, vec2f(0.19, 0.36), 0.08));
    colour = paint(colour, LIGHT, sd_circle(side - vec2f(0.12, -0.34), 0.035));
    colour = paint(colour, TAIL_LIGHT, sd_round_box(side - vec2f(0.12, 0.355), vec2f(0.04, 0.015), 0.0));
    colour = paint(colour, GLASS, sd_round_box(body - vec2f(0.0, -0.14), vec2f(0.155, 0.055), 0.03));
    colour = paint(colour, GLASS, sd_round_box(body - vec2f(0.0, 0.25), vec2f(0.145, 0.04), 0.03));
    if (abs(side.x - 0.165) < 0.022 && body.y > -0.06 && body.y < 0.18) {
        let squares = u32((body.y + 0.06) * 25.0) + select(0u, 1u, side.x > 0.165);
        colour = select(BLACK, WHITE, squares % 2u == 1u);
    }
    if (aboard) {
        colour = paint(colour, GLASS, sd_round_box(body - vec2f(0.0, 0.06), vec2f(0.12, 0.115), 0.04));
        colour = paint(colour, SUIT, sd_round_box(body - vec2f(0.0, 0.08), vec2f(0.10, 0.05), 0.05));
        colour = paint(colour, SKIN, sd_circle(body - vec2f(0.0, 0.06), 0.06));
        colour = paint(colour, BLACK, max(sd_circle(body - vec2f(0.0, 0.06), 0.065), 0.05 - body.y));
    } else {
        colour = paint(colour, WHITE, sd_round_box(body - vec2f(0.0, 0.05), vec2f(0.10, 0.035), 0.015));
        colour = paint(colour, BLACK, sd_round_box(body - vec2f(0.0, 0.05), vec2f(0.07, 0.012), 0.0));
    }
    return colour;
}
