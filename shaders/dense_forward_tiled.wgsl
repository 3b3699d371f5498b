// Dense layer for several networks at once, y = act(x W + b), in register tiles: the fast form of dense_forward.wgsl,
// with the same buffers and the same sums.
//
// Needs every size, stride and offset to be a multiple of 4: all loads and stores move four numbers.
// Grid: an invocation computes 8 rows x 8 columns in registers; x = tiles / 64, y = slot, z = agent.
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
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

// import: math
// import: tile

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let column_tiles = (p.out_dim + TILE_COLUMNS - 1u) / TILE_COLUMNS;
    let tile = group.x * 64u + local;
    let row = (tile / column_tiles) * TILE_ROWS;
    let column = (tile % column_tiles) * TILE_COLUMNS;
    if (row >= p.batch) {
        return;
    }
    let net = (p.slot_net >> (4u * group.y)) & 15u;
    let x_slot = (p.slot_x >> (4u * group.y)) & 15u;
    // Rows and columns beyond the edge repeat the last ones; they are never stored. Addresses count in fours.
    let last_row = p.batch - 1u;
    let last_column = p.out_dim / 4u - 1u;
    let x_base = (group.z * p.x_slots + x_slot) * p.batch;
    var x_at: array<u32, TILE_ROWS>;
    /* constant */ for (var r = 0u; r < TILE_ROWS; r++) {
        x_at[r] = ((x_base + min(row + r, last_row)) * p.x_stride + p.x_offset) / 4u;
    }
    var columns: array<u32, COLUMN_BLOCKS>;
    /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
        columns[c] = min(column / 4u + c, last_column);
    }
    var w = ((group.z * p.nets + net) * p.net_params + p.weight_offset) / 4u;
    var sums: Sums;
    for (var k = 0u; k < p.in_dim / 4u; k++) {
        // Four inputs of each row, turned into four terms of all rows.
        var rows: array<Rows, 4>;
        /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
            let block = transpose(mat4x4f(
                x[x_at[4u * r] + k], x[x_at[4u * r + 1u] + k], x[x_at[4u * r + 2u] + k], x[x_at[4u * r + 3u] + k],
            ));
            /* constant */ for (var i = 0u; i < 4u; i++) {
                rows[i][r] = block[i];
            }
        }
        /* constant */ for (var i = 0u; i < 4u; i++) {
            var row_weights: Columns;
            /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
                row_weights[c] = weights[w + columns[c]];
            }
            accumulate(&sums, rows[i], row_weights);
            w += last_column + 1u;
        }
    }
    let y_base = (group.z * p.slots + group.y) * p.batch;
    let y_column = (p.y_offset + column) / 4u;
    /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
        if (column + 4u * c < p.out_dim) {
            let bias = weights[w + columns[c]];
            /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
                let block = transpose(sums[c * ROW_BLOCKS + r]);
                /* constant */ for (var i = 0u; i < 4u; i++) {
                    if (row + 4u * r + i < p.batch) {
                        let value = block[i] + bias;
                        y[(y_base + row + 4u * r + i) * (p.y_stride / 4u) + y_column + c] =
                            select(value, max(value, vec4f()), p.activation == 1u);
                    }
                }
            }
        }
    }
    if (p.activation != 2u) {
        return;
    }
    // tanh of what this invocation stored: its code is long, and compiled once here instead of for every sum.
    for (var r = row; r < min(row + TILE_ROWS, p.batch); r++) {
        for (var c = 0u; c < COLUMN_BLOCKS; c++) {
            if (column + 4u * c < p.out_dim) {
                let at = (y_base + r) * (p.y_stride / 4u) + y_column + c;
                let value = y[at];
                y[at] = vec4f(tanh_f32(value.x), tanh_f32(value.y), tanh_f32(value.z), tanh_f32(value.w));
            }
        }
    }
}
