// The root of 1 - x^2 where x is below 1, and 0 elsewhere.
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let x = data[id.x];
    data[id.x] = sqrt(max(1.0 - x * x, 0.0));
}
