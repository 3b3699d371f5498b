// A scratch buffer that every second invocation fills, and all read.
// finds: uninitialized
// groups: 1,1,1
// buffer: scratch = 64
// buffer: data = 64
// fill: index
// inputs: unwritten_branch.toml

@group(0) @binding(0) var<storage, read_write> scratch: array<u32>;
@group(0) @binding(1) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local % 2u == 0u) {
        scratch[local] = data[local] * 3u;
    }
    storageBarrier();
    data[local] = scratch[63u - local]; // HERE
}
