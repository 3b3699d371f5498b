// Gradient of the dueling head: dA(a) = dq(a) - mean(dq), dV = sum of dq. Heads that share a V add up: all but the
// first of them have add = 1.
//
// dq [rows, q_stride], actions columns from q_offset on; draw [rows, raw_stride]: dA [actions] from raw_offset on, dV
// at value_offset. Rows run over agents, nets with gradients and batch.
// Grid: one invocation per row, x = rows / 64. Determinism: the sum over actions in ascending order.

struct Params {
    rows: u32,
    actions: u32,
    raw_stride: u32,
    raw_offset: u32,
    value_offset: u32,
    add: u32,
    q_stride: u32,
    q_offset: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> dq: array<f32>;
@group(0) @binding(2) var<storage, read_write> draw: array<f32>;

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
        sum += dq[q_at + a];
    }
    let mean = sum / f32(p.actions);
    for (var a = 0u; a < p.actions; a++) {
        draw[raw_at + a] = dq[q_at + a] - mean;
    }
    let value_at = row * p.raw_stride + p.value_offset;
    if (p.add == 1u) {
        sum += draw[value_at];
    }
    draw[value_at] = sum;
}
