// Two invocations write different values to one element of a storage buffer.
// finds: race
// groups: 1,1,1
// buffer: output = 64
// fill: zero

@group(0) @binding(0) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    output[local / 2u] = local + 1u; // HERE
}
