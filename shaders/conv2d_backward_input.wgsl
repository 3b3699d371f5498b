// Gradient of a convolution for its input: dx = (sum over windows of dy W^T) * act'(x), where x is the output of the
// layer below.
//
// dy [agents, slots, batch, out_height, out_width, filters], weights [agents, nets, net_params] with W as
// shared/conv2d.wgsl has it, x [agents, x_slots, batch, height, width, channels] with the activation already applied,
// dx [agents, slots, batch, height, width, channels]. Slot s belongs to net s and to slot s of x. Cells that no window
// reaches have gradient 0.
// Grid: an invocation computes 4 channels of a cell; x = batch x cells x channels / 4 / 64, y = slot, z = agent.
// Determinism: each window that has the cell gives a sum over filters in ascending order; these sums are added up,
// windows in ascending order.

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

// import: conv2d

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

// First window that has a place, counted from the padding's edge.
fn first_window(place: u32, kernel: u32, stride: u32) -> u32 {
    return (max(place + 1u, kernel) - kernel + stride - 1u) / stride;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let slot = group.y;
    let agent = group.z;
    let item = group.x * 64u + local;
    let channel_tiles = (p.channels + 3u) / 4u;
    let cells = p.height * p.width;
    // Over the batch.
    let cell = item / channel_tiles;
    let c = (item % channel_tiles) * 4u;
    if (cell >= p.batch * cells) {
        return;
    }
    let place_y = (cell % cells) / p.width + p.pad_y;
    let place_x = cell % p.width + p.pad_x;
    let first_y = first_window(place_y, p.kernel_height, p.stride_y);
    let first_x = first_window(place_x, p.kernel_width, p.stride_x);
    let end_y = min(place_y / p.stride_y + 1u, p.out_height);
    let end_x = min(place_x / p.stride_x + 1u, p.out_width);
    // Channels beyond the edge repeat the last one; they are never stored.
    let last = p.channels - 1u;
    let w = (agent * p.nets + slot) * p.net_params + p.weight_offset;
    let w0 = w + c * p.filters;
    let w1 = w + min(c + 1u, last) * p.filters;
    let w2 = w + min(c + 2u, last) * p.filters;
    let w3 = w + min(c + 3u, last) * p.filters;
    let image = (agent * p.slots + slot) * p.batch + cell / cells;
    var total = vec4f();
    for (var oy = first_y; oy < end_y; oy++) {
        for (var ox = first_x; ox < end_x; ox++) {
            let ky = place_y - oy * p.stride_y;
            let kx = place_x - ox * p.stride_x;
            let tap = (ky * p.kernel_width + kx) * p.channels * p.filters;
            let dy_at = ((image * p.out_height + oy) * p.out_width + ox) * p.filters;
            var sum = vec4f();
            for (var j = 0u; j < p.filters; j++) {
                let at = tap + j;
                sum += dy[dy_at + j]
                    * vec4f(weights[w0 + at], weights[w1 + at], weights[w2 + at], weights[w3 + at]);
            }
            total += sum;
        }
    }
    let x_at = (((agent * p.x_slots + slot) * p.batch) * cells + cell) * p.channels + c;
    let dx_at = (((agent * p.slots + slot) * p.batch) * cells + cell) * p.channels + c;
    for (var i = 0u; i < 4u; i++) {
        if (c + i < p.channels) {
            dx[dx_at + i] = total[i] * slope(x[x_at + i]);
        }
    }
}
