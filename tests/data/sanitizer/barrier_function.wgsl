// A function with a barrier, called by a part of the workgroup.
// finds: divergent_barrier
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

var<workgroup> tile: array<u32, 64>;

fn swapped(local: u32) -> u32 {
    tile[local] = data[local];
    workgroupBarrier(); // HERE
    return tile[local ^ 1u];
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local >= 16u) {
        data[local] = swapped(local);
    }
}
