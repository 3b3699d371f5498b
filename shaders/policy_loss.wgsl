// Loss of a policy network against the values of its actions, and the gradient for its outputs z, pi = softmax(z):
//
//   J = J_0 + penalty / 2 (H(pi_old) - H(pi))^2,  J_0 = sum_a pi(a) (alpha ln pi(a) - m(a)),  m = min_i Q_i(s, .)
//   dJ/dz(a) = pi(a) (alpha ln pi(a) - m(a) - J_0 + penalty (H(pi_old) - H(pi)) (ln pi(a) + H(pi)))
//   losses = w J / |A|,  dz = w dJ/dz / (batch |A|),  w = importance: a mean over the batch and over actions
// No gradient flows into alpha, m and pi_old.
// policy [agents, slots, batch, q_stride]: slot 0 holds z at s, slot `old` that of pi_old. q [agents, q_slots, batch,
// q_stride]: q_1, q_2 are the slots of Q_1(s), Q_2(s). Both have the actions in columns from q_offset on. importance
// [agents, batch]; dz [agents, batch, q_stride]; entropies, losses [agents, batch, heads]. One dispatch per head.
// Grid: one invocation per row, x = batch / 64, z = agent. Determinism: sums over actions in ascending order.

struct Params {
    batch: u32,
    actions: u32,
    slots: u32,
    old: u32,
    q_slots: u32,
    q_1: u32,
    q_2: u32,
    q_stride: u32,
    q_offset: u32,
    heads: u32,
    head: u32,
    // 1: the mean of the twins in place of their minimum
    mean: u32,
    penalty: f32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> policy: array<f32>;
@group(0) @binding(3) var<storage, read> q: array<f32>;
@group(0) @binding(4) var<storage, read> importance: array<f32>;
@group(0) @binding(5) var<storage, read_write> dz: array<f32>;
@group(0) @binding(6) var<storage, read_write> entropies: array<f32>;
@group(0) @binding(7) var<storage, read_write> losses: array<f32>;

// import: math
// import: agent
// import: policy

const NOW = 0u;
const OLD = 1u;
const VALUE = 2u;

// Where the values of a row lie; row counts over agents and batch, the slot axis lies between them.
fn values_at(slots: u32, slot: u32, row: u32) -> u32 {
    return (((row / p.batch) * slots + slot) * p.batch + row % p.batch) * p.q_stride + p.q_offset;
}

fn q_value(source: u32, row: u32, action: u32) -> f32 {
    if (source == VALUE) {
        let first = q[values_at(p.q_slots, p.q_1, row) + action];
        let second = q[values_at(p.q_slots, p.q_2, row) + action];
        return select(min(first, second), 0.5 * (first + second), p.mean == 1u);
    }
    return policy[values_at(p.slots, select(0u, p.old, source == OLD), row) + action];
}

// alpha ln pi(a) - m(a), relative to the largest m: no digits are lost where all values are large.
fn cost(row: u32, action: u32, alpha: f32, log_pi: f32, top: f32) -> f32 {
    return alpha * log_pi - (q_value(VALUE, row, action) - top);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let row = agent * p.batch + id.x;
    let alpha = agents[agent].alpha;
    let pi = softmax_of(NOW, row, p.actions, 1.0);
    let top = q_value(VALUE, row, argmax_of(VALUE, row, p.actions));
    var expected = 0.0;
    for (var a = 0u; a < p.actions; a++) {
        let z = q_value(NOW, row, a);
        expected += probability(pi, z, 1.0) * cost(row, a, alpha, log_probability(pi, z, 1.0), top);
    }
    var gap = 0.0;
    if (p.penalty > 0.0) {
        gap = softmax_of(OLD, row, p.actions, 1.0).entropy - pi.entropy;
    }
    let pull = p.penalty * gap;
    let weight = importance[row] / f32(p.actions);
    for (var a = 0u; a < p.actions; a++) {
        let z = q_value(NOW, row, a);
        let log_pi = log_probability(pi, z, 1.0);
        let slope = (cost(row, a, alpha, log_pi, top) - expected) + pull * (log_pi + pi.entropy);
        let at = row * p.q_stride + p.q_offset + a;
        dz[at] = weight * (probability(pi, z, 1.0) * slope) / f32(p.batch);
    }
    let out = row * p.heads + p.head;
    entropies[out] = pi.entropy;
    losses[out] = weight * ((expected - top) + 0.5 * pull * gap);
}
