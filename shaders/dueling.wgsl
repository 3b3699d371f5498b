// Dueling head: q(a) = A(a) - mean(A) + V (Wang et al., arXiv 1511.06581, eq. 9). Several heads may share a V
// (branching dueling Q-network; Tavakoli et al., arXiv 1711.08946, eq. 1).
//
// raw [rows, raw_stride] holds A [actions] from raw_offset on and V at value_offset; q [rows, q_stride], actions
// columns from q_offset on. Rows run over agents, slots and batch.
// Grid: one invocation per row, x = rows / 64. Determinism: the sum over actions in ascending order.

struct Params {
    rows: u32,
    actions: u32,
    raw_stride: u32,
    raw_offset: u32,
    value_offset: u32,
    q_stride: u32,
    q_offset: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> raw: array<f32>;
@group(0) @binding(2) var<storage, read_write> q: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let row = id.x;
    if (row >= p.rows) {
        return;
    }
    let raw_at = row * p.raw_stride + p.raw_offset;
    let q_at = row * p.q_stride + p.q_offset;
    var sum = 0.0;
    for (var a = 0u; a < p.actions; a++) {
        sum += raw[raw_at + a];
    }
    let mean = sum / f32(p.actions);
    let value = raw[row * p.raw_stride + p.value_offset];
    for (var a = 0u; a < p.actions; a++) {
        q[q_at + a] = raw[raw_at + a] - mean + value;
    }
}
