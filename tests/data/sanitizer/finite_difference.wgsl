// The difference of two infinities that the inputs hold.
// finds: non_finite
// groups: 1,1,1
// buffer: low = 4
// buffer: high = 4
// buffer: output = 4
// fill: index
// inputs: finite_difference.toml

@group(0) @binding(0) var<storage, read> low: array<f32>;
@group(0) @binding(1) var<storage, read> high: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u) {
    output[id.x] = high[id.x] - low[id.x]; // HERE
}
