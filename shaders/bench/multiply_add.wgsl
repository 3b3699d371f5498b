// Arithmetic peak: s = a s + b in registers, 32 chains per invocation, two steps per turn, and no load.
//
// y [count]: the sum of an invocation's chains, which start at its index modulo 16. a and b come from memory, so that no
// compiler knows them; they are 1, and every sum is a whole number that f32 holds exactly, fused or not.
// Grid: x = count / 64.
// Determinism: whole numbers, whatever is fused or reordered.

struct Params {
    count: u32,
    turns: u32,
    a: f32,
    b: f32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= p.count) {
        return;
    }
    let a = vec4f(p.a);
    let b = vec4f(p.b);
    var s0 = vec4f(f32(id.x % 16u));
    var s1 = s0;
    var s2 = s0;
    var s3 = s0;
    var s4 = s0;
    var s5 = s0;
    var s6 = s0;
    var s7 = s0;
    for (var turn = 0u; turn < p.turns; turn++) {
        s0 = s0 * a + b;
        s1 = s1 * a + b;
        s2 = s2 * a + b;
        s3 = s3 * a + b;
        s4 = s4 * a + b;
        s5 = s5 * a + b;
        s6 = s6 * a + b;
        s7 = s7 * a + b;
        s0 = s0 * a + b;
        s1 = s1 * a + b;
        s2 = s2 * a + b;
        s3 = s3 * a + b;
        s4 = s4 * a + b;
        s5 = s5 * a + b;
        s6 = s6 * a + b;
        s7 = s7 * a + b;
    }
    let sum = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    y[id.x] = (sum.x + sum.y) + (sum.z + sum.w);
}
