// Starts every environment: initial state, first observation, cleared bookkeeping.
//
// env_params, state, lanes [agents, num_lanes]; obs [agents, num_lanes, OBS_SIZE].
// Grid: one invocation per environment, x = num_lanes / 64, z = agent.
// Determinism: the draw depends on the agent's seed, the stream and the lane alone.

struct Params {
    num_lanes: u32,
    stream: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> env_params: array<EnvParams>;
@group(0) @binding(3) var<storage, read_write> state: array<State>;
@group(0) @binding(4) var<storage, read_write> lanes: array<Lane>;
@group(0) @binding(5) var<storage, read_write> obs: array<f32>;

// import: math
// import: rng_word
// import: rng
// import: agent
// import: lane_step
// import: env

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.num_lanes) {
        return;
    }
    let lane = agent * p.num_lanes + id.x;
    env = env_params[lane];
    let start = lane_start(agents[agent].seed, p.stream, id.x, 0xffffffffu);
    state[lane] = start;
    lanes[lane] = Lane();
    see(start);
    for (var i = 0u; i < OBS_SIZE; i++) {
        let x = seen_at(i);
        obs[lane * OBS_SIZE + i] = x;
        if (!is_finite_f32(x)) {
            lanes[lane].fault = FAULT_OBS;
        }
    }
}
