// More invocations than elements; those too many do nothing.
// groups: 2,1,1
// buffer: data = 100
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= arrayLength(&data)) {
        return;
    }
    data[id.x] *= 2u;
}
