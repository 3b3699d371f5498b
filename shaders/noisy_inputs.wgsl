// Observations with noise behind them, several rows of each: what a network sees that turns noise into actions, or
// critics of actions that are drawn uniformly.
//
// x [agents, x_slots, rows, x_stride], of which the first obs_size columns of slot x_slot are read; inputs [agents,
// rows, particles, obs_size + dims]. Noise is standard normal, or uniform in [-1, 1] where `uniform` is 1.
// lanes [agents, num_lanes], read where `by_lane` is 1: rows are lanes.
// Grid: one invocation per row of inputs, x = rows * particles / 64, z = agent. Determinism: noise depends on the
// agent's seed, the stream, the row and particle, and the lane's steps or the agent's updates alone.

struct Params {
    rows: u32,
    particles: u32,
    obs_size: u32,
    dims: u32,
    x_slots: u32,
    x_slot: u32,
    x_stride: u32,
    uniform: u32,
    by_lane: u32,
    num_lanes: u32,
    stream: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> lanes: array<Lane>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> inputs: array<f32>;

// import: math
// import: rng_word
// import: rng
// import: agent
// import: normal

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.rows * p.particles) {
        return;
    }
    let row = id.x / p.particles;
    let source = ((agent * p.x_slots + p.x_slot) * p.rows + row) * p.x_stride;
    let to = (agent * p.rows * p.particles + id.x) * (p.obs_size + p.dims);
    for (var i = 0u; i < p.obs_size; i++) {
        inputs[to + i] = x[source + i];
    }
    var step = agents[agent].updates;
    if (p.by_lane == 1u) {
        step = lanes[agent * p.num_lanes + row].step;
    }
    var rng = Rng(agents[agent].seed, p.stream, step, id.x, 0u);
    for (var i = 0u; i < p.dims; i++) {
        if (p.uniform == 1u) {
            inputs[to + p.obs_size + i] = rng_range(&rng, -1.0, 1.0);
        } else {
            inputs[to + p.obs_size + i] = rng_normal(&rng);
        }
    }
}
