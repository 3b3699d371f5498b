// What goes through workgroup memory is ordered by workgroupBarrier.
// groups: 1,1,1
// buffer: output = 64
// fill: zero

@group(0) @binding(0) var<storage, read_write> output: array<u32>;

var<workgroup> tile: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    tile[local] = local + 100u;
    workgroupBarrier();
    output[local] = tile[63u - local];
}
