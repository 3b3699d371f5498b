// A function with a barrier, called by all of the workgroup.
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

var<workgroup> tile: array<u32, 64>;

fn swapped(local: u32) -> u32 {
    tile[local] = data[local];
    workgroupBarrier();
    return tile[local ^ 1u];
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (arrayLength(&data) >= 16u) {
        data[local] = swapped(local);
    }
}
