// Collatz's steps to 1 from every number above 1.
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    var n = data[id.x];
    var steps = 0u;
    while (n > 1u) {
        n = select(n / 2u, 3u * n + 1u, n % 2u == 1u);
        steps++;
    }
    data[id.x] = steps;
}
