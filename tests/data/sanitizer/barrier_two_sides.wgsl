// A barrier on either side of a branch is not the same barrier.
// finds: divergent_barrier
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local < 32u) {
        data[local] = 1u;
        storageBarrier(); // HERE
    } else {
        data[local] = 2u;
        storageBarrier(); // HERE
    }
    data[local] += 1u;
}
