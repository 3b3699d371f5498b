// An array in a structure, written up to its last element.
// groups: 1,1,1
// buffer: rows = 256
// fill: index

struct Row {
    values: array<f32, 3>,
    sum: f32,
}

@group(0) @binding(0) var<storage, read_write> rows: array<Row>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    var sum = 0.0;
    for (var i = 0u; i < 3u; i++) {
        rows[id.x].values[i] *= 0.5;
        sum += f32(i);
    }
    rows[id.x].sum = sum;
}
