// Gradients of all tensors of a perceptron but the observation: the layers of dense_backward_input.wgsl in one
// dispatch.
//
//   gradient of tensor i = (gradient of tensor i+1  W_i^T) * act'(tensor i)
// dq [agents, slots, batch, outputs], weights [agents, nets, net_params], tape [agents, tape_slots, batch, tape width]
// as fused_forward.wgsl leaves it, gradient [agents, slots, batch, gradient width] as fused.wgsl says. Slot s belongs
// to net s.
// Grid: a workgroup takes 32 rows back through the network, their gradients [columns, rows] in workgroup memory, and
// each invocation sums 8 rows x 8 columns in registers; x = row tiles, y = slot, z = agent.
// Determinism: each element is summed over the layer's outputs in ascending order, as in dense_backward_input.wgsl.

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> dq: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read> tape: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4f>;

// import: fused
// import: tile

// Element (column, row) is component row % 4 of plane[column * 8 + row / 4].
var<workgroup> plane: array<vec4f, 1024>;

fn load_outputs(dq_row: u32, first_row: u32, local: u32) {
    let columns = width(p.layers);
    for (var i = local; i < columns * ROW_QUADS; i += 64u) {
        let column = i % columns;
        let quad = i / columns;
        var values = vec4f();
        /* constant */ for (var r = 0u; r < 4u; r++) {
            let row = min(first_row + 4u * quad + r, p.batch - 1u);
            values[r] = dq[(dq_row + row) * columns + column];
        }
        plane[column * ROW_QUADS + quad] = values;
    }
}

// Copies the plane to its tensor's place in the gradient, row by row.
fn keep(tensor: u32, gradient_row: u32, first_row: u32, local: u32) {
    let columns = width(tensor);
    let stride = gradient_place(p.layers + 1u);
    let place = gradient_place(tensor);
    for (var i = local; i < fours(columns) * GROUP_ROWS; i += 64u) {
        let row = i % GROUP_ROWS;
        let column = (i / GROUP_ROWS) * 4u;
        if (first_row + row < p.batch) {
            var values = vec4f();
            for (var c = 0u; c < min(4u, columns - column); c++) {
                values[c] = plane[(column + c) * ROW_QUADS + row / 4u][row % 4u];
            }
            gradient[(gradient_row + first_row + row) * stride + place + column / 4u] = values;
        }
    }
}

// act'(z) in terms of the output act(z).
fn slope(output: vec4f) -> vec4f {
    let relu = select(vec4f(0.0), vec4f(1.0), output > vec4f(0.0));
    let other = select(vec4f(1.0), 1.0 - output * output, p.activation == 2u);
    return select(other, relu, p.activation == 1u);
}

fn weight(i: u32) -> f32 {
    return weights[i / 4u][i % 4u];
}

// The plane's columns, gradients of a layer's outputs, become those of its inputs.
fn through(layer: u32, net: u32, tape_row: u32, first_row: u32, local: u32) {
    let in_dim = width(layer);
    let out_dim = width(layer + 1u);
    let row = (local / 16u) * ROW_BLOCKS;
    let column = (local % 16u) * TILE_COLUMNS;
    let w = net + layer_offset(layer);
    var w_at: array<u32, TILE_COLUMNS>;
    /* constant */ for (var c = 0u; c < TILE_COLUMNS; c++) {
        w_at[c] = w + min(column + c, in_dim - 1u) * out_dim;
    }
    var sums: Sums;
    if (column < in_dim && out_dim % 4u == 0u) {
        for (var j = 0u; j < out_dim; j += 4u) {
            // Four outputs of each input, turned into four terms of all inputs.
            var columns: array<Columns, 4>;
            /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
                let block = transpose(mat4x4f(
                    weights[(w_at[4u * c] + j) / 4u], weights[(w_at[4u * c + 1u] + j) / 4u],
                    weights[(w_at[4u * c + 2u] + j) / 4u], weights[(w_at[4u * c + 3u] + j) / 4u],
                ));
                /* constant */ for (var i = 0u; i < 4u; i++) {
                    columns[i][c] = block[i];
                }
            }
            /* constant */ for (var i = 0u; i < 4u; i++) {
                var rows: Rows;
                /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
                    rows[r] = plane[(j + i) * ROW_QUADS + row + r];
                }
                accumulate(&sums, rows, columns[i]);
            }
        }
    } else if (column < in_dim) {
        for (var j = 0u; j < out_dim; j++) {
            var columns: Columns;
            /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
                columns[c] = vec4f(
                    weight(w_at[4u * c] + j), weight(w_at[4u * c + 1u] + j),
                    weight(w_at[4u * c + 2u] + j), weight(w_at[4u * c + 3u] + j),
                );
            }
            var rows: Rows;
            /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
                rows[r] = plane[j * ROW_QUADS + row + r];
            }
            accumulate(&sums, rows, columns);
        }
    }
    workgroupBarrier();
    let stride = tape_place(p.layers);
    let place = tape_place(layer) + column / 4u;
    /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
        if (column + 4u * c < in_dim) {
            /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
                var outputs: array<vec4f, 4>;
                /* constant */ for (var i = 0u; i < 4u; i++) {
                    let at_row = min(first_row + 4u * (row + r) + i, p.batch - 1u);
                    outputs[i] = tape[(tape_row + at_row) * stride + place + c];
                }
                let slopes = transpose(mat4x4f(
                    slope(outputs[0]), slope(outputs[1]), slope(outputs[2]), slope(outputs[3]),
                ));
                /* constant */ for (var i = 0u; i < 4u; i++) {
                    plane[(column + 4u * c + i) * ROW_QUADS + row + r] = sums[c * ROW_BLOCKS + r][i] * slopes[i];
                }
            }
        }
    }
    workgroupBarrier();
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let slot = group.y;
    let agent = group.z;
    let first_row = group.x * GROUP_ROWS;
    let row = (agent * p.slots + slot) * p.batch;
    let tape_row = (agent * p.tape_slots + slot) * p.batch;
    let net = (agent * p.nets + slot) * p.net_params;
    load_outputs(row, first_row, local);
    workgroupBarrier();
    keep(p.layers, row, first_row, local);
    for (var layer = p.layers - 1u; layer > 0u; layer--) {
        through(layer, net, tape_row, first_row, local);
        keep(layer, row, first_row, local);
    }
}
