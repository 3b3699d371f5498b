// Integer rate: s = a s + b modulo 2^32 in registers, 16 chains per invocation, two steps per turn.
//
// y [count]: the sum of an invocation's chains, which start at its index modulo 16.
// Grid: x = count / 64.
// Determinism: integers.

struct Params {
    count: u32,
    turns: u32,
    a: u32,
    b: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= p.count) {
        return;
    }
    let a = vec4u(p.a);
    let b = vec4u(p.b);
    var s0 = vec4u(id.x % 16u);
    var s1 = s0;
    var s2 = s0;
    var s3 = s0;
    for (var turn = 0u; turn < p.turns; turn++) {
        s0 = s0 * a + b;
        s1 = s1 * a + b;
        s2 = s2 * a + b;
        s3 = s3 * a + b;
        s0 = s0 * a + b;
        s1 = s1 * a + b;
        s2 = s2 * a + b;
        s3 = s3 * a + b;
    }
    let sum = (s0 + s1) + (s2 + s3);
    y[id.x] = sum.x + sum.y + sum.z + sum.w;
}
