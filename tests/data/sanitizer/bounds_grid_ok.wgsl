// The right neighbour in the last column is the first cell of its own row.
// groups: 1,1,1
// buffer: output = 64
// fill: index

@group(0) @binding(0) var<storage, read> grid: array<array<u32, 8>, 8>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let right = grid[id.y][(id.x + 1u) % 8u];
    output[id.y * 8u + id.x] = right;
}
