// The step of the loop is a setting, and at least 1.
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
    let step = max(params.step, 1u);
    for (var i = params.first; i < arrayLength(&data); i += step) {
        data[i] = i;
    }
}
