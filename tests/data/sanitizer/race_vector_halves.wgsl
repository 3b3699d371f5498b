// Two invocations write two components of one vector. A write of a component may access the whole vector.
// finds: race note
// groups: 1,1,1
// buffer: output = 64
// fill: zero

@group(0) @binding(0) var<storage, read_write> output: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local % 2u == 0u) {
        output[local / 2u].x = f32(local) + 1.0; // OTHER
    }
    if (local % 2u == 1u) {
        output[local / 2u].y = f32(local) + 2.0; // HERE
    }
}
