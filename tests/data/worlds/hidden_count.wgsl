// Every fifth step pays for action 1, and the observation does not show which.
const OBS_SIZE = 3u;
const NUM_ACTIONS = 2u;
const MAX_EPISODE_STEPS = 50u;

struct State {
    last: u32,
    count: u32,
}

fn reset(rng: ptr<function, Rng>) -> State {
    return State(0u, 0u);
}

fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    (*state).count = ((*state).count + 1u) % 5u;
    (*state).last = action;
    return Outcome(select(0.0, 1.0, (*state).count == 0u && action == 1u), false);
}

fn observe(state: State) -> array<f32, OBS_SIZE> {
    var seen: array<f32, OBS_SIZE>;
    seen[state.last] = 1.0;
    return seen;
}
