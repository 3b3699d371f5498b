// Bandwidth of workgroup memory: every invocation reads four vec4f of its workgroup's 4 KiB per turn and adds them up.
//
// y [count]: the sum of what an invocation read. Word i of the memory holds i; sums are whole numbers that f32 holds exactly.
// Grid: x = count / 256; count is a multiple of 256.
// Determinism: whole numbers, in any order.

struct Params {
    count: u32,
    turns: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

var<workgroup> values: array<vec4f, 256>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
    values[local] = vec4f(f32(local));
    workgroupBarrier();
    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    for (var turn = 0u; turn < p.turns; turn++) {
        let at = local + turn;
        sum0 += values[at & 255u];
        sum1 += values[(at + 64u) & 255u];
        sum2 += values[(at + 128u) & 255u];
        sum3 += values[(at + 192u) & 255u];
    }
    let sum = (sum0 + sum1) + (sum2 + sum3);
    y[id.x] = (sum.x + sum.y) + (sum.z + sum.w);
}
