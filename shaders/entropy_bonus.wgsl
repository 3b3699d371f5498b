// Entropy of the states between the ends of an n-step window, added to its reward sum (authors' maxsqn_nsteps):
//
//   rewards += sum_{0<k<m} gamma^k alpha H(pi(s_{t+k})),  pi = softmax(Q_1 / alpha)
// With kl = 1, H - ln|A| takes the place of H. q [agents, slots, batch, q_stride], actions columns from q_offset on;
// slot first_slot + k - 1 is Q_1(s_{t+k}). discounts [agents, 1 + between, batch]: entry k holds gamma^k, or 0 beyond
// the window (see replay_sample).
// rewards [agents, batch].
// Grid: one invocation per row, x = batch / 64, z = agent. Determinism: sums in order of time and of actions.

struct Params {
    batch: u32,
    actions: u32,
    slots: u32,
    first_slot: u32,
    between: u32,
    kl: u32,
    q_stride: u32,
    q_offset: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> discounts: array<f32>;
@group(0) @binding(4) var<storage, read_write> rewards: array<f32>;

// import: math
// import: agent
// import: policy

// row counts over agents and batch; the slot axis lies between them.
fn q_value(slot: u32, row: u32, action: u32) -> f32 {
    let agent = row / p.batch;
    return q[((agent * p.slots + slot) * p.batch + row % p.batch) * p.q_stride + p.q_offset + action];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let row = agent * p.batch + id.x;
    let alpha = agents[agent].alpha;
    let baseline = select(0.0, log_f32(f32(p.actions)), p.kl == 1u);
    var reward = rewards[row];
    for (var k = 1u; k <= p.between; k++) {
        let entropy = softmax_of(p.first_slot + k - 1u, row, p.actions, alpha).entropy;
        reward += discounts[(agent * (1u + p.between) + k) * p.batch + id.x] * (alpha * (entropy - baseline));
    }
    rewards[row] = reward;
}
