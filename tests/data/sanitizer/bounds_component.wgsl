// A component of a vec3 by a number up to 3.
// finds: out_of_bounds
// groups: 1,1,1
// buffer: points = 256
// buffer: output = 64
// fill: index

@group(0) @binding(0) var<storage, read> points: array<vec3f>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let point = points[id.x];
    let axis = id.x % 4u;
    output[id.x] = point[axis]; // HERE
}
