// Regression target of soft Q-learning from one network at the state where the window ended (coax `SoftQLearning`):
//
//   V = alpha logsumexp(Q'(s', .) / alpha),  y = f(rewards + discounts * f^-1(V))
//   transform = 0: f(x) = x.  transform = 1: f(x) = sign(x) ln(1 + |x|), the network learns transformed values.
//   kl = 1 subtracts alpha ln|A| from V: entropy relative to the uniform policy
// q [agents, slots, batch, q_stride]. action_slots = 0, type 2: the actions are columns from q_offset on of slot `target`.
// action_slots = 1, type 1: action a is column q_offset of slot target + a. rewards, discounts [agents, batch]: the n-step sum R and
// gamma^m (1 - terminated), see replay_sample. targets, entropies, values [agents, batch, heads], of which column `head` is
// written: y, H(pi(s')) with pi = softmax(Q'(s', .) / alpha), and V.
// Grid: one invocation per row, x = batch / 64, z = agent. Determinism: sums over actions in ascending order.

struct Params {
    batch: u32,
    actions: u32,
    slots: u32,
    target_slot: u32,
    action_slots: u32,
    q_stride: u32,
    q_offset: u32,
    transform: u32,
    kl: u32,
    heads: u32,
    head: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> rewards: array<f32>;
@group(0) @binding(4) var<storage, read> discounts: array<f32>;
@group(0) @binding(5) var<storage, read_write> targets: array<f32>;
@group(0) @binding(6) var<storage, read_write> entropies: array<f32>;
@group(0) @binding(7) var<storage, read_write> values: array<f32>;

// import: math
// import: agent
// import: policy

fn q_value(source: u32, row: u32, action: u32) -> f32 {
    // row counts over agents and batch; the slot axis lies between them.
    let slot = (row / p.batch) * p.slots + p.target_slot + select(0u, action, p.action_slots == 1u);
    let column = p.q_offset + select(action, 0u, p.action_slots == 1u);
    return q[(slot * p.batch + row % p.batch) * p.q_stride + column];
}

fn transformed(x: f32) -> f32 {
    if (p.transform == 0u) {
        return x;
    }
    let magnitude = log_f32(1.0 + abs(x));
    return select(magnitude, -magnitude, x < 0.0);
}

fn restored(x: f32) -> f32 {
    if (p.transform == 0u) {
        return x;
    }
    let magnitude = expm1_f32(abs(x));
    return select(magnitude, -magnitude, x < 0.0);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let row = agent * p.batch + id.x;
    let out = row * p.heads + p.head;
    let alpha = agents[agent].alpha;
    let pi = softmax_of(0u, row, p.actions, alpha);
    var value = pi.top + alpha * pi.log_sum;
    if (p.kl == 1u) {
        value -= alpha * log_f32(f32(p.actions));
    }
    targets[out] = transformed(rewards[row] + discounts[row] * restored(value));
    entropies[out] = pi.entropy;
    values[out] = value;
}
