// The left neighbour of the first element is itself.
// groups: 1,1,1
// buffer: data = 64
// buffer: output = 64
// fill: index

@group(0) @binding(0) var<storage, read> data: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let here = i32(id.x);
    let left = max(here - 1, 0);
    output[here] = data[here] - data[left];
}
