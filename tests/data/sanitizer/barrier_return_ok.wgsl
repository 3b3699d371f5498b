// Invocations without an element go to the barrier too.
// groups: 1,1,1
// buffer: data = 50
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<f32>;

var<workgroup> tile: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    let count = arrayLength(&data);
    if (local < count) {
        tile[local] = data[local];
    }
    workgroupBarrier();
    if (local < count) {
        data[local] = tile[count - 1u - local];
    }
}
