// A product of sizes that wraps to an index within the buffer: the check comes too late.
// finds: overflow
// groups: 1,1,1
// buffer: data = 64
// buffer: output = 4
// fill: index
// inputs: overflow_volume.toml

struct Params {
    rows: u32,
    columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> data: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let first = id.x * params.rows * params.columns; // HERE
    if (first < arrayLength(&data)) {
        output[id.x] = data[first];
    }
}
