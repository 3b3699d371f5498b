// Fibonacci hashing: the upper six bits of the product.
// groups: 1,1,1
// buffer: table = 64
// buffer: output = 64
// fill: index

@group(0) @binding(0) var<storage, read> table: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    output[id.x] = table[(id.x * 2654435769u) >> 26u];
}
