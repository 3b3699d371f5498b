// Memory bandwidth: y = x, four words per invocation.
//
// x and y [count] of vec4u.
// Grid: an invocation per vec4u; x = count / 256.
// Determinism: every word has one writer.

struct Params {
    count: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4u>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < p.count) {
        y[id.x] = x[id.x];
    }
}
