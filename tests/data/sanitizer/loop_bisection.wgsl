// A bisection whose lower end stays where it is once both ends are neighbours.
// finds: loop_cap
// groups: 1,1,1
// buffer: sorted = 64
// buffer: output = 64
// fill: index

@group(0) @binding(0) var<storage, read> sorted: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

fn upper_bound(key: u32) -> u32 {
    var low = 0u;
    var high = arrayLength(&sorted);
    while (low < high) { // HERE
        let middle = (low + high) / 2u;
        if (sorted[middle] <= key) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    output[id.x] = upper_bound(id.x);
}
