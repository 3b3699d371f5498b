// Pong-Small: Atari's Pong on ten by ten cells, by the customs of MinAtar.
//
// Rules, and what was simplified: the player's paddle is in column 9, the opponent's in column 0, both three cells
// high. The ball moves one column per frame, and 0 to 2 rows; it comes back from the upper and lower wall. A paddle
// sends it back: its outer cells turn it by one row per frame towards their side, the middle one lets it keep its
// slope. So a player can make it steep, and a steep ball outruns a paddle, which moves one row per frame at most. The
// opponent moves towards the ball's row, but with probability opponent_lag it sleeps through a frame. A ball behind a
// paddle is a point: 1 for the player, -1 against. A point is followed by a serve from the middle, in a random row and
// direction. The first to reach five points ends the episode (21 in Atari). No spin by the paddle's motion, no
// acceleration.
// State: as named. Observation: 10 x 10 cells with four flags: player, opponent, ball, trail (where the ball was,
// which tells its direction). Actions: 0 n, 1 l, 2 u, 3 r, 4 d, 5 f, of which u and d move the paddle.

const CHANNELS = 4u;
const OBS_SIZE = 400u;
const OBS_SHAPE = array(10u, 10u, CHANNELS);
const OBS_BITS = 1u;
const OBS_LOW = 0.0;
const OBS_HIGH = 1.0;
const NUM_ACTIONS = 6u;
const MAX_EPISODE_STEPS = 1000u;
const REWARD_THRESHOLD = 4.0;
const DRAW_ASPECT = 1.0;
const RENDER_FPS = 15u;

// import: minatar

struct EnvParams {
    // probability that the action before is played again
    // range: 0 to 1
    sticky_action_prob: f32,
    // probability that the opponent does not move in a frame
    // range: 0 to 1
    opponent_lag: f32,
}
const DEFAULT_PARAMS = EnvParams(0.1, 0.25);

struct State {
    ball_x: u32,
    ball_y: u32,
    // rows per frame, downwards, and two more
    slope: u32,
    // whether the ball moves to the right
    right: u32,
    last_x: u32,
    last_y: u32,
    // rows of the middle cells of the paddles
    player: u32,
    opponent: u32,
    won: u32,
    lost: u32,
    last_action: u32,
}

const POINTS = 5u;

// A row, a direction and a slope of -1 to 1 for a ball in the middle.
fn serve(s: ptr<function, State>, rng: ptr<function, Rng>) {
    let row = choice_of(rng_uniform(rng), SIDE);
    let right = choice_of(rng_uniform(rng), 2u);
    let slope = 1u + choice_of(rng_uniform(rng), 3u);
    (*s).ball_x = 4u + (1u - right);
    (*s).ball_y = row;
    (*s).slope = slope;
    (*s).right = right;
    (*s).last_x = (*s).ball_x;
    (*s).last_y = row;
}

fn reset(rng: ptr<function, Rng>) -> State {
    var s = State(0u, 0u, 0u, 0u, 0u, 0u, 4u, 4u, 0u, 0u, 0u);
    serve(&s, rng);
    return s;
}

// The slope behind a paddle at `paddle` that meets the ball in `row`, which is at most one row away.
fn turned(slope: u32, row: u32, paddle: u32) -> u32 {
    return clamp(slope + 1u + row - paddle, 1u, 5u) - 1u;
}

fn meets(row: u32, paddle: u32) -> bool {
    return row + 1u >= paddle && row <= paddle + 1u;
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    var s = *state;
    s.last_action = played(s.last_action, action, rng);
    if (s.last_action == UP) {
        s.player = max(s.player, 2u) - 1u;
    } else if (s.last_action == DOWN) {
        s.player = min(s.player + 1u, 8u);
    }
    let awake = rng_uniform(rng) >= env.opponent_lag;
    if (awake && s.ball_y < s.opponent) {
        s.opponent = max(s.opponent, 2u) - 1u;
    } else if (awake && s.ball_y > s.opponent) {
        s.opponent = min(s.opponent + 1u, 8u);
    }
    s.last_x = s.ball_x;
    s.last_y = s.ball_y;
    s.ball_x = select(max(s.ball_x, 1u) - 1u, s.ball_x + 1u, s.right == 1u);
    // Rows from two above the picture on.
    let row = s.ball_y + s.slope;
    if (row < 2u) {
        s.ball_y = 2u - row;
        s.slope = 4u - s.slope;
    } else if (row > 11u) {
        s.ball_y = 20u - row;
        s.slope = 4u - s.slope;
    } else {
        s.ball_y = row - 2u;
    }
    var outcome = Outcome(0.0, false);
    if (s.right == 1u && s.ball_x == 9u) {
        if (meets(s.ball_y, s.player)) {
            s.slope = turned(s.slope, s.ball_y, s.player);
            s.right = 0u;
            s.ball_x = 8u;
        } else {
            s.lost += 1u;
            outcome = Outcome(-1.0, s.lost == POINTS);
            serve(&s, rng);
        }
    } else if (s.right == 0u && s.ball_x == 0u) {
        if (meets(s.ball_y, s.opponent)) {
            s.slope = turned(s.slope, s.ball_y, s.opponent);
            s.right = 1u;
            s.ball_x = 1u;
        } else {
            s.won += 1u;
            outcome = Outcome(1.0, s.won == POINTS);
            serve(&s, rng);
        }
    }
    *state = s;
    return outcome;
}

fn lit(s: State, y: u32, x: u32, channel: u32) -> bool {
    if (channel == 0u) {
        return x == 9u && meets(y, s.player);
    }
    if (channel == 1u) {
        return x == 0u && meets(y, s.opponent);
    }
    if (channel == 2u) {
        return y == s.ball_y && x == s.ball_x;
    }
    return y == s.last_y && x == s.last_x;
}

fn observe_at(state: State, index: u32) -> f32 {
    let cell = index / CHANNELS;
    return flag(lit(state, cell / SIDE, cell % SIDE, index % CHANNELS));
}

const PLAYER = vec3f(0.24, 0.72, 0.82);
const OPPONENT = vec3f(0.86, 0.36, 0.32);
const BALL = vec3f(0.98, 0.93, 0.74);
const TRAIL = vec3f(0.28, 0.27, 0.30);
const NIGHT = vec3f(0.09, 0.11, 0.20);

fn draw(state: State, uv: vec2f) -> vec3f {
    let place = place_of(uv, SIDE, SIDE);
    var colour = NIGHT;
    colour = select(colour, TRAIL, lit(state, place.row, place.column, 3u));
    colour = select(colour, BALL, lit(state, place.row, place.column, 2u));
    colour = select(colour, OPPONENT, lit(state, place.row, place.column, 1u));
    return select(colour, PLAYER, lit(state, place.row, place.column, 0u));
}
