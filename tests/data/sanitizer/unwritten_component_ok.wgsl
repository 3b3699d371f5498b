// The second component of a vector whose first two were written.
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<f32>;

var<workgroup> tile: array<vec3f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    tile[local].x = data[local];
    tile[local].y = data[local] * 2.0;
    workgroupBarrier();
    data[local] = tile[63u - local].y;
}
