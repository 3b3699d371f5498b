// Two workgroups write to the same elements: the index is that of the invocation in its workgroup.
// finds: race
// groups: 2,1,1
// buffer: output = 128
// fill: zero

@group(0) @binding(0) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
    output[local] = id.x + 1u; // HERE
}
