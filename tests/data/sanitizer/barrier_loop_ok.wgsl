// A barrier in a loop that all invocations leave after the same number of rounds.
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    let rounds = 1u + arrayLength(&data) % 3u;
    for (var round = 0u; round < rounds; round++) {
        data[local] += round;
        storageBarrier();
    }
}
