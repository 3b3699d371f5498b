// A place in a ring, counted back over its start.
// finds: overflow
// also: out_of_bounds
// groups: 1,1,1
// buffer: ring = 64
// buffer: output = 64
// fill: index

struct Cursor {
    head: u32,
    at: u32,
}

@group(0) @binding(0) var<storage, read> ring: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    var cursor = Cursor(8u, 0u);
    cursor.at = cursor.head - id.x; // HERE
    output[id.x] = ring[cursor.at];
}
