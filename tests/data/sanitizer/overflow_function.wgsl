// A function's offset is below 0 for the first row.
// finds: overflow
// also: out_of_bounds
// groups: 1,1,1
// buffer: data = 64
// buffer: output = 16
// fill: index

@group(0) @binding(0) var<storage, read> data: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

fn row_before(row: u32) -> u32 {
    return row * 4u - 4u; // HERE
}

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
    output[id.x] = data[row_before(id.x)];
}
