// New priorities of the batch: p_i = (|delta_i| + eps)^a (Schaul et al., arXiv 1511.05952), |delta_i| the mean over
// online nets and heads. Where a transition is in the batch more than once, the largest of its errors counts.
//
// errors [agents, grad_slots, batch, heads], batch <= 2048; indices [agents, batch]: ring rows; tree [agents,
// tree_len(capacity)], of which the leaves of the batch and the sums above them are computed again; agents:
// max_priority. An agent that diverged keeps all of it.
// Grid: one workgroup of 256 per agent (z). Determinism: no atomics; rows that share a leaf or a node write the same
// value to it, since each looks at all of the batch and every sum takes its children in ascending order.

struct Params {
    batch: u32,
    grad_slots: u32,
    heads: u32,
    capacity: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> errors: array<TdError>;
@group(0) @binding(3) var<storage, read> indices: array<u32>;
@group(0) @binding(4) var<storage, read_write> tree: array<f32>;

// import: math
// import: agent
// import: sum_tree

const MAX_BATCH = 2048u;

var<workgroup> partial: array<f32, 256>;
var<workgroup> deltas: array<f32, MAX_BATCH>;

fn magnitude(agent: u32, b: u32) -> f32 {
    var sum = 0.0;
    for (var net = 0u; net < p.grad_slots; net++) {
        for (var head = 0u; head < p.heads; head++) {
            sum += abs(errors[((agent * p.grad_slots + net) * p.batch + b) * p.heads + head].error);
        }
    }
    return sum / f32(p.grad_slots * p.heads);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let agent = group.z;
    let base = agent * tree_len(p.capacity);
    let learning = agents[agent].nonfinite == 0u;
    // Every invocation goes all rounds, the last ones with the last row: see priority_draw.
    let last = min(p.batch, MAX_BATCH) - 1u;
    for (var first_row = 0u; first_row <= last; first_row += 256u) {
        let b = first_row + local;
        if (b <= last) {
            deltas[b] = magnitude(agent, b);
        }
    }
    workgroupBarrier();
    var largest = 0.0;
    for (var first_row = 0u; first_row <= last; first_row += 256u) {
        let b = min(first_row + local, last);
        let leaf = indices[agent * p.batch + b];
        var delta = 0.0;
        for (var other = 0u; other < p.batch; other++) {
            if (indices[agent * p.batch + other] == leaf) {
                delta = max(delta, deltas[other]);
            }
        }
        let priority = exp_f32(agents[agent].priority_exponent * log_f32(delta + agents[agent].priority_eps));
        // Rows of one leaf, as those of one node below, write the same.
        if (learning) {
            tree[base + leaf] = priority;
        }
        largest = max(largest, priority);
    }
    partial[local] = largest;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            partial[local] = max(partial[local], partial[local + half]);
        }
    }
    if (local == 0u && learning) {
        agents[agent].max_priority = max(agents[agent].max_priority, partial[0]);
    }
    var from_at = base;
    var len = p.capacity;
    var leaves = FAN_OUT;
    for (; len > 1u; len = level_above(len)) {
        storageBarrier();
        let to_at = from_at + len;
        for (var first_row = 0u; first_row <= last; first_row += 256u) {
            let b = min(first_row + local, last);
            let node = indices[agent * p.batch + b] / leaves;
            if (learning) {
                tree[to_at + node] = sum_of_children(from_at, len, node);
            }
        }
        from_at = to_at;
        leaves *= FAN_OUT;
    }
}
