// Steps of an environment from given states, each on its own: no autoreset, no bookkeeping. What conformance checks replay.
//
// actions, rewards, terminated [rows]; state [rows], replaced by the next one; obs [rows, OBS_SIZE], seen after the step.
// Grid: one invocation per row, x = rows / 64. Determinism: random numbers depend on the seed and the row alone.

struct Params {
    rows: u32,
    seed: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> actions: array<u32>;
@group(0) @binding(2) var<storage, read_write> state: array<State>;
@group(0) @binding(3) var<storage, read_write> obs: array<f32>;
@group(0) @binding(4) var<storage, read_write> rewards: array<f32>;
@group(0) @binding(5) var<storage, read_write> terminated: array<f32>;

// import: math
// import: rng
// import: env

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let row = id.x;
    if (row >= p.rows) {
        return;
    }
    var s = state[row];
    var rng = Rng(p.seed, STREAM_STEP, 0u, row, 0u);
    let outcome = step(&s, actions[row], &rng);
    let seen = observe(s);
    state[row] = s;
    for (var i = 0u; i < OBS_SIZE; i++) {
        obs[row * OBS_SIZE + i] = seen[i];
    }
    rewards[row] = outcome.reward;
    terminated[row] = select(0.0, 1.0, outcome.terminated);
}
