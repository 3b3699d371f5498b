// Action values of a later head in units of the first head's temperature, so that one temperature serves them all:
//
//   q *= alpha / alpha_k, so that softmax(q / alpha) is that of the values at the head's own alpha_k.
// q [agents, rows, q_stride], actions columns from q_offset on; temperatures [agents, heads - 1], of the heads from 1
// on: one dispatch per head.
// Grid: one invocation per row, x = rows / 64, z = agent. Determinism: nothing is summed.

struct Params {
    rows: u32,
    actions: u32,
    q_stride: u32,
    q_offset: u32,
    heads: u32,
    head: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> temperatures: array<HeadTemperature>;
@group(0) @binding(3) var<storage, read_write> q: array<f32>;

// import: agent
// import: head_temperature

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.rows) {
        return;
    }
    let own = temperatures[agent * (p.heads - 1u) + p.head - 1u].alpha;
    let factor = agents[agent].alpha / own;
    let first = (agent * p.rows + id.x) * p.q_stride + p.q_offset;
    for (var a = 0u; a < p.actions; a++) {
        q[first + a] *= factor;
    }
}
