// Gradients of all weights and biases of a perceptron: the layers of dense_backward_weights.wgsl in one dispatch.
//
//   dW_i = tensor_i^T gradient_{i+1},  db_i = sum over the batch of gradient_{i+1}
// tape [agents, tape_slots, batch, tape width] and gradient [agents, slots, batch, gradient width] as the other fused
// kernels leave them, grads [agents, slots, net_params]; what a layer does not reach of its last four words is set
// to 0.
// Grid: hidden layers in tiles of 8 inputs x 8 columns, then the last layer four elements at a time;
// x = all of them / 64, y = slot, z = agent.
// Determinism: each element is summed over the batch in ascending order by one invocation, as in
// dense_backward_weights.wgsl.

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> tape: array<vec4f>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> grads: array<vec4f>;

// import: fused
// import: tile

// Inputs from k on times columns from `column` on, of a hidden layer. The bias is row in_dim, whose input is 1.
fn tile(layer: u32, k: u32, column: u32, tape_row: u32, gradient_row: u32, base: u32) {
    let in_dim = width(layer);
    let out_dim = width(layer + 1u);
    let x_stride = tape_place(p.layers);
    let y_stride = gradient_place(p.layers + 1u);
    // Beyond the edge the last columns repeat; they are never stored.
    var inputs: array<u32, ROW_BLOCKS>;
    /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
        inputs[r] = tape_place(layer) + min(k / 4u + r, fours(in_dim) - 1u);
    }
    var columns: array<u32, COLUMN_BLOCKS>;
    /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
        columns[c] = gradient_place(layer + 1u) + min(column / 4u + c, fours(out_dim) - 1u);
    }
    let bias = vec4u(in_dim) - vec4u(k, k + 1u, k + 2u, k + 3u);
    var sums: Sums;
    for (var b = 0u; b < p.batch; b++) {
        let x_at = (tape_row + b) * x_stride;
        let y_at = (gradient_row + b) * y_stride;
        var rows: Rows;
        /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
            rows[r] = select(tape[x_at + inputs[r]], vec4f(1.0), bias == vec4u(4u * r));
        }
        var row: Columns;
        /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
            row[c] = gradient[y_at + columns[c]];
        }
        accumulate(&sums, rows, row);
    }
    /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
        if (column + 4u * c < out_dim) {
            /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
                let block = transpose(sums[c * ROW_BLOCKS + r]);
                /* constant */ for (var i = 0u; i < 4u; i++) {
                    if (k + 4u * r + i <= in_dim) {
                        grads[base + (k + 4u * r + i) * (out_dim / 4u) + column / 4u + c] = block[i];
                    }
                }
            }
        }
    }
}

// Four elements of the last layer, side by side in memory.
fn last(first: u32, tape_row: u32, gradient_row: u32, base: u32) {
    let in_dim = width(p.layers - 1u);
    let out_dim = width(p.layers);
    let x_stride = tape_place(p.layers);
    let y_stride = gradient_place(p.layers + 1u);
    let element = vec4u(first, first + 1u, first + 2u, first + 3u);
    // Elements behind the bias repeat it and are set to 0 in the end.
    let k = min(element / out_dim, vec4u(in_dim));
    let input = 4u * tape_place(p.layers - 1u) + min(k, vec4u(in_dim - 1u));
    let output = 4u * gradient_place(p.layers) + element % out_dim;
    var sum = vec4f();
    for (var b = 0u; b < p.batch; b++) {
        let x_at = (tape_row + b) * x_stride;
        let y_at = (gradient_row + b) * y_stride;
        var x = vec4f();
        var dy = vec4f();
        /* constant */ for (var i = 0u; i < 4u; i++) {
            x[i] = tape[x_at + input[i] / 4u][input[i] % 4u];
            dy[i] = gradient[y_at + output[i] / 4u][output[i] % 4u];
        }
        sum += select(x, vec4f(1.0), k == vec4u(in_dim)) * dy;
    }
    grads[base + first / 4u] = select(vec4f(0.0), sum, element < vec4u((in_dim + 1u) * out_dim));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let slot = group.y;
    let agent = group.z;
    let tape_row = (agent * p.tape_slots + slot) * p.batch;
    let gradient_row = (agent * p.slots + slot) * p.batch;
    let net = (agent * p.slots + slot) * p.net_params;
    var item = group.x * 64u + local;
    for (var layer = 0u; layer + 1u < p.layers; layer++) {
        let column_tiles = (width(layer + 1u) + TILE_COLUMNS - 1u) / TILE_COLUMNS;
        let tiles = (width(layer) / TILE_ROWS + 1u) * column_tiles;
        if (item < tiles) {
            let k = (item / column_tiles) * TILE_ROWS;
            let column = (item % column_tiles) * TILE_COLUMNS;
            tile(layer, k, column, tape_row, gradient_row, (net + layer_offset(layer)) / 4u);
            return;
        }
        item -= tiles;
    }
    let elements = (width(p.layers - 1u) + 1u) * width(p.layers);
    if (item < fours(elements)) {
        last(4u * item, tape_row, gradient_row, (net + layer_offset(p.layers - 1u)) / 4u);
    }
}
