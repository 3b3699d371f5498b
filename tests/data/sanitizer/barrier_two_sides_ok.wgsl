// One barrier for both sides of a branch.
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local < 32u) {
        data[local] = 1u;
    } else {
        data[local] = 2u;
    }
    storageBarrier();
    data[local] += 1u;
}
