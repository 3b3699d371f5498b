// The countdown ends at 0.
// groups: 1,1,1
// buffer: data = 8
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(1)
fn main() {
    var sum = 0u;
    for (var i = 8u; i > 0u; i--) {
        sum = sum / 2u + data[i - 1u];
    }
    data[0] = sum;
}
