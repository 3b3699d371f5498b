// No unsigned number is below 0: the countdown goes round.
// finds: loop_cap
// groups: 1,1,1
// buffer: data = 8
// fill: index

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(1)
fn main() {
    var sum = 0u;
    for (var i = 7u; i >= 0u; i--) { // HERE
        sum = sum / 2u + data[i % 8u];
    }
    data[0] = sum;
}
