// A stencil into another buffer.
// groups: 2,1,1
// buffer: cells = 128
// buffer: next = 128
// fill: index

@group(0) @binding(0) var<storage, read_write> cells: array<u32>;
@group(0) @binding(1) var<storage, read_write> next: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let left = cells[max(id.x, 1u) - 1u];
    storageBarrier();
    next[id.x] = left + 7u;
}
