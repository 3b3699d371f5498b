// One component of a divisor is 0.
// finds: non_finite
// groups: 1,1,1
// buffer: points = 64
// buffer: scales = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> points: array<vec4f>;
@group(0) @binding(1) var<storage, read> scales: array<vec4f>;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let point = points[id.x] + vec4f(1.0);
    points[id.x] = point / scales[id.x]; // HERE
}
