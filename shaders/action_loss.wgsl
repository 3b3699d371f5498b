// Loss of a drawn action under the critics, and its gradient for their outputs (Haarnoja et al., arXiv 1812.05905, eq. 7
// and 9):
//
//   J = mean_b w (alpha ln pi(a~|s) - min_i Q_i(s, a~)),  losses = w (...),  dq_i = dJ/dQ_i
// The smaller of two values takes the whole gradient, two equal ones half of it each; the mean of twins shares it.
// q [agents, slots, batch]: q_1 and q_2 are the slots of the twins, one slot for one alone; log_probs [agents, draws,
// batch], row `draw` is read; importance [agents, batch] holds w. dq [agents, slots, batch]; entropies [agents, batch]:
// -ln pi(a~|s); losses [agents, batch].
// Grid: one invocation per row, x = batch / 64, z = agent. Determinism: no sums.

struct Params {
    batch: u32,
    slots: u32,
    q_1: u32,
    q_2: u32,
    draws: u32,
    draw: u32,
    mean: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> log_probs: array<f32>;
@group(0) @binding(4) var<storage, read> importance: array<f32>;
@group(0) @binding(5) var<storage, read_write> dq: array<f32>;
@group(0) @binding(6) var<storage, read_write> entropies: array<f32>;
@group(0) @binding(7) var<storage, read_write> losses: array<f32>;

// import: agent
// import: joined

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let row = agent * p.batch + id.x;
    let first = q[(agent * p.slots + p.q_1) * p.batch + id.x];
    let second = q[(agent * p.slots + p.q_2) * p.batch + id.x];
    let log_prob = log_probs[(agent * p.draws + p.draw) * p.batch + id.x];
    // Share of the first in the joined value.
    var share = select(select(0.0, 1.0, first < second), 0.5, p.mean == 1u || first == second);
    if (p.q_1 == p.q_2) {
        share = 1.0;
    }
    let gradient = -importance[row] / f32(p.batch);
    for (var slot = 0u; slot < p.slots; slot++) {
        let part = select(select(0.0, 1.0 - share, slot == p.q_2), share, slot == p.q_1);
        dq[(agent * p.slots + slot) * p.batch + id.x] = part * gradient;
    }
    entropies[row] = -log_prob;
    losses[row] = importance[row] * (agents[agent].alpha * log_prob - joined(p.mean == 1u, first, second));
}
