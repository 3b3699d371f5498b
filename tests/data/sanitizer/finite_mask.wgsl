// A mask of 0 does not hide an infinite number: their product is NaN.
// finds: non_finite
// groups: 1,1,1
// buffer: values = 4
// buffer: mask = 4
// fill: index
// inputs: finite_mask.toml

@group(0) @binding(0) var<storage, read_write> values: array<f32>;
@group(0) @binding(1) var<storage, read> mask: array<f32>;

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u) {
    values[id.x] *= mask[id.x]; // HERE
}
