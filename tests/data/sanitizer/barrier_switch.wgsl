// A barrier in one case of a switch on the invocation.
// finds: divergent_barrier
// groups: 2,1,1
// buffer: data = 128
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
    switch (id.x % 3u) {
        case 0u: {
            data[id.x] = 100u;
        }
        case 1u: {
            storageBarrier(); // HERE
            data[id.x] = 200u;
        }
        default: {}
    }
}
