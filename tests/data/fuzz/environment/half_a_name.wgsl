const OBS_SIZE = 1u;
const NUM_ACTIONS = 2u;
const MAX_EPISODE_STEPS = 20u;
struct State { x: f32, }
fn reset(rng: ptr<function, Rng>) -> State { return State(rng_range(rng, -1.0, 0.0)); }
fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) 