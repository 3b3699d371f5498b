// The mean of no elements is 0 / 0.
// finds: non_finite
// groups: 1,1,1
// buffer: data = 64
// fill: zero

@group(0) @binding(0) var<storage, read_write> data: array<f32>;

@compute @workgroup_size(1)
fn main() {
    var sum = 0.0;
    var count = 0u;
    for (var i = 0u; i < arrayLength(&data); i++) {
        if (data[i] > 0.0) {
            sum += data[i];
            count++;
        }
    }
    data[0] = sum / f32(count); // HERE
}
