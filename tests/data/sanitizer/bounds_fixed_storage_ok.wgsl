// A table of 16 entries in storage, looked up by numbers up to 15.
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read> table: array<u32, 16>;
@group(0) @binding(1) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    data[id.x] = table[data[id.x] % 16u];
}
