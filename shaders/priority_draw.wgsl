// Proportional prioritized sampling (Schaul et al., arXiv 1511.05952): P(i) = p_i / sum_k p_k, with importance weights
// w_i = (N P(i))^-b / max_j w_j. Within a batch N and the sum cancel: w_i = (min_j p_j / p_i)^b.
//
// The descent draws a fresh random number at every node: a child is taken with its share of the node's sum, exactly to
// 2^-23, however small its share of the whole, and nothing is subtracted. A child of sum 0 is never taken, and a number
// beyond the last prefix takes the last child that is not 0. An empty tree gives leaf 0. b follows its schedule over
// environment steps.
// tree [agents, tree_len(capacity)]; indices, importance [agents, batch]: the ring rows and w; actions [agents, batch,
// heads]: the rows again, where replay_sample reads given starts.
// Grid: one workgroup of 256 per agent (z). Determinism: depends on the agent's seed, its updates, the row and the tree
// alone.

struct Params {
    batch: u32,
    heads: u32,
    capacity: u32,
    num_lanes: u32,
    stream: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> lanes: array<Lane>;
@group(0) @binding(3) var<storage, read> tree: array<f32>;
@group(0) @binding(4) var<storage, read_write> indices: array<u32>;
@group(0) @binding(5) var<storage, read_write> actions: array<u32>;
@group(0) @binding(6) var<storage, read_write> importance: array<f32>;

// import: math
// import: rng_word
// import: rng
// import: agent
// import: sum_tree

const SMALLEST = 1.17549435e-38;

var<workgroup> partial: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let agent = group.z;
    let base = agent * tree_len(p.capacity);
    var offsets: array<u32, MAX_LEVELS>;
    var lens: array<u32, MAX_LEVELS>;
    lens[0] = p.capacity;
    var root = 0u;
    for (; lens[root] > 1u; root++) {
        offsets[root + 1u] = offsets[root] + lens[root];
        lens[root + 1u] = level_above(lens[root]);
    }

    let h = agents[agent];
    var least = 3.0e38;
    // Every invocation goes all rounds: where lanes of a vector leave a loop at different times, Mesa's GL driver may
    // leave the earlier ones out of what follows. The last rounds repeat the last row, and one invocation writes it.
    for (var first_row = 0u; first_row < p.batch; first_row += 256u) {
        let b = min(first_row + local, p.batch - 1u);
        var rng = Rng(h.seed, p.stream + STREAM_REPLAY, h.updates, b, 0u);
        var node = 0u;
        for (var level = root; level > 0u; level--) {
            let target_sum = rng_uniform(&rng) * tree[base + offsets[level] + node];
            let first = node * FAN_OUT;
            node = first;
            var before = 0.0;
            for (var child = first; child < min(first + FAN_OUT, lens[level - 1u]); child++) {
                let value = tree[base + offsets[level - 1u] + child];
                // The last child that starts at or below the target.
                if (value > 0.0 && before <= target_sum) {
                    node = child;
                }
                before += value;
            }
        }
        let row = agent * p.batch + b;
        if (first_row + local < p.batch) {
            indices[row] = node;
            actions[row * p.heads] = node;
        }
        let priority = max(tree[base + node], SMALLEST);
        least = min(least, priority);
    }
    partial[local] = least;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            partial[local] = min(partial[local], partial[local + half]);
        }
    }
    workgroupBarrier();
    let smallest = partial[0];
    let env_steps = f32(lanes[agent * p.num_lanes].step * p.num_lanes);
    let exponent = schedule(h.importance_exponent, h.importance_exponent_final, h.importance_steps, env_steps);
    for (var first_row = 0u; first_row < p.batch; first_row += 256u) {
        if (first_row + local < p.batch) {
            let row = agent * p.batch + first_row + local;
            let priority = max(tree[base + indices[row]], SMALLEST);
            importance[row] = exp_f32(exponent * log_f32(smallest / priority));
        }
    }
}
