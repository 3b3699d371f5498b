// A row of a tile under a name of its own, up to its last column.
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

var<workgroup> tile: array<array<u32, 8>, 8>;

@compute @workgroup_size(8, 8)
fn main(@builtin(local_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
    tile[id.y][id.x] = data[local];
    workgroupBarrier();
    let row = &tile[id.y];
    let right = (id.x + 1u) % 8u;
    data[local] = (*row)[right];
}
