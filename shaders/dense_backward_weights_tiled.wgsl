// Gradient of a dense layer for its weights and bias, dW = x^T dy and db = sum over the batch of dy, in register tiles:
// the fast form of dense_backward_weights.wgsl, with the same buffers and the same sums.
//
// Needs every size, stride and offset to be a multiple of 4: all loads and stores move four numbers.
// Grid: an invocation computes 8 rows x 8 columns in registers; x = tiles / 64, y = slot, z = agent.
// Determinism: each element is summed over the batch in ascending order by one invocation.

struct Params {
    batch: u32,
    in_dim: u32,
    out_dim: u32,
    net_params: u32,
    weight_offset: u32,
    grad_slots: u32,
    x_slots: u32,
    slot_x: u32,
    x_stride: u32,
    x_offset: u32,
    dy_stride: u32,
    dy_offset: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> grads: array<vec4f>;

// import: tile

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let column_tiles = (p.out_dim + TILE_COLUMNS - 1u) / TILE_COLUMNS;
    let tile = group.x * 64u + local;
    let k = (tile / column_tiles) * TILE_ROWS;
    let column = (tile % column_tiles) * TILE_COLUMNS;
    if (k > p.in_dim) {
        return;
    }
    let x_slot = (p.slot_x >> (4u * group.y)) & 15u;
    // Inputs and columns beyond the edge repeat the last ones; they are never stored. Addresses count in fours.
    let input_blocks = p.in_dim / 4u;
    var inputs: array<u32, ROW_BLOCKS>;
    var is_bias: array<bool, ROW_BLOCKS>;
    /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
        inputs[r] = min(k / 4u + r, input_blocks - 1u);
        is_bias[r] = k / 4u + r == input_blocks;
    }
    var columns: array<u32, COLUMN_BLOCKS>;
    /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
        columns[c] = min(column / 4u + c, p.out_dim / 4u - 1u);
    }
    var x_at = ((group.z * p.x_slots + x_slot) * p.batch * p.x_stride + p.x_offset) / 4u;
    var dy_at = ((group.z * p.grad_slots + group.y) * p.batch * p.dy_stride + p.dy_offset) / 4u;
    var sums: Sums;
    for (var b = 0u; b < p.batch; b++) {
        var rows: Rows;
        /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
            rows[r] = select(x[x_at + inputs[r]], vec4f(1.0), is_bias[r]);
        }
        var row: Columns;
        /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
            row[c] = dy[dy_at + columns[c]];
        }
        accumulate(&sums, rows, row);
        x_at += p.x_stride / 4u;
        dy_at += p.dy_stride / 4u;
    }
    let base = ((group.z * p.grad_slots + group.y) * p.net_params + p.weight_offset) / 4u;
    /* constant */ for (var c = 0u; c < COLUMN_BLOCKS; c++) {
        if (column + 4u * c < p.out_dim) {
            /* constant */ for (var r = 0u; r < ROW_BLOCKS; r++) {
                let block = transpose(sums[c * ROW_BLOCKS + r]);
                /* constant */ for (var i = 0u; i < 4u; i++) {
                    if (k + 4u * r + i <= p.in_dim) {
                        grads[base + (k + 4u * r + i) * (p.out_dim / 4u) + column / 4u + c] = block[i];
                    }
                }
            }
        }
    }
}
