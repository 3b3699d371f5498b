// The largest value is compared with before all have taken part: several invocations believe that they hold it.
// finds: race
// groups: 1,1,1
// fill: zero

@group(0) @binding(0) var<storage, read_write> winner: u32;

var<workgroup> largest: atomic<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    // Rises to 63 at invocation 31, then falls.
    let value = min(local, 63u - local) * 2u + local % 2u;
    atomicMax(&largest, value);
    if (atomicLoad(&largest) == value) {
        winner = local; // HERE
    }
}
