// A sum in workgroup memory that starts at what WGSL puts there.
// finds: uninitialized note
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

var<workgroup> total: u32;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local == 0u) {
        for (var i = 0u; i < 64u; i++) {
            total += data[i]; // HERE
        }
    }
    workgroupBarrier();
    storageBarrier();
    data[local] = total;
}
