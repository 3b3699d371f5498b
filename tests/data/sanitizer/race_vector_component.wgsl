// Two invocations write the same component of a vector.
// finds: race
// groups: 1,1,1
// buffer: output = 64
// fill: zero

struct Pair {
    x: f32,
    y: f32,
}

@group(0) @binding(0) var<storage, read_write> output: array<f32>;

var<workgroup> pairs: array<vec2f, 32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local % 2u == 0u) {
        pairs[local / 2u].x = f32(local) + 1.0; // OTHER
    } else {
        pairs[local / 2u].x = f32(local) + 2.0; // HERE
    }
    workgroupBarrier();
    output[local] = pairs[local / 2u].x;
}
