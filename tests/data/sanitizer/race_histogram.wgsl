// Invocations count into shared bins by reading, adding and writing.
// finds: race
// groups: 1,1,1
// buffer: data = 64
// buffer: output = 8
// fill: index

@group(0) @binding(0) var<storage, read> data: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

var<workgroup> bins: array<u32, 8>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local < 8u) {
        bins[local] = 0u;
    }
    workgroupBarrier();
    bins[data[local] % 8u] += 1u; // HERE
    workgroupBarrier();
    if (local < 8u) {
        output[local] = bins[local];
    }
}
