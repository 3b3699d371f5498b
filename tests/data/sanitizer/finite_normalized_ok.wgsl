// The direction of a vector of length 0 is taken to be 0.
// groups: 1,1,1
// buffer: points = 64
// fill: zero

@group(0) @binding(0) var<storage, read_write> points: array<vec2f>;

fn direction(v: vec2f) -> vec2f {
    let squared = dot(v, v);
    if (squared == 0.0) {
        return v;
    }
    return v * inverseSqrt(squared);
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
    points[id.x] = direction(points[id.x]);
}
