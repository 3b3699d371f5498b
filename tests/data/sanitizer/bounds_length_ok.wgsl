// A strided sum up to the length.
// groups: 1,1,1
// buffer: data = 128
// buffer: output = 64
// fill: index

@group(0) @binding(0) var<storage, read> data: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    var sum = 0.0;
    for (var i = local; i < arrayLength(&data); i += 64u) {
        sum += data[i];
    }
    output[local] = sum;
}
