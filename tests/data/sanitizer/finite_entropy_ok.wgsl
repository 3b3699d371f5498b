// p log p by a function that knows p = 0.
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<f32>;

fn surprise(p: f32) -> f32 {
    if (p <= 0.0) {
        return 0.0;
    }
    return -p * log(p);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    data[id.x] = surprise(data[id.x] / 64.0);
}
