// Munchausen DQN's target (Vieillard, Pietquin, Geist, arXiv 2007.14430, eq. 6):
//
//   y = rewards + m clip(alpha ln pi(a|s), l0, 0) + discounts * V(s'),  V = alpha logsumexp(Q'(s', .) / alpha),
//   pi = softmax(Q' / alpha) of the target net, at s and at s'
// m = munchausen_scale, l0 = munchausen_clip; m = 0 is soft DQN. The authors write V as sum_a pi (Q' - alpha ln pi), which is equal.
// q [agents, slots, batch, q_stride], actions columns from q_offset on: slot 1 is Q'(s'), slot 2 is Q'(s). actions [agents, batch,
// heads]; rewards, discounts [agents, batch], see replay_sample; targets, entropies [agents, batch, heads], of which column `head`
// is written: y and H(pi(s')).
// Grid: one invocation per row, x = batch / 64, z = agent. Determinism: sums over actions in ascending order.

struct Params {
    batch: u32,
    actions: u32,
    slots: u32,
    q_stride: u32,
    q_offset: u32,
    heads: u32,
    head: u32,
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
// import: agent
// import: policy

const NEXT = 1u;
const CURRENT = 2u;

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
    let out = row * p.heads + p.head;
    let alpha = agents[agent].alpha;
    // A wrong index must not read beyond the row.
    let action = min(actions[out], p.actions - 1u);
    let here = softmax_of(CURRENT, row, p.actions, alpha);
    let surprise = alpha * log_probability(here, q_value(CURRENT, row, action), alpha);
    let bonus = agents[agent].munchausen_scale * min(max(surprise, agents[agent].munchausen_clip), 0.0);
    let next = softmax_of(NEXT, row, p.actions, alpha);
    let value = next.top + alpha * next.log_sum;
    targets[out] = (rewards[row] + bonus) + discounts[row] * value;
    entropies[out] = next.entropy;
}
