// A row is fetched by a number from a buffer, which is checked.
// groups: 1,1,1
// buffer: rows = 4
// buffer: table = 32
// fill: index
// inputs: bounds_gather.toml

@group(0) @binding(0) var<storage, read_write> rows: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<vec4u>;

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let row = rows[id.x];
    if (row < arrayLength(&table)) {
        rows[id.x] = table[row].z;
    }
}
