// The regression target of every row of a batch, by a target rule (shaders/targets) that reads a policy network.
//
// q [agents, slots, batch, q_stride], target_1 and target_2 the slots of the target twins at s'; policy [agents,
// policy_slots, batch, q_stride], online the slot of the policy network at s', which the rule knows as ONLINE; actions
// columns from q_offset on. rewards [agents, batch], discounts [agents, discount_slots, batch]: the n-step sum R and
// gamma^m (1 - terminated), the first of the discounts is read. targets, entropies [agents, batch, heads], of which
// column `head` is written: one dispatch per head.
// Grid: one invocation per row, x = batch / 64, z = agent. Determinism: sums over actions in ascending order.

struct Params {
    batch: u32,
    actions: u32,
    slots: u32,
    target_1: u32,
    target_2: u32,
    policy_slots: u32,
    online: u32,
    q_stride: u32,
    q_offset: u32,
    heads: u32,
    head: u32,
    discount_slots: u32,
    entropy: u32,
    kl: u32,
    mean: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> policy: array<f32>;
@group(0) @binding(4) var<storage, read> rewards: array<f32>;
@group(0) @binding(5) var<storage, read> discounts: array<f32>;
@group(0) @binding(6) var<storage, read_write> targets: array<f32>;
@group(0) @binding(7) var<storage, read_write> entropies: array<f32>;

// import: math
// import: rng_word
// import: rng
// import: agent
// import: policy
// import: target
// import: rule

// Where the values of a row lie; row counts over agents and batch, the slot axis lies between them.
fn values_at(slots: u32, slot: u32, row: u32) -> u32 {
    return (((row / p.batch) * slots + slot) * p.batch + row % p.batch) * p.q_stride + p.q_offset;
}

fn q_value(source: u32, row: u32, action: u32) -> f32 {
    if (source == ONLINE) {
        return policy[values_at(p.policy_slots, p.online, row) + action];
    }
    let first = q[values_at(p.slots, p.target_1, row) + action];
    let second = q[values_at(p.slots, p.target_2, row) + action];
    return joined(p.mean == 1u, first, second);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    var row: Row;
    row.index = agent * p.batch + id.x;
    row.actions = p.actions;
    row.agent = agents[agent];
    row.alpha = row.agent.alpha;
    row.reward = rewards[row.index];
    row.discount = discounts[agent * p.discount_slots * p.batch + id.x];
    row.entropy = p.entropy == 1u;
    row.kl = p.kl == 1u;
    row.mean = p.mean == 1u;
    let result = target_of(row);
    let out = row.index * p.heads + p.head;
    targets[out] = result.y;
    entropies[out] = result.entropy;
}
