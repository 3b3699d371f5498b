// The length that a list states is held against the list.
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
    for (var i = 0u; i < min(list.count, arrayLength(&list.values)); i++) {
        total += list.values[i];
    }
    sum = total;
}
