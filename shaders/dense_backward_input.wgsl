// Gradient of a dense layer for its input: dx = (dy W^T) * act'(x), where x is the output of the layer below.
//
// dy [agents, grad_slots, batch, dy_stride] of which out_dim columns from dy_offset on are read, weights [agents, nets,
// net_params], x [agents, x_slots, batch, x_stride] with the activation already applied, dx [agents, grad_slots, batch,
// x_stride]; of both, in_dim columns from x_offset on. Slot s belongs to net s and to slot s of x.
// Grid: an invocation computes 4 rows x 4 inputs in registers; x = tiles / 64, y = slot, z = agent.
// Determinism: each element is summed over out_dim in ascending order.

struct Params {
    batch: u32,
    in_dim: u32,
    out_dim: u32,
    nets: u32,
    net_params: u32,
    weight_offset: u32,
    grad_slots: u32,
    x_slots: u32,
    // activation of the layer below: 0 identity, 1 relu, 2 tanh
    activation: u32,
    dy_stride: u32,
    dy_offset: u32,
    x_stride: u32,
    x_offset: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

// act'(z) in terms of the output act(z).
fn slope(output: f32) -> f32 {
    if (p.activation == 1u) {
        return select(0.0, 1.0, output > 0.0);
    }
    if (p.activation == 2u) {
        return 1.0 - output * output;
    }
    return 1.0;
}

fn store(dx_base: u32, x_base: u32, row: u32, k: u32, sum: vec4f) {
    if (row >= p.batch) {
        return;
    }
    let at = row * p.x_stride + p.x_offset + k;
    for (var i = 0u; i < 4u; i++) {
        if (k + i < p.in_dim) {
            dx[dx_base + at + i] = sum[i] * slope(x[x_base + at + i]);
        }
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let slot = group.y;
    let agent = group.z;
    let tile = group.x * 64u + local;
    let input_tiles = (p.in_dim + 3u) / 4u;
    let row = (tile / input_tiles) * 4u;
    let k = (tile % input_tiles) * 4u;
    if (row >= p.batch) {
        return;
    }
    let last_row = p.batch - 1u;
    let dy_base = (agent * p.grad_slots + slot) * p.batch;
    let dy0 = (dy_base + row) * p.dy_stride + p.dy_offset;
    let dy1 = (dy_base + min(row + 1u, last_row)) * p.dy_stride + p.dy_offset;
    let dy2 = (dy_base + min(row + 2u, last_row)) * p.dy_stride + p.dy_offset;
    let dy3 = (dy_base + min(row + 3u, last_row)) * p.dy_stride + p.dy_offset;
    let last_input = p.in_dim - 1u;
    let w = (agent * p.nets + slot) * p.net_params + p.weight_offset;
    let w0 = w + k * p.out_dim;
    let w1 = w + min(k + 1u, last_input) * p.out_dim;
    let w2 = w + min(k + 2u, last_input) * p.out_dim;
    let w3 = w + min(k + 3u, last_input) * p.out_dim;
    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    for (var j = 0u; j < p.out_dim; j++) {
        let column = vec4f(weights[w0 + j], weights[w1 + j], weights[w2 + j], weights[w3 + j]);
        sum0 += dy[dy0 + j] * column;
        sum1 += dy[dy1 + j] * column;
        sum2 += dy[dy2 + j] * column;
        sum3 += dy[dy3 + j] * column;
    }
    let dx_base = dy_base * p.x_stride;
    let x_base = (agent * p.x_slots + slot) * p.batch * p.x_stride;
    store(dx_base, x_base, row, k, sum0);
    store(dx_base, x_base, row + 1u, k, sum1);
    store(dx_base, x_base, row + 2u, k, sum2);
    store(dx_base, x_base, row + 3u, k, sum3);
}
