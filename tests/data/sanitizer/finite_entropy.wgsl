// p log p by a function that does not know p = 0.
// finds: non_finite
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<f32>;

fn surprise(p: f32) -> f32 {
    return -p * log(p); // HERE
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    data[id.x] = surprise(data[id.x] / 64.0);
}
