// A factor that is checked before the product is formed.
// groups: 1,1,1
// buffer: rows = 4
// buffer: data = 20
// fill: index
// inputs: overflow_signed.toml

@group(0) @binding(0) var<storage, read> rows: array<i32>;
@group(0) @binding(1) var<storage, read> data: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32, 4>;

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let row = rows[id.x];
    if (row >= 0 && row < 4) {
        let first = row * 5;
        output[id.x] = data[first];
    }
}
