// A component of an output is read that was not written.
// finds: uninitialized
// groups: 1,1,1
// buffer: output = 256
// fill: index
// inputs: unwritten_output_component.toml

@group(0) @binding(0) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    output[id.x].x = f32(id.x);
    output[id.x].w = 0.5 * output[id.x].y; // HERE
}
