// The element before the first.
// finds: overflow
// also: out_of_bounds
// groups: 1,1,1
// buffer: data = 64
// buffer: output = 64
// fill: index

@group(0) @binding(0) var<storage, read> data: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    output[id.x] = data[id.x - 1u]; // HERE
}
