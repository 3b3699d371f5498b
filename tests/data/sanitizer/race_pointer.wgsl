// A function adds to shared memory through a pointer.
// finds: race
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

var<workgroup> totals: array<u32, 2>;

fn accumulate(parity: u32, value: u32) {
    let total = &totals[parity];
    *total += value; // HERE
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    accumulate(local % 2u, data[local]);
    workgroupBarrier();
    data[local] = totals[local % 2u];
}
