// The length that a list states is larger than the list.
// finds: out_of_bounds
// groups: 1,1,1
// buffer: list = 5
// fill: zero
// inputs: bounds_counted.toml

struct List {
    count: u32,
    values: array<u32>,
}

@group(0) @binding(0) var<storage, read> list: List;
@group(0) @binding(1) var<storage, read_write> sum: u32;

@compute @workgroup_size(1)
fn main() {
    var total = 0u;
    for (var i = 0u; i < list.count; i++) {
        total += list.values[i]; // HERE
    }
    sum = total;
}
