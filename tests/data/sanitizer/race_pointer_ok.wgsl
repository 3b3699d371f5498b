// A function adds to shared memory through a pointer, atomically.
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

var<workgroup> totals: array<atomic<u32>, 2>;

fn accumulate(parity: u32, value: u32) {
    let total = &totals[parity];
    atomicAdd(total, value);
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    accumulate(local % 2u, data[local]);
    workgroupBarrier();
    data[local] = atomicLoad(&totals[local % 2u]);
}
