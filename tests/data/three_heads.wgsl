// Three heads of 2, 3 and 4 actions, of which the first alone is paid for: action 1 of it gives 1. Ten steps.

const OBS_SIZE = 1u;
const ACTION_DIMS = array(2u, 3u, 4u);
const MAX_EPISODE_STEPS = 10u;

struct State {
    steps: u32,
}

fn reset(rng: ptr<function, Rng>) -> State {
    return State(0u);
}

fn step(state: ptr<function, State>, action: array<u32, 3>, rng: ptr<function, Rng>) -> Outcome {
    (*state).steps += 1u;
    return Outcome(f32(action[0]), false);
}

fn observe(state: State) -> array<f32, 1> {
    return array<f32, 1>(1.0);
}
