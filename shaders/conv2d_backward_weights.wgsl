// Gradient of a convolution for its weights and bias: dW = sum over batch and positions of window^T dy, db = sum of dy.
//
// x [agents, x_slots, batch, height, width, channels], dy [agents, slots, batch, out_height, out_width, filters], grads
// [agents, slots, net_params] with dW and db as shared/conv2d.wgsl has W and b: the bias is the row behind the last
// weight's, whose input is 1. Slot s of dy belongs to input `slot_x[s]` (4 bits each).
// Grid: a workgroup computes 4 rows x 4 filters; x = tiles, y = slot, z = agent. There are few weights and many
// positions, so the 64 invocations of a workgroup share the positions of the whole batch.
// Determinism: invocation t sums positions t, t + 64, ... in ascending order; then a fixed tree adds the invocations: t
// takes t + 32, then t + 16, and so on.

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> grads: array<f32>;

// import: conv2d

// Sums of four rows of weights, invocation by invocation.
var<workgroup> partial: array<vec4f, 256>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let slot = group.y;
    let agent = group.z;
    let column_tiles = (p.filters + 3u) / 4u;
    let first = (group.x / column_tiles) * 4u;
    let column = (group.x % column_tiles) * 4u;
    let x_slot = (p.slot_x >> (4u * slot)) & 15u;
    // Rows of weights beyond the edge repeat the last one; they are never stored.
    let rows_of_weights = vec4u(first, first + 1u, first + 2u, first + 3u);
    let is_bias = rows_of_weights == vec4u(depth());
    let k = min(rows_of_weights, vec4u(depth() - 1u));
    let c = k % p.channels;
    let ky = k / p.channels / p.kernel_width;
    let kx = k / p.channels % p.kernel_width;
    let last_column = p.filters - 1u;
    let c1 = min(column + 1u, last_column);
    let c2 = min(column + 2u, last_column);
    let c3 = min(column + 3u, last_column);
    let of_image = p.out_height * p.out_width;
    let rows = p.batch * of_image;
    let x_base = (agent * p.x_slots + x_slot) * p.batch;
    let dy_base = (agent * p.slots + slot) * rows;
    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    for (var row = local; row < rows; row += 64u) {
        let base = (x_base + row / of_image) * p.height * p.width * p.channels;
        let y = vec4u((row % of_image) / p.out_width * p.stride_y) + ky;
        let left = vec4u(row % p.out_width * p.stride_x) + kx;
        let inputs = vec4f(
            x[base + cell_at(y.x, left.x) + c.x],
            x[base + cell_at(y.y, left.y) + c.y],
            x[base + cell_at(y.z, left.z) + c.z],
            x[base + cell_at(y.w, left.w) + c.w],
        );
        let inside = vec4<bool>(
            is_inside(y.x, left.x),
            is_inside(y.y, left.y),
            is_inside(y.z, left.z),
            is_inside(y.w, left.w),
        );
        let factors = select(select(vec4f(), inputs, inside), vec4f(1.0), is_bias);
        let at = (dy_base + row) * p.filters;
        let row_dy = vec4f(dy[at + column], dy[at + c1], dy[at + c2], dy[at + c3]);
        sum0 += factors.x * row_dy;
        sum1 += factors.y * row_dy;
        sum2 += factors.z * row_dy;
        sum3 += factors.w * row_dy;
    }
    partial[local] = sum0;
    partial[local + 64u] = sum1;
    partial[local + 128u] = sum2;
    partial[local + 192u] = sum3;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            partial[local] += partial[local + half];
            partial[local + 64u] += partial[local + 64u + half];
            partial[local + 128u] += partial[local + 128u + half];
            partial[local + 192u] += partial[local + 192u + half];
        }
    }
    workgroupBarrier();
    let row = first + local;
    if (local >= 4u || row > depth()) {
        return;
    }
    let at = (agent * p.slots + slot) * p.net_params + p.weight_offset + row * p.filters + column;
    let sum = partial[local * 64u];
    for (var i = 0u; i < 4u; i++) {
        if (column + i < p.filters) {
            grads[at + i] = sum[i];
        }
    }
}
