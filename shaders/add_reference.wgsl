// Action values relative to a frozen reference policy pi_bar, in place of the values, in the slots from first_slot on:
//
//   q += alpha ln pi_bar,  pi_bar = softmax(reference / temperature)
// so that softmax(q / alpha) is proportional to pi_bar exp(Q / alpha), and alpha logsumexp(q / alpha) is Q's largest
// expectation less alpha KL(pi || pi_bar).
// reference [agents, batch, q_stride]: outputs of the reference's network on the input of these slots. q [agents,
// slots, batch, q_stride], actions columns of both from q_offset on: one dispatch per head.
// Grid: one invocation per row, x = batch / 64, y = slots from first_slot on, z = agent. Determinism: sums over actions
// in ascending order.

struct Params {
    batch: u32,
    actions: u32,
    slots: u32,
    first_slot: u32,
    q_stride: u32,
    q_offset: u32,
    // of the reference's own softmax; 1 for outputs that are logits
    temperature: f32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> reference: array<f32>;
@group(0) @binding(3) var<storage, read_write> q: array<f32>;

// import: math
// import: agent
// import: policy

fn q_value(source: u32, row: u32, action: u32) -> f32 {
    return reference[row * p.q_stride + source + action];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    let slot = p.first_slot + id.y;
    if (id.x >= p.batch || slot >= p.slots) {
        return;
    }
    let row = agent * p.batch + id.x;
    let alpha = agents[agent].alpha;
    let pi = softmax_of(p.q_offset, row, p.actions, p.temperature);
    let first = ((agent * p.slots + slot) * p.batch + id.x) * p.q_stride + p.q_offset;
    for (var a = 0u; a < p.actions; a++) {
        q[first + a] += alpha * log_probability(pi, q_value(p.q_offset, row, a), p.temperature);
    }
}
