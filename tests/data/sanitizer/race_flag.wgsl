// Several invocations set one flag. They write the same, which no driver tells apart; WGSL still calls it a race.
// finds: race note
// groups: 2,1,1
// buffer: data = 128
// fill: index

@group(0) @binding(0) var<storage, read> data: array<u32>;
@group(0) @binding(1) var<storage, read_write> found: u32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (data[id.x] % 50u == 7u) {
        found = 1u; // HERE
    }
}
