// Steps of an environment from given states, each on its own: no autoreset, no bookkeeping. What conformance checks and
// the environment checker run.
//
// actions [rows, ACTION_WORDS]; env_params, rewards, terminated [rows]; draws [rows, p.draws]: words that the step
// draws before the generator's own; state [rows], replaced by the next one; obs [rows, OBS_SIZE], seen after the step;
// terminated: 1 where the step ended the episode; 2 + line where a loop on that line used up MAX_LOOP_ITERATIONS.
// With p.reset = 1 each row starts from `reset` instead, and the action is not taken; with 2 it is only observed.
// Grid: one invocation per row, x = rows / 64. Determinism: random numbers depend on the seed, the step and the row
// alone.

struct Params {
    rows: u32,
    seed: u32,
    step: u32,
    draws: u32,
    reset: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> actions: array<u32>;
@group(0) @binding(2) var<storage, read> draws: array<u32>;
@group(0) @binding(3) var<storage, read> env_params: array<EnvParams>;
@group(0) @binding(4) var<storage, read_write> state: array<State>;
@group(0) @binding(5) var<storage, read_write> obs: array<f32>;
@group(0) @binding(6) var<storage, read_write> rewards: array<f32>;
@group(0) @binding(7) var<storage, read_write> terminated: array<f32>;

// import: math
// import: rng_given
// import: rng
// import: env

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let row = id.x;
    if (row >= p.rows) {
        return;
    }
    env = env_params[row];
    var s: State;
    var outcome = Outcome(0.0, false);
    if (p.reset == 1u) {
        var rng = Rng(p.seed, STREAM_RESET, p.step, row, 0u);
        s = reset(&rng);
    } else {
        s = state[row];
    }
    if (p.reset == 0u) {
        var action: array<u32, ACTION_WORDS>;
        for (var i = 0u; i < ACTION_WORDS; i++) {
            action[i] = actions[row * ACTION_WORDS + i];
        }
        var rng = Rng(p.seed, STREAM_STEP, p.step, row, 0u);
        outcome = take_step(&s, action, &rng);
    }
    see(s);
    state[row] = s;
    for (var i = 0u; i < OBS_SIZE; i++) {
        obs[row * OBS_SIZE + i] = seen_at(i);
    }
    rewards[row] = outcome.reward;
    terminated[row] = select(0.0, 1.0, outcome.terminated);
    if (env_loop_line > 0u) {
        terminated[row] = 2.0 + f32(env_loop_line);
    }
}
