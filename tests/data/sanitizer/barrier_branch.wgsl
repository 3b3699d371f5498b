// A barrier that half of the workgroup goes past.
// finds: divergent_barrier
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

var<workgroup> tile: array<u32, 32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local < 32u) {
        tile[local] = data[local];
        workgroupBarrier(); // HERE
        data[local] = tile[31u - local];
    }
}
