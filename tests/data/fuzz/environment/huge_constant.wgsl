const OBS_SIZE = 1u;
const NUM_ACTIONS = 2u;
const MAX_EPISODE_STEPS = 20u;
struct State { x: f32, }
fn reset(rng: ptr<function, Rng>) -> State { return State(rng_range(rng, -1.0, 0.0)); }
fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    (*state).x += select(-0.1, 0.1, action == 1u);
    return Outcome(-0.1, (*state).x > 1.0);
}
fn observe(state: State) -> array<f32, OBS_SIZE> { return array<f32, OBS_SIZE>(state.x); }
fn f(x: u32) -> f32 { return f32(pack2x16float(vec2f(1.0))); }
const B: u32 = 4294967296u;
