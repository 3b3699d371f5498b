// Dense layer for several networks at once: y = act(x W + b).
//
// Slots name what is evaluated: slot s runs net `slot_net[s]` on input `slot_x[s]` (4 bits each), so that the online
// twins on s and the target twins on s' are one dispatch.
// x [agents, x_slots, batch, x_stride] of which in_dim columns from x_offset on are read, weights [agents, nets,
// net_params] with W [in_dim, out_dim] at weight_offset and b [out_dim] behind it, y [agents, slots, batch, y_stride]
// of which out_dim columns from y_offset on are written. The offsets let the heads of a network work on slices of one
// buffer.
// Grid: an invocation computes 4 rows x 4 columns in registers; x = tiles / 64, y = slot, z = agent.
// Determinism: each output is summed over in_dim in ascending order, then the bias is added.

struct Params {
    batch: u32,
    in_dim: u32,
    out_dim: u32,
    nets: u32,
    net_params: u32,
    weight_offset: u32,
    slots: u32,
    x_slots: u32,
    slot_net: u32,
    slot_x: u32,
    // 0 identity, 1 relu, 2 tanh
    activation: u32,
    x_stride: u32,
    x_offset: u32,
    y_stride: u32,
    y_offset: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// import: math

fn activate(value: f32) -> f32 {
    if (p.activation == 1u) {
        return max(value, 0.0);
    }
    if (p.activation == 2u) {
        return tanh_f32(value);
    }
    return value;
}

fn store(base: u32, row: u32, column: u32, sums: vec4f, bias: vec4f) {
    if (row >= p.batch) {
        return;
    }
    let sum = sums + bias;
    let at = base + row * p.y_stride + p.y_offset + column;
    y[at] = activate(sum.x);
    if (column + 1u < p.out_dim) {
        y[at + 1u] = activate(sum.y);
    }
    if (column + 2u < p.out_dim) {
        y[at + 2u] = activate(sum.z);
    }
    if (column + 3u < p.out_dim) {
        y[at + 3u] = activate(sum.w);
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let slot = group.y;
    let agent = group.z;
    let tile = group.x * 64u + local;
    let column_tiles = (p.out_dim + 3u) / 4u;
    let row = (tile / column_tiles) * 4u;
    let column = (tile % column_tiles) * 4u;
    if (row >= p.batch) {
        return;
    }
    let net = (p.slot_net >> (4u * slot)) & 15u;
    let x_slot = (p.slot_x >> (4u * slot)) & 15u;
    // Rows and columns beyond the edge repeat the last one; they are never stored.
    let last_row = p.batch - 1u;
    let x_base = (agent * p.x_slots + x_slot) * p.batch;
    let x0 = (x_base + row) * p.x_stride + p.x_offset;
    let x1 = (x_base + min(row + 1u, last_row)) * p.x_stride + p.x_offset;
    let x2 = (x_base + min(row + 2u, last_row)) * p.x_stride + p.x_offset;
    let x3 = (x_base + min(row + 3u, last_row)) * p.x_stride + p.x_offset;
    let last_column = p.out_dim - 1u;
    let c1 = min(column + 1u, last_column);
    let c2 = min(column + 2u, last_column);
    let c3 = min(column + 3u, last_column);
    var w = (agent * p.nets + net) * p.net_params + p.weight_offset;
    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    // Bounds and strides are read once: compilers leave loads in loops, and a software driver pays for each.
    let in_dim = p.in_dim;
    let out_dim = p.out_dim;
    for (var k = 0u; k < in_dim; k++) {
        let row_weights = vec4f(weights[w + column], weights[w + c1], weights[w + c2], weights[w + c3]);
        sum0 += x[x0 + k] * row_weights;
        sum1 += x[x1 + k] * row_weights;
        sum2 += x[x2 + k] * row_weights;
        sum3 += x[x3 + k] * row_weights;
        w += out_dim;
    }
    let bias = vec4f(weights[w + column], weights[w + c1], weights[w + c2], weights[w + c3]);
    let y_base = (agent * p.slots + slot) * p.batch * p.y_stride;
    store(y_base, row, column, sum0, bias);
    store(y_base, row + 1u, column, sum1, bias);
    store(y_base, row + 2u, column, sum2, bias);
    store(y_base, row + 3u, column, sum3, bias);
}
