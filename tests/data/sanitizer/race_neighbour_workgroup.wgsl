// A stencil in place: a barrier does not hold back the next workgroup, whose first cell reads this one's last.
// finds: race
// groups: 2,1,1
// buffer: cells = 128
// fill: index

@group(0) @binding(0) var<storage, read_write> cells: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let left = cells[max(id.x, 1u) - 1u]; // OTHER
    storageBarrier();
    cells[id.x] = left + 7u; // HERE
}
