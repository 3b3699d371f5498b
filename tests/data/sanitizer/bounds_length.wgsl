// A strided sum that takes the length for an index.
// finds: out_of_bounds
// groups: 1,1,1
// buffer: data = 128
// buffer: output = 64
// fill: index

@group(0) @binding(0) var<storage, read> data: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    var sum = 0.0;
    for (var i = local; i <= arrayLength(&data); i += 64u) {
        sum += data[i]; // HERE
    }
    output[local] = sum;
}
