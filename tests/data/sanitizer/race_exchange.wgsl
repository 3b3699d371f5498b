// Values change places through workgroup memory, with no barrier between the write and the read.
// finds: race
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

var<workgroup> tile: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    tile[local] = data[local] + 1u; // OTHER
    data[local] = tile[63u - local]; // HERE
}
