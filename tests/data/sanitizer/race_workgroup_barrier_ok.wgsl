// What goes through a storage buffer is ordered by storageBarrier.
// groups: 1,1,1
// buffer: data = 64
// buffer: output = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    data[local] = local + 100u;
    storageBarrier();
    output[local] = data[63u - local];
}
