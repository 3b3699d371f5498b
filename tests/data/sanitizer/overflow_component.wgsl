// The cell before the first row and column.
// finds: overflow
// also: out_of_bounds
// groups: 1,1,1
// buffer: grid = 64
// buffer: output = 64
// fill: index

@group(0) @binding(0) var<storage, read> grid: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let before = id.xy - vec2u(1u); // HERE
    output[id.y * 8u + id.x] = grid[before.y * 8u + before.x];
}
