// The last iteration writes behind an array in function memory.
// finds: out_of_bounds
// groups: 1,1,1
// buffer: data = 64
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    var powers: array<f32, 5>;
    var power = 1.0;
    for (var i = 0u; i <= 5u; i++) {
        powers[i] = power; // HERE
        power *= 0.5 * data[local];
    }
    data[local] = powers[2] + powers[4];
}
