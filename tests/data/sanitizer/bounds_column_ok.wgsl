// A column of a matrix by a number up to 2.
// groups: 1,1,1
// buffer: points = 256
// fill: index

@group(0) @binding(0) var<storage, read_write> points: array<vec3f>;

fn column(axis: u32) -> vec3f {
    var basis = mat3x3f(vec3f(1.0, 0.0, 0.0), vec3f(0.0, 1.0, 0.0), vec3f(0.0, 0.0, 1.0));
    return basis[axis];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    points[id.x] += column(id.x % 3u);
}
