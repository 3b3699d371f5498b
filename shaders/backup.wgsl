// The regression target of every row of a batch, by the target rule that the kernel is composed with (shaders/targets).
//
// q [agents, slots, batch, q_stride], actions columns from q_offset on; target_1, target_2, online, current are the
// slots of the rule's sources, of which each rule reads its own. rewards [agents, batch], discounts [agents,
// discount_slots, batch]: the n-step sum R and gamma^m (1 - terminated), see replay_sample; the first of the discounts
// is read. actions, targets, entropies [agents, batch, heads], of which column `head` is read and written: one dispatch
// per head.
// Grid: one invocation per row, x = batch / 64, z = agent. Determinism: sums over actions in ascending order.

struct Params {
    batch: u32,
    actions: u32,
    slots: u32,
    target_1: u32,
    target_2: u32,
    online: u32,
    current: u32,
    q_stride: u32,
    q_offset: u32,
    heads: u32,
    head: u32,
    stream: u32,
    discount_slots: u32,
    given: u32,
    entropy: u32,
    kl: u32,
    mean: u32,
    per_state: u32,
    signed_log: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> actions: array<u32>;
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

fn slot_value(slot: u32, row: u32, action: u32) -> f32 {
    // row counts over agents and batch; the slot axis lies between them.
    let at = ((row / p.batch) * p.slots + slot) * p.batch + row % p.batch;
    return q[at * p.q_stride + p.q_offset + action];
}

fn q_value(source: u32, row: u32, action: u32) -> f32 {
    if (source == TARGET) {
        return joined(p.mean == 1u, slot_value(p.target_1, row, action), slot_value(p.target_2, row, action));
    }
    var slot = p.target_1;
    if (source == TARGET_2) {
        slot = p.target_2;
    } else if (source == ONLINE) {
        slot = p.online;
    } else if (source == CURRENT) {
        slot = p.current;
    }
    return slot_value(slot, row, action);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    var row: Row;
    row.index = agent * p.batch + id.x;
    let out = row.index * p.heads + p.head;
    row.actions = p.actions;
    row.agent = agents[agent];
    row.alpha = row.agent.alpha;
    row.reward = rewards[row.index];
    row.discount = discounts[agent * p.discount_slots * p.batch + id.x];
    // A wrong index must not read beyond the row.
    row.action = min(actions[out], p.actions - 1u);
    row.given = p.given == 1u;
    row.rng = Rng(row.agent.seed, p.stream + STREAM_BACKUP, row.agent.updates, p.head * p.batch + id.x, 0u);
    row.entropy = p.entropy == 1u;
    row.kl = p.kl == 1u;
    row.mean = p.mean == 1u;
    row.per_state = p.per_state == 1u;
    row.signed_log = p.signed_log == 1u;
    let result = target_of(row);
    targets[out] = result.y;
    entropies[out] = result.entropy;
}
