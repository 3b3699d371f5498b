// A prefix sum that reads the element before the one it is about to write.
// groups: 1,1,1
// buffer: data = 64
// buffer: sums = 64
// fill: index
// inputs: unwritten_function.toml

@group(0) @binding(0) var<storage, read> data: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;

fn sum_before(i: u32) -> u32 {
    return sums[i - 1u];
}

@compute @workgroup_size(1)
fn main() {
    sums[0] = data[0];
    for (var i = 1u; i < arrayLength(&data); i++) {
        sums[i] = sum_before(i) + data[i];
    }
}
