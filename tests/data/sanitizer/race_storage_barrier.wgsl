// storageBarrier orders storage buffers; what goes through workgroup memory needs workgroupBarrier.
// finds: race
// groups: 1,1,1
// buffer: output = 64
// fill: zero

@group(0) @binding(0) var<storage, read_write> output: array<u32>;

var<workgroup> tile: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    tile[local] = local + 100u; // OTHER
    storageBarrier();
    output[local] = tile[63u - local]; // HERE
}
