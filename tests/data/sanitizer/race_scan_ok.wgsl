// A prefix sum in place: all have read before any adds.
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

var<workgroup> sums: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    sums[local] = data[local];
    workgroupBarrier();
    for (var offset = 1u; offset < 64u; offset *= 2u) {
        var before = 0u;
        if (local >= offset) {
            before = sums[local - offset];
        }
        workgroupBarrier();
        sums[local] += before;
        workgroupBarrier();
    }
    data[local] = sums[local];
}
