// Steps cost: going on for ever looks cheaper than the end, as long as nobody waits for it.
const OBS_SIZE = 1u;
const NUM_ACTIONS = 2u;
const REWARD_THRESHOLD = -3.0;

struct State {
    unused: f32,
}

fn reset(rng: ptr<function, Rng>) -> State {
    return State(1.0);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    let ends = action == 1u;
    return Outcome(select(-0.1, -2.0, ends), ends);
}

fn observe(state: State) -> array<f32, OBS_SIZE> {
    return array<f32, OBS_SIZE>(state.unused);
}
