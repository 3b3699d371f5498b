// The fourth component of a vec3 in storage is its padding.
// finds: out_of_bounds
// groups: 1,1,1
// buffer: points = 256
// fill: index

@group(0) @binding(0) var<storage, read_write> points: array<vec3f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    for (var axis = 0u; axis < 4u; axis++) {
        points[id.x][axis] = f32(axis); // HERE
    }
}
