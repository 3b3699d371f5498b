// Action values from state values over a sparse table of transitions: the second half of a sweep of the exact solver.
//
//   Q(s, a) = sum over outcomes of probability (reward + gamma (1 - terminated) V(next))
// solvers [agents]; first [states * actions + 1]: outcomes of pair i = s * actions + a are first[i] to first[i + 1] of
// transitions [outcomes], at most `most` of them; values [agents, states]; q, changes [agents, states, actions]: the
// new Q and what was added to the old one. A pair without outcomes has Q = 0. Solutions that have converged stay as
// they are.
// Grid: one invocation per pair, x = states * actions / 64, z = agent. Determinism: the sum over outcomes in ascending
// order.

struct Params {
    states: u32,
    actions: u32,
    outcomes: u32,
    most: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> solvers: array<Solver>;
@group(0) @binding(2) var<storage, read> first: array<u32>;
@group(0) @binding(3) var<storage, read> transitions: array<Transition>;
@group(0) @binding(4) var<storage, read> values: array<f32>;
@group(0) @binding(5) var<storage, read_write> q: array<f32>;
@group(0) @binding(6) var<storage, read_write> changes: array<f32>;

// import: tabular

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    let pairs = p.states * p.actions;
    if (id.x >= pairs || solvers[agent].converged != 0u) {
        return;
    }
    let start = min(first[id.x], p.outcomes);
    let end = clamp(first[id.x + 1u], start, p.outcomes);
    let count = min(end - start, p.most);
    let gamma = solvers[agent].gamma;
    var sum = 0.0;
    for (var k = 0u; k < count; k++) {
        let t = transitions[start + k];
        let value = values[agent * p.states + min(t.next, p.states - 1u)];
        sum += t.probability * (t.reward + gamma * (1.0 - t.terminated) * value);
    }
    let at = agent * pairs + id.x;
    changes[at] = sum - q[at];
    q[at] = sum;
}
