// Invocations without an element have returned before the barrier.
// finds: divergent_barrier
// groups: 1,1,1
// buffer: data = 50
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<f32>;

var<workgroup> tile: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    let count = arrayLength(&data);
    if (local >= count) {
        return;
    }
    tile[local] = data[local];
    workgroupBarrier(); // HERE
    data[local] = tile[count - 1u - local];
}
