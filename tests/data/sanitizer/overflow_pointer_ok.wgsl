// A position is moved back through a pointer, down to 0.
// groups: 1,1,1
// buffer: data = 64
// buffer: output = 64
// fill: index

@group(0) @binding(0) var<storage, read> data: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

fn back(position: ptr<function, u32>) {
    if (*position > 0u) {
        *position -= 1u;
    }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    var position = id.x;
    back(&position);
    back(&position);
    output[id.x] = data[position];
}
