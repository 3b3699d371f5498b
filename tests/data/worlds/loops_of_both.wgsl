// Say the last bit that is seen. A reset takes 8 iterations and an observation 8, the 16 that are allowed; a step that ends an
// episode is followed by two observations.
const OBS_SIZE = 8u;
const NUM_ACTIONS = 2u;
const MAX_EPISODE_STEPS = 1u;
const MAX_LOOP_ITERATIONS = 16u;
struct State { bits: array<u32, 8> }
fn reset(rng: ptr<function, Rng>) -> State {
    var s: State;
    for (var i = 0u; i < 8u; i++) { s.bits[i] = rng_u32(rng) & 1u; }
    return s;
}
fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    return Outcome(select(0.0, 1.0, action == (*state).bits[7]), true);
}
fn observe(state: State) -> array<f32, OBS_SIZE> {
    var o: array<f32, OBS_SIZE>;
    for (var i = 0u; i < 8u; i++) { o[i] = f32(state.bits[i]); }
    return o;
}
