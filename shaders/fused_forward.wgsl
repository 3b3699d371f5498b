// A whole perceptron for several networks at once: the layers of dense_forward.wgsl in one dispatch.
//
// Slots name what is evaluated: slot s runs net `slot_net[s]` on input `slot_x[s]`.
// x [agents, inputs, batch, width0], weights [agents, nets, net_params] with W [in, out] of layer i at offset i and b
// [out] behind it, q [agents, slots, batch, outputs]; tape [agents, tape_slots, batch, tape width]: observation and
// hidden layers of the first tape_slots slots, for the backward kernels. Hidden widths are multiples of 4 up to 128,
// all others up to 128.
// Grid: a workgroup takes 32 rows through the network, their activations [columns, rows] in workgroup memory; a weight
// is read once for all of them, and each invocation sums 8 rows x 8 columns in registers; x = row tiles, y = slot,
// z = agent.
// Determinism: each output is summed over its inputs in ascending order, then the bias is added, as in
// dense_forward.wgsl.

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> q: array<f32>;
@group(0) @binding(4) var<storage, read_write> tape: array<vec4f>;

// import: math
// import: fused
// import: tile

// Element (column, row) is component row % 4 of plane[column * 8 + row / 4].
var<workgroup> plane: array<vec4f, 1024>;

fn load_observation(x_row: u32, first_row: u32, local: u32) {
    for (var i = local; i < p.width0 * ROW_QUADS; i += 64u) {
        let column = i % p.width0;
        let quad = i / p.width0;
        var values = vec4f();
        /* constant */ for (var r = 0u; r < 4u; r++) {
            let row = min(first_row + 4u * quad + r, p.batch - 1u);
            values[r] = x[(x_row + row) * p.width0 + column];
        }
        plane[column * ROW_QUADS + quad] = values;
    }
}

// Copies the plane to its tensor's place on the tape, row by row.
fn keep(tensor: u32, tape_row: u32, first_row: u32, local: u32) {
    let columns = width(tensor);
    let stride = tape_place(p.layers);
    let place = tape_place(tensor);
    for (var i = local; i < fours(columns) * GROUP_ROWS; i += 64u) {
        let row = i % GROUP_ROWS;
        let column = (i / GROUP_ROWS) * 4u;
        if (first_row + row < p.batch) {
            var values = vec4f();
            for (var c = 0u; c < min(4u, columns - column); c++) {
                values[c] = plane[(column + c) * ROW_QUADS + row / 4u][row % 4u];
            }
            tape[(tape_row + first_row + row) * stride + place + column / 4u] = values;
        }
    }
}

// One hidden layer: the plane's columns become the layer's outputs.
fn hidden(layer: u32, net: u32, local: u32) {
    let in_dim = width(layer);
    let out_dim = width(layer + 1u);
    let last_column = out_dim / 4u - 1u;
    let row = (local / 16u) * ROW_BLOCKS;
    let column = (local % 16u) * TILE_COLUMNS;
    var columns: array<u32, COLUMN_BLOCKS>;
    /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
        columns[c] = min(column / 4u + c, last_column);
    }
    var w = (net + layer_offset(layer)) / 4u;
    var sums: Sums;
    if (column < out_dim) {
        for (var k = 0u; k < in_dim; k++) {
            var rows: Rows;
            /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
                rows[r] = plane[k * ROW_QUADS + row + r];
            }
            var row_weights: Columns;
            /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
                row_weights[c] = weights[w + columns[c]];
            }
            accumulate(&sums, rows, row_weights);
            w += last_column + 1u;
        }
    }
    workgroupBarrier();
    /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
        if (column + 4u * c < out_dim) {
            let bias = weights[w + columns[c]];
            /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
                /* constant */ for (var i = 0u; i < 4u; i++) {
                    let value = sums[c * ROW_BLOCKS + r][i] + bias[i];
                    plane[(column + 4u * c + i) * ROW_QUADS + row + r] =
                        select(value, max(value, vec4f()), p.activation == 1u);
                }
            }
        }
    }
    if (p.activation == 2u) {
        // tanh of what this invocation stored: its code is long, and compiled once here instead of for every sum.
        for (var c = column; c < min(column + TILE_COLUMNS, out_dim); c++) {
            for (var r = row; r < row + ROW_BLOCKS; r++) {
                let value = plane[c * ROW_QUADS + r];
                plane[c * ROW_QUADS + r] =
                    vec4f(tanh_f32(value.x), tanh_f32(value.y), tanh_f32(value.z), tanh_f32(value.w));
            }
        }
    }
    workgroupBarrier();
}

// The last layer, four rows of one column per invocation at a time.
fn outputs(net: u32, q_row: u32, first_row: u32, local: u32) {
    let in_dim = width(p.layers - 1u);
    let out_dim = width(p.layers);
    for (var i = local; i < out_dim * ROW_QUADS; i += 64u) {
        let column = i % out_dim;
        let quad = i / out_dim;
        var w = net + layer_offset(p.layers - 1u) + column;
        var sum = vec4f();
        for (var k = 0u; k < in_dim; k++) {
            sum += plane[k * ROW_QUADS + quad] * weights[w / 4u][w % 4u];
            w += out_dim;
        }
        sum += weights[w / 4u][w % 4u];
        /* constant */ for (var r = 0u; r < 4u; r++) {
            let row = first_row + 4u * quad + r;
            if (row < p.batch) {
                q[(q_row + row) * out_dim + column] = sum[r];
            }
        }
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let slot = group.y;
    let agent = group.z;
    let first_row = group.x * GROUP_ROWS;
    let net = (agent * p.nets + ((p.slot_net >> (4u * slot)) & 15u)) * p.net_params;
    let input = (p.slot_x >> (4u * slot)) & 15u;
    let tape_row = (agent * p.tape_slots + slot) * p.batch;
    let kept = slot < p.tape_slots;
    load_observation((agent * p.inputs + input) * p.batch, first_row, local);
    workgroupBarrier();
    for (var layer = 0u; layer + 1u < p.layers; layer++) {
        if (kept) {
            keep(layer, tape_row, first_row, local);
        }
        hidden(layer, net, local);
    }
    if (kept) {
        keep(p.layers - 1u, tape_row, first_row, local);
    }
    outputs(net, (agent * p.slots + slot) * p.batch, first_row, local);
}
