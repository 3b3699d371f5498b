// Priorities of new transitions: the largest one so far, so that each is likely to be drawn soon (Schaul et al., arXiv
// 1511.05952, algorithm 1, line 6).
//
// Runs after act_step. The transition that a lane just stored starts no window of n_step yet: its priority is 0. The
// one stored n_step - 1 steps before it does from now on. tree [agents, tree_len(capacity)]: see shared/sum_tree; lanes
// [agents, num_lanes].
// Grid: one workgroup of 256 per agent (z). Determinism: every sum in the order of its children.

struct Params {
    num_lanes: u32,
    capacity: u32,
    n_step: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> lanes: array<Lane>;
@group(0) @binding(3) var<storage, read_write> tree: array<f32>;

// import: agent
// import: sum_tree

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let agent = group.z;
    let lane_rows = p.capacity / p.num_lanes;
    let step = lanes[agent * p.num_lanes].step;
    if (step == 0u) {
        return;
    }
    let base = agent * tree_len(p.capacity);
    let ready = step >= p.n_step;
    var new_first = (step - 1u) % lane_rows * p.num_lanes;
    // While no window is complete, the second range is the first one again.
    var ready_first = select(new_first, (step - min(p.n_step, step)) % lane_rows * p.num_lanes, ready);
    for (var i = local; i < p.num_lanes; i += 256u) {
        if (ready) {
            tree[base + ready_first + i] = agents[agent].max_priority;
        }
        if (!ready || p.n_step > 1u) {
            tree[base + new_first + i] = 0.0;
        }
    }
    var new_last = new_first + p.num_lanes - 1u;
    var ready_last = ready_first + p.num_lanes - 1u;
    var from_at = base;
    var len = p.capacity;
    for (; len > 1u; len = level_above(len)) {
        storageBarrier();
        let to_at = from_at + len;
        new_first /= FAN_OUT;
        new_last /= FAN_OUT;
        ready_first /= FAN_OUT;
        ready_last /= FAN_OUT;
        for (var node = new_first + local; node <= new_last; node += 256u) {
            tree[to_at + node] = sum_of_children(from_at, len, node);
        }
        for (var node = ready_first + local; node <= ready_last; node += 256u) {
            if (node < new_first || node > new_last) {
                tree[to_at + node] = sum_of_children(from_at, len, node);
            }
        }
        from_at = to_at;
    }
}
