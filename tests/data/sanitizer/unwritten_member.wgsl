// One member of an output is set, the other counted up.
// finds: uninitialized
// groups: 1,1,1
// buffer: data = 64
// buffer: output = 32
// fill: index
// inputs: unwritten_member.toml

struct Statistics {
    sum: u32,
    count: u32,
}

@group(0) @binding(0) var<storage, read> data: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<Statistics>;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
    output[id.x].sum = 0u;
    for (var i = id.x; i < 64u; i += 16u) {
        output[id.x].sum += data[i];
        output[id.x].count += 1u; // HERE
    }
}
