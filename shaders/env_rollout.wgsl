// Random play: `steps` steps of every environment in one dispatch, with uniformly random actions, autoreset and episode
// statistics, nothing stored. What the environment costs by itself.
//
// env_params, state, lanes [num_lanes].
// Grid: one invocation per environment, x = num_lanes / 64. State and bookkeeping stay in registers over all steps.
// Determinism: random numbers depend on the seed, the lane and its step count alone, so any split into dispatches gives
// the same bits.

struct Params {
    num_lanes: u32,
    steps: u32,
    seed: u32,
    stream: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> env_params: array<EnvParams>;
@group(0) @binding(2) var<storage, read_write> state: array<State>;
@group(0) @binding(3) var<storage, read_write> lanes: array<Lane>;

// import: math
// import: rng_word
// import: rng
// import: agent
// import: transition_end
// import: lane_step
// import: env

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let lane = id.x;
    if (lane >= p.num_lanes) {
        return;
    }
    env = env_params[lane];
    var s = state[lane];
    var l = lanes[lane];
    // Read once: compilers leave loads where they stand, and on Mesa's software driver one costs as much as half a step.
    let steps = p.steps;
    let seed = p.seed;
    let stream = p.stream;
    for (var t = 0u; t < steps; t++) {
        var action_rng = Rng(seed, stream + STREAM_ACTION, l.step, lane, 0u);
        let action = random_action(&action_rng);
        let done = lane_step(seed, stream, lane, action, &s, &l);
        lane_next(seed, stream, lane, done.ended, &s, &l);
    }
    state[lane] = s;
    lanes[lane] = l;
}
