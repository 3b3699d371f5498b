// Something is added to an output that holds nothing yet.
// finds: uninitialized
// groups: 1,1,1
// buffer: data = 64
// buffer: output = 64
// fill: index
// inputs: unwritten_output.toml

@group(0) @binding(0) var<storage, read> data: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    output[id.x] += 2.0 * data[id.x]; // HERE
}
