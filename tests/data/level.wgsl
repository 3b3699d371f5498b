const OBS_SIZE = 1u;
const NUM_ACTIONS = 2u;
const MAX_EPISODE_STEPS = 20u;

struct EnvParams {
    // the reward is log(level): below 0 no number
    level: f32,
}
const DEFAULT_PARAMS = EnvParams(1.0);

struct State {
    x: f32,
}

fn reset(rng: ptr<function, Rng>) -> State {
    return State(0.0);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    (*state).x += select(-0.1, 0.1, action == 1u);
    return Outcome(log_f32(env.level) + sqrt(env.level), abs((*state).x) > 1.0);
}

fn observe(state: State) -> array<f32, OBS_SIZE> {
    return array<f32, OBS_SIZE>(state.x);
}
