// A sum by a tree whose levels are not separated.
// finds: race
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<f32>;

var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    partial[local] = data[local];
    workgroupBarrier();
    for (var half = 32u; half > 0u; half /= 2u) {
        if (local < half) {
            partial[local] += partial[local + half]; // HERE
        }
    }
    if (local == 0u) {
        data[0] = partial[0];
    }
}
