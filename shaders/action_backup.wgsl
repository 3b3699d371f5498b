// The regression target of every row of a batch from one drawn action of the next state (Haarnoja et al., arXiv
// 1812.05905, eq. 3 and 5):
//
//   y = R + gamma^m (1 - terminated) (min_i Q'_i(s', a~) - alpha ln pi(a~|s')),  a~ ~ pi(.|s')
// q [agents, slots, batch], target_1 and target_2 the slots of the target twins at (s', a~); log_probs [agents, draws,
// batch], row `draw` is read; rewards [agents, batch]; discounts [agents, discount_slots, batch], of which the first is
// read. targets, entropies [agents, batch]; the entropy of a row is -ln pi(a~|s').
// Grid: one invocation per row, x = batch / 64, z = agent. Determinism: no sums.

struct Params {
    batch: u32,
    slots: u32,
    target_1: u32,
    target_2: u32,
    draws: u32,
    draw: u32,
    discount_slots: u32,
    // 1: -alpha ln pi is part of the value
    entropy: u32,
    // 1: the mean of the twins in place of their minimum
    mean: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> log_probs: array<f32>;
@group(0) @binding(4) var<storage, read> rewards: array<f32>;
@group(0) @binding(5) var<storage, read> discounts: array<f32>;
@group(0) @binding(6) var<storage, read_write> targets: array<f32>;
@group(0) @binding(7) var<storage, read_write> entropies: array<f32>;

// import: agent
// import: joined

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let row = agent * p.batch + id.x;
    let first = q[(agent * p.slots + p.target_1) * p.batch + id.x];
    let second = q[(agent * p.slots + p.target_2) * p.batch + id.x];
    let log_prob = log_probs[(agent * p.draws + p.draw) * p.batch + id.x];
    var value = joined(p.mean == 1u, first, second);
    if (p.entropy == 1u) {
        value -= agents[agent].alpha * log_prob;
    }
    targets[row] = rewards[row] + discounts[agent * p.discount_slots * p.batch + id.x] * value;
    entropies[row] = -log_prob;
}
