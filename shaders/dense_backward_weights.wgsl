// Gradient of a dense layer for its weights and bias: dW = x^T dy, db = sum over the batch of dy.
//
// x [agents, x_slots, batch, x_stride] of which in_dim columns from x_offset on are read, dy [agents, grad_slots,
// batch, dy_stride] of which out_dim columns from dy_offset on, grads [agents, grad_slots, net_params] with
// dW [in_dim, out_dim] at weight_offset and db [out_dim] behind it: the bias is row in_dim, whose input is 1.
// Slot s of dy belongs to input `slot_x[s]` (4 bits each).
// Grid: an invocation computes 4 inputs x 4 columns in registers; x = tiles / 64, y = slot, z = agent.
// Determinism: each element is summed over the batch in ascending order by one invocation.

struct Params {
    batch: u32,
    in_dim: u32,
    out_dim: u32,
    net_params: u32,
    weight_offset: u32,
    grad_slots: u32,
    x_slots: u32,
    slot_x: u32,
    x_stride: u32,
    x_offset: u32,
    dy_stride: u32,
    dy_offset: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> grads: array<f32>;

fn store(base: u32, k: u32, column: u32, sum: vec4f) {
    if (k > p.in_dim) {
        return;
    }
    for (var j = 0u; j < 4u; j++) {
        if (column + j < p.out_dim) {
            grads[base + k * p.out_dim + column + j] = sum[j];
        }
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let slot = group.y;
    let agent = group.z;
    let tile = group.x * 64u + local;
    let column_tiles = (p.out_dim + 3u) / 4u;
    let k = (tile / column_tiles) * 4u;
    let column = (tile % column_tiles) * 4u;
    if (k > p.in_dim) {
        return;
    }
    let x_slot = (p.slot_x >> (4u * slot)) & 15u;
    let last_input = p.in_dim - 1u;
    let k0 = min(k, last_input);
    let k1 = min(k + 1u, last_input);
    let k2 = min(k + 2u, last_input);
    let k3 = min(k + 3u, last_input);
    let is_bias = vec4<bool>(k == p.in_dim, k + 1u == p.in_dim, k + 2u == p.in_dim, k + 3u == p.in_dim);
    let last_column = p.out_dim - 1u;
    let c1 = min(column + 1u, last_column);
    let c2 = min(column + 2u, last_column);
    let c3 = min(column + 3u, last_column);
    var x_at = (agent * p.x_slots + x_slot) * p.batch * p.x_stride + p.x_offset;
    var dy_at = (agent * p.grad_slots + slot) * p.batch * p.dy_stride + p.dy_offset;
    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    for (var b = 0u; b < p.batch; b++) {
        let row = vec4f(dy[dy_at + column], dy[dy_at + c1], dy[dy_at + c2], dy[dy_at + c3]);
        let inputs = select(vec4f(x[x_at + k0], x[x_at + k1], x[x_at + k2], x[x_at + k3]), vec4f(1.0), is_bias);
        sum0 += inputs.x * row;
        sum1 += inputs.y * row;
        sum2 += inputs.z * row;
        sum3 += inputs.w * row;
        x_at += p.x_stride;
        dy_at += p.dy_stride;
    }
    let base = (agent * p.grad_slots + slot) * p.net_params + p.weight_offset;
    store(base, k, column, sum0);
    store(base, k + 1u, column, sum1);
    store(base, k + 2u, column, sum2);
    store(base, k + 3u, column, sum3);
}
