// Gradient of a dense layer for its input, dx = (dy W^T) * act'(x), in register tiles: the fast form of
// dense_backward_input.wgsl, with the same buffers and the same sums.
//
// Needs every size, stride and offset to be a multiple of 4: all loads and stores move four numbers.
// Grid: an invocation computes 8 rows x 8 inputs in registers; x = tiles / 64, y = slot, z = agent.
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
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read> x: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;

// import: tile

// act'(z) in terms of the output act(z).
fn slope(output: vec4f) -> vec4f {
    let relu = select(vec4f(0.0), vec4f(1.0), output > vec4f(0.0));
    let other = select(vec4f(1.0), 1.0 - output * output, p.activation == 2u);
    return select(other, relu, p.activation == 1u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let input_tiles = (p.in_dim + TILE_COLUMNS - 1u) / TILE_COLUMNS;
    let tile = group.x * 64u + local;
    let row = (tile / input_tiles) * TILE_ROWS;
    let k = (tile % input_tiles) * TILE_COLUMNS;
    if (row >= p.batch) {
        return;
    }
    // Rows and inputs beyond the edge repeat the last ones; they are never stored. Addresses count in fours.
    let last_row = p.batch - 1u;
    let dy_base = (group.z * p.grad_slots + group.y) * p.batch;
    var dy_at: array<u32, TILE_ROWS>;
    /* constant */ for (var r = 0u; r < TILE_ROWS; r++) {
        dy_at[r] = ((dy_base + min(row + r, last_row)) * p.dy_stride + p.dy_offset) / 4u;
    }
    let last_input = p.in_dim - 1u;
    let w = (group.z * p.nets + group.y) * p.net_params + p.weight_offset;
    var w_at: array<u32, TILE_COLUMNS>;
    /* constant */ for (var c = 0u; c < TILE_COLUMNS; c++) {
        w_at[c] = (w + min(k + c, last_input) * p.out_dim) / 4u;
    }
    var sums: Sums;
    for (var j = 0u; j < p.out_dim / 4u; j++) {
        // Four outputs of each row and of each input, turned into four terms of all of them.
        var rows: array<Rows, 4>;
        /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
            let block = transpose(mat4x4f(
                dy[dy_at[4u * r] + j], dy[dy_at[4u * r + 1u] + j],
                dy[dy_at[4u * r + 2u] + j], dy[dy_at[4u * r + 3u] + j],
            ));
            /* constant */ for (var i = 0u; i < 4u; i++) {
                rows[i][r] = block[i];
            }
        }
        var columns: array<Columns, 4>;
        /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
            let block = transpose(mat4x4f(
                weights[w_at[4u * c] + j], weights[w_at[4u * c + 1u] + j],
                weights[w_at[4u * c + 2u] + j], weights[w_at[4u * c + 3u] + j],
            ));
            /* constant */ for (var i = 0u; i < 4u; i++) {
                columns[i][c] = block[i];
            }
        }
        /* constant */ for (var i = 0u; i < 4u; i++) {
            accumulate(&sums, rows[i], columns[i]);
        }
    }
    let x_base = (group.z * p.x_slots + group.y) * p.batch;
    let column = (p.x_offset + k) / 4u;
    /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
        if (k + 4u * c < p.in_dim) {
            /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
                let block = transpose(sums[c * ROW_BLOCKS + r]);
                /* constant */ for (var i = 0u; i < 4u; i++) {
                    if (row + 4u * r + i < p.batch) {
                        let at = (row + 4u * r + i) * (p.x_stride / 4u) + column + c;
                        let output = x[x_base * (p.x_stride / 4u) + at];
                        dx[dy_base * (p.x_stride / 4u) + at] = block[i] * slope(output);
                    }
                }
            }
        }
    }
}
