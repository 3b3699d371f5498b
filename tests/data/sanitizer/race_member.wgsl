// Both ends of a range go to the same member.
// finds: race
// groups: 1,1,1
// buffer: data = 64
// fill: index

struct Range {
    low: u32,
    high: u32,
}

@group(0) @binding(0) var<storage, read> data: array<u32>;
@group(0) @binding(1) var<storage, read_write> range: Range;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local == 0u) {
        range.low = data[local] + 5u; // OTHER
    } else if (local == 63u) {
        range.low = data[local]; // HERE
    }
}
