const OBS_SIZE = 2u;
const NUM_ACTIONS = 2u;
const MAX_EPISODE_STEPS = 50u;

struct State {
    x: f32,
    v: f32,
}

fn reset(rng: ptr<function, Rng>) -> State {
    return State(rng_range(rng, -1.0, 1.0), 0.0);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    (*state).v += 0.1 * (f32(action) - 0.5);
    (*state).x += (*state).v;
    env.drag = env.drag + 1.0;
    return Outcome(1.0, abs((*state).x) > 2.0);
}

fn observe(state: State) -> array<f32, OBS_SIZE> {
    return array<f32, OBS_SIZE>(state.x, state.v);
}

struct EnvParams {
    drag: f32,
}
const DEFAULT_PARAMS = EnvParams(0.0);
