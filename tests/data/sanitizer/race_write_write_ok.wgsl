// Every invocation writes an element of its own.
// groups: 1,1,1
// buffer: output = 64
// fill: zero

@group(0) @binding(0) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    output[local] = local + 1u;
}
