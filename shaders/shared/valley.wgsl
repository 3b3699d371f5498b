// The valley of MountainCar-v0 and MountainCarContinuous-v0: its height over position x is 0.55 + 0.45 sin(3 x), and
// the engine is too weak to leave it without momentum. Gymnasium 1.4 `classic_control/mountain_car.py` and
// `continuous_mountain_car.py`; Moore (1990). The file that imports this declares
// `struct State { position: f32, velocity: f32 }`. src/shared/valley.rs is the twin.

const MIN_POSITION = -1.2;
const MAX_POSITION = 0.6;
const MAX_SPEED = 0.07;

const SKY = vec3f(1.0, 1.0, 1.0);
const GROUND = vec3f(0.0, 0.0, 0.0);
const CAR = vec3f(0.0, 0.0, 0.0);
const WHEEL = vec3f(0.502, 0.502, 0.502);
const FLAG = vec3f(0.8, 0.8, 0.0);

fn valley_reset(rng: ptr<function, Rng>) -> State {
    return State(rng_range(rng, -0.6, -0.4), 0.0);
}

// One step of unit length with `push` from the engine; the position advances with the new velocity.
fn valley_step(s: State, push: f32, gravity: f32) -> State {
    let slope = sincos_f32(3.0 * s.position).y;
    // In this order; Mesa takes `v + (push - pull)` apart, whose products it would rather add one at a time.
    let velocity = clamp(s.velocity + push - gravity * slope, -MAX_SPEED, MAX_SPEED);
    let position = clamp(s.position + velocity, MIN_POSITION, MAX_POSITION);
    // Only the left wall stops the car; on the right it rolls on against the limit.
    let stopped = position == MIN_POSITION && velocity < 0.0;
    return State(position, select(velocity, 0.0, stopped));
}

// The valley with the car at `position` and a flag at `goal`, whose height is `goal_height`; 1.8 m wide, 1.2 m high.
fn valley_draw(position: f32, goal: f32, goal_height: f32, uv: vec2f) -> vec3f {
    // Metres from the top left corner. Heights are turned into depths below the top once, in the constants: a second
    // constant in a sum would be merged by some compilers and not by others.
    let at = vec2f(1.8 * uv.x, 1.2 * uv.y);
    let here = sincos_f32(5.4 * uv.x - 3.6);
    let ground = at.y - (0.65 - 0.45 * here.x);
    // Over the length of the gradient, so that steep parts of the line are no thicker.
    var colour = paint(SKY, GROUND, abs(ground) / sqrt(1.8225 * (here.y * here.y) + 1.0) - 0.004);

    // The car turns by cos(3 x), about the slope, around the middle of its axles, 0.03 above the ground.
    let hill = sincos_f32(3.0 * position);
    let turn = sincos_f32(hill.y);
    let right = at.x - (position + 1.2);
    let up = (0.62 - 0.45 * hill.x) - at.y;
    let along = right * turn.y + up * turn.x;
    let across = up * turn.y - right * turn.x;
    colour = paint(colour, CAR, sd_round_box(vec2f(along, across - 0.03), vec2f(0.06, 0.03), 0.0));
    colour = paint(colour, WHEEL, sd_circle(vec2f(along - 0.03, across), 0.024));
    colour = paint(colour, WHEEL, sd_circle(vec2f(along + 0.03, across), 0.024));

    // A pole of 0.15 and a pennant that tapers over 0.075.
    let beyond = at.x - (goal - MIN_POSITION);
    let depth = 1.2 - goal_height;
    let pole = max(abs(beyond) - 0.0035, abs(at.y - (depth - 0.075)) - 0.075);
    let pennant = max(-beyond, abs(at.y - (depth - 0.135)) + 0.2 * beyond - 0.015);
    colour = paint(colour, GROUND, pole);
    return paint(colour, FLAG, pennant);
}
