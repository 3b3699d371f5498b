// Adding 1 to 2^24 rounds back to 2^24.
// finds: loop_cap
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    var rounds = 0.0;
    let first = 16777216.0 + f32(id.y);
    for (var x = first; x < first + 8.0; x += 1.0) { // HERE
        rounds += 0.5;
    }
    data[id.x] = rounds;
}
