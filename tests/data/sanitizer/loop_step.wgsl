// The step of the loop is a setting, and may be 0.
// finds: loop_cap
// groups: 1,1,1
// buffer: data = 64
// fill: zero

struct Params {
    first: u32,
    step: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(1)
fn main() {
    for (var i = params.first; i < arrayLength(&data); i += params.step) { // HERE
        data[i] = i;
    }
}
