// The last invocation of a workgroup reads a neighbour that the tile has no place for.
// finds: out_of_bounds
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<f32>;

var<workgroup> tile: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    tile[local] = data[local];
    workgroupBarrier();
    data[local] = tile[local + 1u] - tile[local]; // HERE
}
