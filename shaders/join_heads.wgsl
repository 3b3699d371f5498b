// One target for all heads of a row: the mean of theirs.
//
//   y_k = 1/K sum_j y_j
// With y_j = r + gamma (1 - d) V_j(s') that is r + gamma (1 - d) mean_j V_j(s'), the target of a branching dueling
// Q-network (Tavakoli et al., arXiv 1711.08946, eq. 6).
// targets [rows, heads]; rows run over agents and batch.
// Grid: one invocation per row, x = rows / 64. Determinism: the sum over heads in ascending order.

struct Params {
    rows: u32,
    heads: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> targets: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let row = id.x;
    if (row >= p.rows) {
        return;
    }
    let first = row * p.heads;
    var sum = 0.0;
    for (var head = 0u; head < p.heads; head++) {
        sum += targets[first + head];
    }
    let mean = sum / f32(p.heads);
    for (var head = 0u; head < p.heads; head++) {
        targets[first + head] = mean;
    }
}
