// Convolution of grids for several networks at once: y = act(x * W + b).
//
// Slots name what is evaluated, as in dense_forward.wgsl: slot s runs net `slot_net[s]` on input `slot_x[s]` (4 bits
// each).
// x [agents, x_slots, batch, height, width, channels], weights [agents, nets, net_params] with W and b as
// shared/conv2d.wgsl has them, y [agents, slots, batch, out_height, out_width, filters].
// Grid: an invocation computes 4 positions x 4 filters in registers, positions running over the batch; x = tiles / 64,
// y = slot, z = agent.
// Determinism: each output is summed over its window in ascending order, cell by cell and channel by channel, zeros of
// the padding included; then the bias is added.

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// import: conv2d
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

// A position of the output: where its input starts, and the corner of its window, counted from that of the padding.
struct Position {
    base: u32,
    top: u32,
    left: u32,
}

fn position(row: u32, x_base: u32) -> Position {
    let of_image = p.out_height * p.out_width;
    let place = row % of_image;
    return Position(
        (x_base + row / of_image) * p.height * p.width * p.channels,
        (place / p.out_width) * p.stride_y,
        (place % p.out_width) * p.stride_x,
    );
}

fn store(base: u32, row: u32, column: u32, sums: vec4f, bias: vec4f) {
    if (row >= p.batch * p.out_height * p.out_width) {
        return;
    }
    let sum = sums + bias;
    let at = base + row * p.filters + column;
    y[at] = activate(sum.x);
    if (column + 1u < p.filters) {
        y[at + 1u] = activate(sum.y);
    }
    if (column + 2u < p.filters) {
        y[at + 2u] = activate(sum.z);
    }
    if (column + 3u < p.filters) {
        y[at + 3u] = activate(sum.w);
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let slot = group.y;
    let agent = group.z;
    let tile = group.x * 64u + local;
    let column_tiles = (p.filters + 3u) / 4u;
    let rows = p.batch * p.out_height * p.out_width;
    let row = (tile / column_tiles) * 4u;
    let column = (tile % column_tiles) * 4u;
    if (row >= rows) {
        return;
    }
    let net = (p.slot_net >> (4u * slot)) & 15u;
    let x_slot = (p.slot_x >> (4u * slot)) & 15u;
    // Rows and columns beyond the edge repeat the last one; they are never stored.
    let x_base = (agent * p.x_slots + x_slot) * p.batch;
    let p0 = position(row, x_base);
    let p1 = position(min(row + 1u, rows - 1u), x_base);
    let p2 = position(min(row + 2u, rows - 1u), x_base);
    let p3 = position(min(row + 3u, rows - 1u), x_base);
    let last_column = p.filters - 1u;
    let c1 = min(column + 1u, last_column);
    let c2 = min(column + 2u, last_column);
    let c3 = min(column + 3u, last_column);
    var w = (agent * p.nets + net) * p.net_params + p.weight_offset;
    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    for (var ky = 0u; ky < p.kernel_height; ky++) {
        for (var kx = 0u; kx < p.kernel_width; kx++) {
            let at0 = p0.base + cell_at(p0.top + ky, p0.left + kx);
            let at1 = p1.base + cell_at(p1.top + ky, p1.left + kx);
            let at2 = p2.base + cell_at(p2.top + ky, p2.left + kx);
            let at3 = p3.base + cell_at(p3.top + ky, p3.left + kx);
            let inside = vec4<bool>(
                is_inside(p0.top + ky, p0.left + kx),
                is_inside(p1.top + ky, p1.left + kx),
                is_inside(p2.top + ky, p2.left + kx),
                is_inside(p3.top + ky, p3.left + kx),
            );
            for (var c = 0u; c < p.channels; c++) {
                let row_weights =
                    vec4f(weights[w + column], weights[w + c1], weights[w + c2], weights[w + c3]);
                let inputs = select(vec4f(), vec4f(x[at0 + c], x[at1 + c], x[at2 + c], x[at3 + c]), inside);
                sum0 += inputs.x * row_weights;
                sum1 += inputs.y * row_weights;
                sum2 += inputs.z * row_weights;
                sum3 += inputs.w * row_weights;
                w += p.filters;
            }
        }
    }
    let bias = vec4f(weights[w + column], weights[w + c1], weights[w + c2], weights[w + c3]);
    let y_base = (agent * p.slots + slot) * rows * p.filters;
    store(y_base, row, column, sum0, bias);
    store(y_base, row + 1u, column, sum1, bias);
    store(y_base, row + 2u, column, sum2, bias);
    store(y_base, row + 3u, column, sum3, bias);
}
